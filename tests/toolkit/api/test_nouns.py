"""What a notebook and a print show of the interface's objects, and what they write."""

import json
from pathlib import Path

import pytest
from noise_pictures import write_pictures
from written_artefacts import make_report, write_bundle, write_run

import hemotk
from hemotk.artifacts import AuditReport, BenchReport


def test_a_run_shows_its_figures(tmp_path: Path) -> None:
    run = hemotk.Run.open(str(write_run(tmp_path / "first")))
    assert repr(run) == f"<hemotk.Run {tmp_path / 'first'}: densenet-tiny>"
    shown = run._repr_html_()
    assert "<td>test</td><td>4</td><td>0.750 [" in shown and "made by hand" in shown
    (run.folder / "weights.npz").write_bytes(b"other")
    with pytest.raises(hemotk.HemotkError, match=r"weights\.npz: checksum"):
        hemotk.Run.open(run.folder)


def test_a_bundle_shows_its_variants(tmp_path: Path) -> None:
    bundle = hemotk.Bundle.open(str(write_bundle(tmp_path / "b")))
    assert bundle.variants == {kind: tmp_path / "b" / f"{kind}.tflite" for kind in ("float32", "int8")}
    assert "int8.tflite" in bundle._repr_html_() and "float32, int8" in repr(bundle)


def test_a_report_shows_its_verdict_and_is_saved_by_the_ending(tmp_path: Path) -> None:
    report = hemotk.Report(make_report())
    assert report.passed and report.verdict.startswith("PASS") and report.verdict in report._repr_html_()
    for ending in ("json", "html", "md", "xml"):
        report.save(str(tmp_path / f"bench.{ending}"))
    assert BenchReport.read(tmp_path / "bench.json") == report.found
    assert "<testsuites" in (tmp_path / "bench.xml").read_text()
    with pytest.raises(hemotk.HemotkError, match=r"bench\.txt: ends in none of \.json, \.html, \.md, \.xml"):
        report.save(tmp_path / "bench.txt")
    with pytest.raises(hemotk.HemotkError, match="already exists"):
        report.save(tmp_path / "bench.json")


def test_a_split_is_made_saved_and_opened(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "ct", 30, 32)
    told: list[str] = []
    split = hemotk.split(str(folder), groups="none", progress=lambda what, done, total, note="": told.append(what))
    assert split.path is None and set(told) == {"reading images"}
    assert sum(images for images, _ in split.counts().values()) == 30
    saved = split.save(str(tmp_path / "split.json"))
    assert hemotk.Split.open(saved.path).manifest == split.manifest and saved == hemotk.Split.open(saved.path)
    assert "<td>test</td>" in split._repr_html_() and repr(split).startswith("<hemotk.Split train ")
    with pytest.raises(hemotk.HemotkError, match="already exists"):
        hemotk.split(folder, out=tmp_path / "split.json")
    with pytest.raises(hemotk.HemotkError, match=r"^out .*: is the image folder"):
        hemotk.split(folder, out=folder)


def test_folds_and_merged_splits(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "ct", 30, 32)
    folds = hemotk.folds(folder, 3, groups="none", out=tmp_path / "folds", progress=False)
    assert [fold.manifest.fold for fold in folds] == [1, 2, 3]
    assert [each.manifest for each in hemotk.folds(tmp_path / "folds", 3)] == [each.manifest for each in folds]
    with pytest.raises(hemotk.HemotkError, match=r"^folds 4: .* holds 3 folds"):
        hemotk.folds(tmp_path / "folds", 4)
    other = write_pictures(tmp_path / "other", 40, 33)
    merged = hemotk.merge([hemotk.split(folder, groups="none", progress=False), hemotk.split(other, progress=False)])
    assert sum(images for images, _ in merged.counts().values()) == 70


def test_an_audit_tells_and_is_saved(tmp_path: Path) -> None:
    audit = hemotk.audit(write_pictures(tmp_path / "ct", 20, 32), progress=False)
    audit.save(tmp_path / "audit.json")
    audit.save(tmp_path / "audit.html")
    assert AuditReport.read(tmp_path / "audit.json") == audit.report
    assert all(sentence in audit._repr_html_() or "&" in sentence for sentence in audit.findings)
    with pytest.raises(hemotk.HemotkError, match=r"audit\.txt: ends in none of \.json, \.html, \.png"):
        audit.save(tmp_path / "audit.txt")


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (
            lambda: hemotk.train("x.json", epoch=3),
            "epoch: no such setting of a training; choose of appearance, arch, augment",
        ),
        (lambda: hemotk.train("x.json", recipe="mine"), "^recipe mine: is unknown"),
        (
            lambda: hemotk.train("x.json", threshold=0.5, min_sensitivity=0.9),
            "^threshold 0.5 and min_sensitivity 0.9: both say",
        ),
        (lambda: hemotk.train("x.json", threshold=2.0), "^threshold 2.0: must be above 0 and below 1"),
        (lambda: hemotk.prune("x", macs=0.5, stepz=1), "stepz: no such setting of a pruning"),
        (lambda: hemotk.export("x", quantize="int4"), "^quantize int4: is unknown; choose of none, fp16"),
        (lambda: hemotk.export("x", quantize="fp16", auto=True), "^auto: chooses layers of the int8 variant"),
        (lambda: hemotk.export("x", max_score_drift=0.1), "^max_score_drift: is a limit for auto"),
        (lambda: hemotk.export("x", author=" "), "^author: is empty"),
        (lambda: hemotk.bench("x", max_flip=1), "max_flip: no such limit; choose of .*max_flips"),
        (lambda: hemotk.bench("x", max_flips=-1), "^max_flips: must be 0 or more"),
    ],
)
def test_wrong_arguments_are_refused_by_name(call: object, said: str) -> None:
    with pytest.raises(hemotk.HemotkError, match=said):
        call()  # type: ignore[operator]


def test_an_audit_shows_pixels_only_when_it_is_asked_to(tmp_path: Path) -> None:
    folder = write_pictures(tmp_path / "ct", 20, 32)
    first = next(iter(sorted(folder.rglob("*.png"))))
    (first.parent / "copy.png").write_bytes(first.read_bytes())
    audit = hemotk.audit(folder, progress=False)
    assert "data:image/png" not in audit.page() and "data:image/png" in audit.page(pictures=True)
    audit.save(tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes() == audit.sheet()
    assert audit.failures(["unreadable"]) == () and len(audit.lines) > 3
    with pytest.raises(hemotk.HemotkError, match=r"^fail_on leeks: is unknown"):
        audit.failures(["leeks"])


def test_info_tells_what_a_folder_is_and_which_file_was_changed(tmp_path: Path) -> None:
    run = write_run(tmp_path / "first")
    info = hemotk.info(str(run))
    info.check()
    assert info.lines[0] == f"run {run}" and json.loads(info.to_json())["what"] == "run"
    assert "densenet-tiny" in info._repr_html_() and repr(info) == f"<hemotk.Info of run {run}>"
    (run / "weights.npz").write_bytes(b"other")
    changed = hemotk.info(run)
    assert changed.faulty == {"weights.npz": "changed"}
    with pytest.raises(hemotk.HemotkError, match=r"weights\.npz \(changed\); make it again"):
        changed.check()


def test_a_model_card_is_of_a_run_and_refuses_the_bundle_of_another(tmp_path: Path) -> None:
    run = write_run(tmp_path / "first")
    assert hemotk.card(run).startswith("# Model card")
    with pytest.raises(hemotk.HemotkError, match=r"^bundle .*: was not exported from"):
        hemotk.card(run, bundle=write_bundle(tmp_path / "b"))


def test_an_app_refuses_a_bundle_that_it_cannot_use(tmp_path: Path) -> None:
    with pytest.raises(hemotk.HemotkError, match=str(tmp_path / "b")):
        hemotk.android_app(write_bundle(tmp_path / "b"), tmp_path / "app")
    assert not (tmp_path / "app").exists()

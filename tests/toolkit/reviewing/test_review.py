"""The page of a review: which slices it lists, that its program counts as Python does, and what it refuses."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from converted_bundles import edit_card, write_bundle
from float_and_int8_models import SIZE, float_model, int8_model
from PIL import Image
from scored_runs import Judged

from hemotk.api.reviews import Review, review
from hemotk.artifacts import RUN_CARD, RunCard
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.cli.main import run as command
from hemotk.render.numbers import NOTHING, with_interval
from hemotk.reviewing import run as reviewing_run
from hemotk.reviewing.page import told_beside
from hemotk.stats.metrics import evaluate, wilson
from hemotk.tflite.scorer import Scorer

PROGRAM = Path(__file__).parents[3] / "toolkit/reviewing/review.js"
NODE = shutil.which("node")
LABELS = [0, 1, 0, 1, 0, 1, 0, 1, 0, 1]
LOGITS = [-3.0, 3.0, 2.0, -2.0, 0.3, -0.2, -0.1, 0.1, -4.0, 4.0]
NAMES = [f"{place}.png" for place in range(len(LABELS))]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn pictures with a table, and a run on them."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "images").mkdir()
    for place, name in enumerate(NAMES):
        Image.fromarray(np.full((20, 20), 20 * place, np.uint8)).save(folder / "images" / name)
    table = ["id,hemorrhage,subdural,epidural"]
    table += [f"{name},{label},{int(name == '3.png')},0" for name, label in zip(NAMES, LABELS, strict=True)]
    (folder / "images/labels.csv").write_text("\n".join(table) + "\n")
    judged().write(folder / "runs/first")
    replace(judged(), folder=str(folder / "images")).write(folder / "runs/there")
    return folder


def judged() -> Judged:
    groups = ["a", "a", "b", "b", "c", "c", "d", "d", "e", "f"]
    return Judged(LABELS, LOGITS, groups, names=NAMES, folder="/nowhere/images", threshold=0.5, temperature=2.0)


def made(home: Path, out: Path, name: str = "first", **options: object) -> tuple[Review, str]:
    found = review(home / "runs" / name, out, progress=False, **options)  # type: ignore[arg-type]
    return found, out.read_text("utf-8")


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def listed(page: str) -> list[tuple[str, list[str]]]:
    return [(row["path"], row["kinds"]) for row in data_of(page)["rows"]]


def test_every_miss_and_near_slice_is_listed_the_worst_miss_first(home: Path, tmp_path: Path) -> None:
    found, page = made(home, tmp_path / "r.html", near=0.05)
    assert listed(page) == [
        ("3.png", ["missed"]),
        ("5.png", ["missed", "near"]),
        ("2.png", ["false alarm"]),
        ("4.png", ["false alarm", "near"]),
        ("6.png", ["near"]),
        ("7.png", ["near"]),
    ]
    assert (found.images, found.slices) == (10, 6)
    assert found.kinds == {"missed": 2, "false alarm": 2, "near": 4}
    assert found.notes == ("The images are not in /nowhere/images now, so kinds of hemorrhage are not looked up.",)
    assert "<img" not in page and "Keep this page in the house" in page
    nothing, _ = made(home, tmp_path / "n.html", near=0.0)
    assert nothing.kinds == {"missed": 2, "false alarm": 2}


def test_the_page_is_well_formed_and_may_reach_nothing(home: Path, tmp_path: Path) -> None:
    _, page = made(home, tmp_path / "r.html")
    root = ElementTree.fromstring(page.partition("\n")[2])
    (policy,) = (meta.get("content", "") for meta in root.iter("meta") if meta.get("http-equiv"))
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "connect-src 'none'" in policy
    assert not re.search(r"(src|href)=\"(?!data:)", page)
    rows = [row for row in root.iter("tr") if row.get("data-row")]
    assert len(rows) == len(listed(page)) and all(row.find(".//textarea") is not None for row in rows)
    words = "".join(root.itertext())
    assert "the 10 images of its test part" in words and "these intervals" not in words
    assert "These images are of 6 groups, so those intervals may be too narrow" in words
    assert "AUC that the share of soft tissue alone reaches: 0.500 [" in words
    assert "logit -2.00" in words and "better on them than it will on others" in words


def test_a_probability_is_told_on_its_side_of_the_threshold() -> None:
    assert told_beside(0.4996, 0.5) == "0.4996" and told_beside(0.5004, 0.5) == "0.500"
    assert told_beside(0.49996, 0.5) == "0.49996" and told_beside(0.5, 0.5) == "0.500"
    assert told_beside(np.nextafter(0.5, 0), 0.5) == "0.4999999999999999"
    assert told_beside(0.37, 0.37) == "0.370"


def test_names_are_words_whatever_is_in_them(tmp_path: Path) -> None:
    name = "</script><b onclick='x'>&amp; \"\u2028.png"
    Judged([0, 1], [1.0, 1.0], names=[name, "b.png"]).write(tmp_path / "run")
    review(tmp_path / "run", tmp_path / "r.html", progress=False)
    page = (tmp_path / "r.html").read_text("utf-8")
    assert page.count("</script>") == 2 and "<b " not in page
    assert [row["path"] for row in data_of(page)["rows"]] == [name]
    heads = [head.text for head in ElementTree.fromstring(page.partition("\n")[2]).iter("th")]
    assert name in heads


def test_the_findings_of_an_audit_of_the_same_folder_stand_at_the_end(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "audit.json"
    assert command(["data", "audit", str(home / "images"), "--json", str(report)]) == 0
    _, page = made(home, tmp_path / "r.html", audit=report)
    assert "Audit of images: 0.png, 1.png, 2.png and 7 more" in page
    report.write_text(report.read_text().replace('"folder": "images"', '"folder": "elsewhere"'))
    assert command(["review", str(home / "runs/first"), "--audit", str(report), "--out", str(tmp_path / "n.html")]) == 2
    assert "is of the folder elsewhere, the run's images are of images; audit that" in capsys.readouterr().err


def test_the_page_can_go_to_the_standard_output_alone(home: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    assert command(["review", str(home / "runs/first"), "--out", "-"]) == 0
    out, err = capfdbinary.readouterr()
    assert out.startswith(b"<!DOCTYPE html>") and out.endswith(b"</html>\n")
    assert b"wrote the result to the standard output; it names images by their paths" in err


def test_another_part_has_its_own_images(home: Path, tmp_path: Path) -> None:
    found, page = made(home, tmp_path / "r.html", part="validation", near=0.3)
    assert (found.part, found.images) == ("validation", 2)
    assert "better on them than it will on others" not in page


def test_the_table_of_labels_gives_subtypes(home: Path, tmp_path: Path) -> None:
    _, page = made(home, tmp_path / "r.html", "there")
    assert [row["subtypes"] for row in data_of(page)["rows"] if row["subtypes"]] == [["subdural"]]
    _, moved = made(home, tmp_path / "m.html", "first", data=home / "images")
    assert "subdural" in moved


def test_pictures_are_those_that_the_network_saw_with_maps_that_make_the_logit(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviewing_run, "check_sha256", lambda *_: None)  # those of the split are of the names
    found, page = made(home, tmp_path / "r.html", "there", pictures=True, near=0.0)
    assert (found.slices, found.pictures, found.maps) == (4, 4, 4)
    assert page.count('src="data:image/webp;base64,') == 8 and "shows pictures of patients" in page
    reviewed = reviewing_run.review_of_run(home / "runs/there", "test", None, pictures=True)
    assert reviewed.album is not None and reviewed.album.mapper is not None
    assert reviewed.album.view(3).tolist() == np.full((16, 16), 60).tolist()
    from hemotk.data.read.preprocess import normalize
    from hemotk.models.build import build_model, set_arrays, with_logit
    from hemotk.store.run import StoredRun

    stored = StoredRun.open(home / "runs/there")
    model = build_model(stored.shape)
    set_arrays(model, stored.weights)
    pixels = normalize(reviewed.album.view(3), stored.card.preprocess)[np.newaxis, ..., np.newaxis]
    assert reviewed.album.mapper(3).mean() == pytest.approx(float(with_logit(model)(pixels)[0][0, 0]), abs=1e-4)


def test_a_changed_picture_is_refused_and_nothing_is_written(home: Path, tmp_path: Path) -> None:
    assert command(["review", str(home / "runs/there"), "--pictures", "--out", str(tmp_path / "r.html")]) == 2
    assert not (tmp_path / "r.html").exists()


# --- bundles


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """float32 and int8 of one network; the threshold lies between what both say of the second image."""
    folder = tmp_path_factory.mktemp("reviewed") / "tiny"
    grays = np.array([40, 70, 80, 90, 64, 76, 58, 85], np.uint8)
    images = np.broadcast_to(grays[:, np.newaxis, np.newaxis], (8, SIZE, SIZE))
    write_bundle(folder, {"float32": float_model(), "int8": int8_model()}, images, [0, 1] * 4)
    both = [Scorer(folder / f"{kind}.tflite", PreprocessSpec(SIZE)).score(images[1]).logit for kind in KINDS]
    assert both[0] != both[1]
    edit_card(folder, threshold=1 / (1 + np.exp(-float(np.mean(both)))))
    return folder


KINDS = ("float32", "int8")


def test_a_bundle_lists_its_flips_and_a_bench_gives_the_same_scores(
    bundle: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["review", str(bundle), "--out", str(tmp_path / "now.html"), "--near", "0"]) == 0
    assert "1 flip" in capsys.readouterr().out
    page = (tmp_path / "now.html").read_text("utf-8")
    rows = {row["path"]: row for row in data_of(page)["rows"]}
    assert "flip" in rows["class1/1.png"]["kinds"]
    assert rows["class1/1.png"]["logit"] != rows["class1/1.png"]["parent"]
    assert [model["name"] for model in data_of(page)["models"]] == ["int8", "float32"]
    report = str(tmp_path / "bench.json")
    assert command(["bench", str(bundle), "--no-timing", "--max-flips", "8", "--json", report]) in (0, 1)
    assert command(["review", str(bundle), "--bench", report, "--out", str(tmp_path / "b.html"), "--near", "0"]) == 0
    assert data_of((tmp_path / "b.html").read_text("utf-8")) == data_of(page)
    capsys.readouterr()
    assert command(["review", report, "--out", str(tmp_path / "c.html")]) == 2
    assert "is a bench report; name the bundle, and give the report with --bench." in capsys.readouterr().err


def test_pictures_of_a_bundle_are_its_test_set_and_a_missing_map_is_said(bundle: Path, tmp_path: Path) -> None:
    found = review(bundle, tmp_path / "r.html", pictures=True, near=0.9, progress=False)
    assert (found.pictures, found.maps) == (8, 0)
    assert "There are no heat maps: the bundle was exported without --cam." in found.notes
    assert (tmp_path / "r.html").read_text("utf-8").count("<img") == 8
    alone = review(bundle, tmp_path / "f.html", variant="float32", progress=False)
    assert "There are no flips: float32 is the float model itself." in alone.notes and "flip" not in alone.kinds


# --- the program of the page


def in_node(program: str, given: object) -> object:
    """What the page's own program answers to `program`, an expression of its functions and of `given`."""
    if NODE is None:
        pytest.skip("node is not installed")
    source = (
        f"{PROGRAM.read_text('utf-8')}\nconst given = {json.dumps(given)};\nconsole.log(JSON.stringify({program}));"
    )
    done = subprocess.run([NODE, "-"], input=source, capture_output=True, text=True, check=True, encoding="utf-8")
    return json.loads(done.stdout)


def test_the_page_counts_and_rounds_as_python_does() -> None:
    pairs = [(successes, total) for total in (0, 1, 7, 16, 48, 61, 400) for successes in range(total + 1)]
    ours = [wilson(*pair) for pair in pairs]
    theirs = in_node("given.map(([k, n]) => [wilson(k, n), words(wilson(k, n))])", pairs)
    assert isinstance(theirs, list) and "0.062" in theirs[pairs.index((1, 16))][1]
    for estimate, (numbers, words) in zip(ours, theirs, strict=True):
        if estimate.value is None:
            assert (numbers, words) == (None, NOTHING)
        else:
            assert numbers == {"value": estimate.value, "low": estimate.low, "high": estimate.high}
            assert words == with_interval(estimate)


def test_figures_at_any_threshold_are_pythons(home: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    labels, logits = (rng.random(300) < 0.3).astype(int), rng.normal(0, 2, 300)
    Judged([*labels.tolist()], [*logits.tolist()], threshold=0.37, temperature=1.3).write(tmp_path / "run")
    review(tmp_path / "run", tmp_path / "r.html", progress=False)
    data = data_of((tmp_path / "r.html").read_text("utf-8"))
    thresholds = [0.001, 0.37, 0.5, 0.999, *data["models"][0]["chances"][:40]]
    told = in_node(
        "given.at.map((t) => figures(given.data.labels, given.data.models[0].chances, t))",
        {"data": data, "at": thresholds},
    )
    assert isinstance(told, list)
    for threshold, figures in zip(thresholds, told, strict=True):
        metrics = evaluate(labels, logits, threshold, 1.3)
        for name, estimate in (("sensitivity", metrics.sensitivity), ("specificity", metrics.specificity)):
            assert figures[name] == {"value": estimate.value, "low": estimate.low, "high": estimate.high}
        assert figures["missed"] == labels.sum() - round((metrics.sensitivity.value or 0) * labels.sum())


def test_slices_beyond_the_list_are_counted_and_notes_become_a_table(home: Path, tmp_path: Path) -> None:
    _, page = made(home, tmp_path / "r.html", near=0.05)
    data = data_of(page)
    assert in_node("[unlisted(given, 0.5), unlisted(given, 1), unlisted(given, 0)]", data) == [0, 2, 2]
    notes = ['a "note", two lines\nhere', "=1+1", *[""] * 4]
    text = in_node("table(given.data, given.notes)", {"data": data, "notes": notes})
    assert isinstance(text, str)
    head, first, *_ = text.lstrip("\ufeff").split("\r\n")
    assert head == "image,group,label,kinds,subtypes,model,threshold,probability,logit,note"
    assert first.startswith("3.png,b,1,missed,,the network,0.5,0.26894142136999") and '"a ""note"", two lines' in first
    assert ",'=1+1" in text


# --- refusals


@pytest.fixture
def place(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a run, one without scores, and files of other kinds."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(home / "runs/first", tmp_path / "runs/first")
    shutil.copytree(home / "runs/first", tmp_path / "runs/unscored")
    card = RunCard.read(tmp_path / "runs/unscored" / RUN_CARD)
    files = {name: sha256 for name, sha256 in card.files.items() if name != "scores.csv"}
    replace(card, files=files, source="imported").write(tmp_path / "runs/unscored" / RUN_CARD)
    shutil.copy(home / "runs/first/split.json", tmp_path / "split.json")
    (tmp_path / "images").mkdir()
    for name in ("there.html", "some.txt", "m.tflite"):
        (tmp_path / name).write_text("x")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["nothing"], "nothing: no such run or bundle"),
        (["split.json"], "split.json: is a split, which has no scores; train on it"),
        (["runs/first/run.json"], "run.json: is a card; name its folder"),
        (["some.txt"], "some.txt: is a file; name the folder of a run or of a bundle"),
        (["m.tflite"], "m.tflite: is a model alone; name the bundle"),
        (["images"], "images: is not a run"),
        (
            ["first", "--pictures"],
            "/nowhere/images: no such folder; name the one that holds the run's images with --data",
        ),
        (["first", "--data", "none"], "none: no such folder"),
        (["first", "--near", "2"], "--near 2: must be a probability"),
        (["first", "--variant", "int8"], "--variant int8: is for a bundle"),
        (["first", "--bench", "b.json"], "--bench b.json: is for a bundle"),
        (["first", "--audit", "split.json"], "split.json"),
        (["first", "--out", "there.html"], "there.html: already exists"),
        (["unscored"], "unscored: keeps no scores of single images"),
    ],
)
def test_what_cannot_be_reviewed_is_one_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    before = sorted(place.iterdir())
    assert command(["review", *arguments]) == 2
    said = capsys.readouterr().err.strip()
    assert says in said and len(said.splitlines()) == 1 and "‹" not in said
    assert sorted(place.iterdir()) == before and (place / "there.html").read_text() == "x"


def test_a_bundle_refuses_what_it_does_not_have(
    bundle: Path, home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "r.html")]
    for options, says in (
        (["--part", "validation"], "--part validation: a bundle keeps its test part alone"),
        (["--variant", "fp16"], "--variant fp16: is not in"),
        (["--data", "nowhere"], "--data nowhere: no such folder"),
    ):
        assert command(["review", str(bundle), *options, *out]) == 2
        assert says in capsys.readouterr().err
    assert command(["review", f"{bundle}.testset", *out]) == 2
    assert "is a test set, not a bundle; name the bundle" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()

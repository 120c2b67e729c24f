import importlib
import json
import os
import shlex
import statistics
import subprocess
import sys
from collections import Counter

import pytest
from converted_bundles import edit_card
from device_measurements import device_bench, edit
from noise_pictures import write_pictures

from hemotk.artifacts import BenchReport
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError

QUICK = ["--min-runs", "3", "--min-seconds", "0", "--max-latency-ratio", "1000"]


def hemotk(*arguments):
    """The command in this process, the measured models still in processes of their own."""
    return run(["bench", *map(str, arguments), *QUICK])


def test_a_good_bundle_ends_with_0_and_a_table(pristine, capsys):
    assert hemotk(pristine) == 0
    captured = capsys.readouterr()
    assert "PASS" in captured.out
    assert "12 of 12 right (int8)" in captured.out
    assert "timing 100/100" in captured.err


def test_json_holds_the_whole_report_and_nothing_else_lands_on_disk(pristine, tmp_path):
    assert hemotk(pristine, "--json", tmp_path / "bench.json") == 0
    found = BenchReport.read(tmp_path / "bench.json")
    assert found.settings["min_runs"] == 3
    assert len(found.variant("int8").scores.logit) == 12
    assert [path.name for path in tmp_path.iterdir()] == ["bench.json"]


def test_every_output_is_written_from_one_report(pristine, tmp_path):
    outputs = {name: tmp_path / f"r.{name}" for name in ("json", "html", "markdown", "junit", "scores")}
    arguments = [word for name, path in outputs.items() for word in (f"--{name}", path)]
    assert hemotk(pristine, *arguments) == 0
    report = BenchReport.read(outputs["json"])
    for name in ("html", "markdown", "junit"):
        rendered = importlib.import_module(f"hemotk.benchmarks.report.{name}").render(report)
        assert outputs[name].read_text(encoding="utf-8") == rendered
    assert len(outputs["scores"].read_text().splitlines()) == 25


def test_the_test_part_of_a_split_whose_images_were_moved_is_benched(pristine, tmp_path):
    split = make_split(scan(write_pictures(tmp_path / "ct")), SplitConfig(grouping="none"))
    split.write(tmp_path / "split.json")
    moved = (tmp_path / "ct").rename(tmp_path / "moved")
    given = ["--images", tmp_path / "split.json", "--json", tmp_path / "bench.json"]
    assert hemotk(pristine, *given) == 2
    hemotk(pristine, *given, "--data", moved)
    report = BenchReport.read(tmp_path / "bench.json")
    assert [image.id for image in report.images] == [item.path for item in split.part("test")]
    assert report.split_sha256 == split.sha256() and f"--data {moved}" in report.command


@pytest.mark.parametrize("name", ["html", "markdown", "junit", "scores"])
def test_no_output_is_replaced_and_nothing_measured_if_one_is_there(pristine, tmp_path, monkeypatch, name, capsys):
    monkeypatch.setattr("hemotk.api.benching.measure", lambda *arguments: pytest.fail("something was measured"))
    (tmp_path / "mine").write_text("mine")
    assert hemotk(pristine, f"--{name}", tmp_path / "mine") == 2
    assert "add --overwrite" in one_sentence(capsys)
    assert (tmp_path / "mine").read_text() == "mine"


def test_two_outputs_never_share_a_file(pristine, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("hemotk.api.benching.measure", lambda *arguments: pytest.fail("something was measured"))
    (tmp_path / "folder").mkdir()
    assert hemotk(pristine, "--json", tmp_path / "r", "--html", tmp_path / "folder" / ".." / "r", "--overwrite") == 2
    assert "is given with --json and with --html" in one_sentence(capsys)
    assert not (tmp_path / "r").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--cpu", "a"), "is no list of processor numbers"),
        (("--cpu", 4095), "no processor 4095"),
        (("--delegate", "gone.so"), "--delegate gone.so"),
    ],
)
def test_no_phone_is_asked_before_the_options_are_right(pristine, monkeypatch, capsys, options, words):
    monkeypatch.setattr(
        "hemotk.benchmarks.measure.adb.bench_on_phone", lambda *arguments: pytest.fail("a phone was asked")
    )
    assert hemotk(pristine, "--device", "adb", *options) == 2
    assert words in one_sentence(capsys)


def test_a_bench_that_scored_nothing_leaves_no_table_and_another_s_is_kept(pristine, tmp_path, capsys):
    scores, partial = tmp_path / "s.csv", tmp_path / "s.csv.partial"
    assert hemotk(tmp_path / "nosuch", "--scores", scores) == 2
    assert list(tmp_path.iterdir()) == []
    capsys.readouterr()
    partial.write_text("mine")
    assert hemotk(pristine, "--scores", scores) == 2
    assert f"{partial}: already exists" in one_sentence(capsys)
    assert partial.read_text() == "mine"


def test_scores_that_were_there_before_an_error_are_kept_aside(pristine, tmp_path, monkeypatch):
    def ends(*_):
        raise HemotkError("it: broke; try again.")

    monkeypatch.setattr("hemotk.benchmarks.bench.results", ends)
    assert hemotk(pristine, "--scores", tmp_path / "s.csv") == 2
    assert [path.name for path in tmp_path.iterdir()] == ["s.csv.partial"]
    assert len((tmp_path / "s.csv.partial").read_text().splitlines()) == 25


def test_the_command_to_repeat_names_the_bundles_and_what_was_asked_for(pristine, tmp_path):
    target = tmp_path / "a b.json"
    assert hemotk(pristine, "--threads", 2, "--json", target) == 0
    words = shlex.split(BenchReport.read(target).command)
    assert words[:3] == ["hemotk", "bench", str(pristine)]
    options = dict(zip(words[3::2], words[4::2], strict=True))
    assert options == {
        "--json": str(target),
        "--threads": "2",
        "--min-runs": "3",
        "--min-seconds": "0.0",
        "--max-latency-ratio": "1000.0",
    }


def test_several_bundles_share_one_table_and_their_failures_are_named(pristine, make_bundle, capsys):
    made = make_bundle(float32="float32", int8="shifted")
    assert hemotk(pristine, made) == 1
    captured = capsys.readouterr()
    assert "to 1st" in captured.out
    assert "tiny, made: made int8: calls every image" in captured.err
    assert "made int8: accuracy drop 0.5, at most 0.01 allowed" in captured.err


def test_a_devices_file_stands_beside(pristine, tmp_path, capsys):
    device_bench(pristine).write(tmp_path / "device.json")
    assert hemotk(pristine, "--import", tmp_path / "device.json") == 0
    assert "tiny on Google Pixel 7" in capsys.readouterr().out


def test_a_phone_that_benched_several_bundles_has_the_same_names_each_time(
    pristine, make_bundle, tmp_path, monkeypatch
):
    monkeypatch.setattr("hemotk.benchmarks.measure.adb.bench_on_phone", lambda bundle, _: device_bench(bundle.folder))
    made = make_bundle(float32="float32", int8="shifted")
    assert hemotk(pristine, made, "--device", "adb", "--json", tmp_path / "bench.json") == 1
    report = BenchReport.read(tmp_path / "bench.json")
    names = [f"Google Pixel 7 ({name}.json)" for name in ("1-tiny", "2-made")]
    assert [source.name for source in report.sources] == ["here", *names]
    found = [(row.bundle, row.source) for row in report.variants if row.source != "here"]
    assert found == [(bundle, name) for bundle, name in zip(("tiny", "made"), names, strict=True) for _ in range(2)]


def test_scores_have_no_lines_of_a_model_that_failed_on_the_device(pristine, tmp_path):
    broken = {"failure": "out of memory", "load_ns": None, "first_ns": None, "rounds_ns": (), "images": ()}
    edit(device_bench(pristine), model=1, **broken).write(tmp_path / "device.json")
    assert hemotk(pristine, "--import", tmp_path / "device.json", "--scores", tmp_path / "scores.csv") == 1
    lines = (tmp_path / "scores.csv").read_text().splitlines()[1:]
    assert Counter(tuple(line.split(",")[3:5]) for line in lines) == {
        ("here", "float32"): 12,
        ("here", "int8"): 12,
        ("Google Pixel 7", "float32"): 12,
    }


def test_a_limit_that_does_not_hold_ends_with_1_and_still_writes(make_bundle, tmp_path, capsys):
    made = make_bundle(float32="float32", int8="shifted")
    assert hemotk(made, "--max-flips", 5, "--json", tmp_path / "bench.json") == 1
    said, error = capsys.readouterr()
    assert said.rstrip().endswith(f"The flips, slice by slice: hemotk review {made}")
    assert "int8: accuracy drop 0.5, at most 0.01 allowed; int8: sensitivity drop 1, at most" in error
    assert "int8: flips 6, at most 5 allowed" in error
    assert not json.loads((tmp_path / "bench.json").read_text())["passed"]


def test_a_wider_limit_lets_the_same_bundle_pass(make_bundle):
    made = make_bundle(float32="float32", int8="float32")
    assert hemotk(made, "--max-size", 1e-6) == 1
    assert hemotk(made, "--max-size", 10) == 0


def test_the_newest_bundle_is_meant_where_none_is_named(bundle, tmp_path, monkeypatch, capsys):
    (tmp_path / "bundles").mkdir()
    for path in (bundle, bundle.with_name("tiny.testset")):
        path.rename(tmp_path / "bundles" / path.name)
    monkeypatch.chdir(tmp_path)
    assert hemotk() == 0
    assert "tiny: 12 test images" in capsys.readouterr().out


def test_an_existing_json_file_is_kept_unless_told_otherwise(pristine, tmp_path, capsys):
    target = tmp_path / "bench.json"
    target.write_text("mine")
    assert hemotk(pristine, "--json", target) == 2
    assert "add --overwrite" in capsys.readouterr().err
    assert target.read_text() == "mine"
    assert hemotk(pristine, "--json", target, "--overwrite") == 0
    assert BenchReport.read(target).passed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--max-accuracy-drop", "2"], "--max-accuracy-drop"),
        (["--max-latency-ratio", "0"], "--max-latency-ratio"),
        (["--max-flips", "-1"], "--max-flips"),
        (["--max-sensitivity-drop", "-0.1"], "--max-sensitivity-drop"),
        (["--max-score-drift", "5"], "--max-score-drift"),
        (["--min-auc", "90"], "--min-auc"),
        (["--max-size", "0"], "--max-size"),
        (["--images", "gone"], "--images"),
        (["--data", "there"], "--data there: says where the images of a split file are"),
        (["--images", ".", "--data", "there"], "--data there: says where the images of a split file are"),
        (["--import", "gone.json"], "gone.json: no such file"),
        (["--threads", "0"], "--threads"),
        (["--min-runs", "0"], "--min-runs"),
        (["--cpu", "a,b"], "is no list of processor numbers"),
        (["--cpu", "4095"], "no processor 4095"),
        (["--runtime", "tensorflow"], "--runtime tensorflow: is not known"),
    ],
)
def test_wrong_use_ends_with_2(pristine, arguments, words, capsys):
    assert run(["bench", str(pristine), *arguments]) == 2
    assert words in capsys.readouterr().err


def one_sentence(capsys):
    """What was said on stderr, less the progress: one line, no traceback."""
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("hemotk: ")]
    assert len(lines) == 1
    return lines[0]


def test_bad_bundles_end_with_2_and_one_sentence(bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert hemotk() == 2
    assert "bundles/: no finished bundle here" in one_sentence(capsys)
    assert hemotk("nowhere") == 2
    assert "nowhere: no such folder; name a bundle" in one_sentence(capsys)
    (bundle / "int8.tflite").write_bytes(b"cut")
    assert hemotk(bundle) == 2
    assert "int8.tflite: checksum" in one_sentence(capsys)
    edit_card(bundle, testset="0" * 64)
    (bundle / "bundle.json").write_text(
        (bundle / "bundle.json").read_text().replace("hemotk.bundle/1", "hemotk.bundle/9")
    )
    assert hemotk(bundle) == 2
    assert "has version 9" in one_sentence(capsys)


def test_an_unwritable_json_target_is_one_sentence(pristine, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert hemotk(pristine, "--json", tmp_path / "file" / "bench.json") == 2
    assert "bench.json" in one_sentence(capsys)


def test_help_has_examples_and_exit_codes(capsys):
    assert run(["bench", "--help"]) == 0
    out = capsys.readouterr().out
    assert "hemotk bench bundles/first --json bench.json" in out
    assert "exit code is 0 if no limit fails, and 1 if one does" in " ".join(out.split())


def test_neither_tensorflow_nor_training_code_is_imported(pristine):
    program = f"""
import sys
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
assert run(["bench", {str(pristine)!r}, *{QUICK!r}]) == 0
heavy = {{"tensorflow", "tf_keras", "keras", "litert_quantizer", "matplotlib", "scipy", "sklearn"}}
ours = {{"hemotk.exporting", "hemotk.training", "hemotk.models"}}
print(sorted((heavy | ours) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_whole_bench_of_a_tiny_bundle_takes_little_processor_time(pristine, tmp_path):
    """Start, imports, checksums, three processes: what stands between the command and its first inference.

    The unit is one process that imports numpy and the interpreter, measured in turns, so that a slow or busy machine
    counts on both sides. Three processes need three of them. 9.7 were measured on one quiet machine and 10.9 on
    another, up to 13 on a busy one; an import of TensorFlow anywhere would add more than ten.
    """
    # As installed, that is with modules that are compiled already, whatever this environment says.
    compiled = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(tmp_path)}
    compiled.pop("OPENBLAS_NUM_THREADS", None)  # a user's linear algebra starts its threads when numpy is imported
    bench = [sys.executable, "-m", "hemotk", "bench", str(pristine), *QUICK]
    unit = [sys.executable, "-c", "import numpy, ai_edge_litert.interpreter"]
    ratios = [processor_seconds(bench, compiled) / processor_seconds(unit, compiled) for _ in range(5)]
    assert statistics.median(ratios) < 16, ratios


def processor_seconds(command, environment):
    before = os.times()
    subprocess.run(command, capture_output=True, check=True, env=environment)
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system

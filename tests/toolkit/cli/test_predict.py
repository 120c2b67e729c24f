import csv
import json
import math
import os
import subprocess
import sys

import pytest
from foreign_tflite import foreign_model
from mean_models import mean_model
from PIL import Image
from written_artefacts import logit_of, write_bundle, write_picture, write_run

from hemotk.cli.main import run

DARK, BRIGHT = 40, 230
# What a row says of pictures as plain as these.
DOUBT = "  may be no head CT slice"


def chance(value):
    return 1 / (1 + math.exp(-logit_of(value)))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in: `bundles/first` and `dark.png` and `bright.png`."""
    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "bundles" / "first")
    write_picture(tmp_path / "dark.png", DARK)
    write_picture(tmp_path / "bright.png", BRIGHT)
    return tmp_path


def test_the_newest_bundle_is_the_default(here, capsys):
    write_bundle(here / "bundles" / "newer", created="2026-02-01T00:00:00+00:00")
    assert run(["predict", "dark.png", "bright.png"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == [
        "bundles/newer/int8.tflite: int8 of bundle newer, threshold 0.5, temperature 1",
        f"dark.png    {chance(DARK):.4f}  normal{DOUBT}",
        f"bright.png  {chance(BRIGHT):.4f}  hemorrhage{DOUBT}",
        "2 pictures: 1 hemorrhage, 1 normal, 2 may be no head CT slice",
        "Research, not for diagnosis.",
    ]


@pytest.mark.parametrize(
    ("arguments", "used"),
    [
        (["bundles/first"], "bundles/first/int8.tflite: int8 of bundle first, threshold 0.5, temperature 1"),
        (["bundles/first", "--variant", "float32"], "bundles/first/float32.tflite: float32 of bundle first,"),
        (["--variant", "float32"], "bundles/first/float32.tflite: float32 of bundle first,"),
        (["bundles/first/float32.tflite"], "bundles/first/float32.tflite: float32 of bundle first,"),
        (["bundles/first", "--threads", "2"], "bundles/first/int8.tflite: int8"),
    ],
)
def test_which_model_scores(here, capsys, arguments, used):
    assert run(["predict", *arguments, "bright.png"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith(used)
    assert lines[1] == f"bright.png  {chance(BRIGHT):.4f}  hemorrhage{DOUBT}"


def test_a_model_without_a_card_says_what_is_assumed(here, capsys):
    (here / "bare.tflite").write_bytes(mean_model())
    assert run(["predict", "bare.tflite", "dark.png"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == (
        "bare.tflite: has no bundle card, so threshold 0.5, temperature 1 and pictures made gray, padded to a square "
        "and resized to 16×16 are assumed"
    )
    assert lines[1] == f"dark.png  {chance(DARK):.4f}  normal{DOUBT}"


def test_a_model_from_elsewhere_is_scored_as_it_is_told(here, capsys):
    (here / "theirs.tflite").write_bytes(foreign_model(weights=((0.0, 0.0, 0.0), (4.0, 0.0, 0.0)), end="softmax"))
    command = ["predict", "theirs.tflite", "bright.png"]
    assert run(command) == 2
    assert "theirs.tflite: does not say how its pixels were normalized" in capsys.readouterr().err
    assert run([*command, "--normalization", "0.5/0.5", "--json", "scores.json"]) == 0
    said = capsys.readouterr().out.splitlines()
    chance = 1 / (1 + math.exp(-4 * (BRIGHT / 127.5 - 1)))
    assert said[1] == f"bright.png  {chance:.4f}  hemorrhage{DOUBT}"
    assert "as asked (0.5/0.5); its output is a softmax's; the second of its two scores is hem" in said[0]
    assert json.loads((here / "scores.json").read_text())["model"]["foreign"]["activation"] == "softmax"
    assert run([*command, "--normalization", "0.5/0.5", "--positive-class", "0"]) == 0
    assert f"bright.png  {1 - chance:.4f}  normal" in capsys.readouterr().out


def test_words_about_a_bare_model_are_refused_with_a_bundle(here, capsys):
    assert run(["predict", "bundles/first", "bright.png", "--output", "1"]) == 2
    assert "a bundle says these itself" in " ".join(capsys.readouterr().err.split())


def test_a_folder_stands_for_the_pictures_below_it(here, capsys):
    for name in ("b/2.png", "b/1.PNG", "a.png", ".hidden/3.png"):
        write_picture(here / "slices" / name, DARK)
    (here / "slices" / "notes.txt").write_text("no picture")
    assert run(["predict", "slices", "bright.png"]) == 0
    lines = capsys.readouterr().out.splitlines()[1:-2]
    assert [line.split()[0] for line in lines] == ["slices/a.png", "slices/b/1.PNG", "slices/b/2.png", "bright.png"]


def test_an_unreadable_picture_is_named_and_the_others_are_scored(here, capsys):
    (here / "cut.png").write_bytes((here / "dark.png").read_bytes()[:60])
    assert run(["predict", "cut.png", "dark.png", "gone.png", "bright.png", "--json", "scores.json"]) == 2
    said = capsys.readouterr()
    assert [line for line in said.err.splitlines() if "warning" not in line] == [
        "hemotk: cut.png: is corrupt or cut short; copy the file again or remove it.",
        "hemotk: gone.png: no such file; check the path.",
    ]
    assert [line.split()[0] for line in said.out.splitlines()[1:-3]] == ["dark.png", "bright.png"]
    written = json.loads((here / "scores.json").read_text())
    assert list(written["failures"]) == ["cut.png", "gone.png"]
    assert [entry["path"] for entry in written["predictions"]] == ["dark.png", "bright.png"]


def test_json_holds_every_figure(here):
    assert run(["predict", "dark.png", "bright.png", "--json", "scores.json"]) == 0
    written = json.loads((here / "scores.json").read_text())
    assert written["schema"] == "hemotk.predictions/1"
    assert written["model"]["bundle"] == "first"
    assert written["model"]["threshold"] == 0.5
    assert written["intended_use"] == "research, not for diagnosis"
    assert [(entry["label"], entry["verdict"]) for entry in written["predictions"]] == [
        (0, "normal"),
        (1, "hemorrhage"),
    ]
    for entry, value in zip(written["predictions"], (DARK, BRIGHT), strict=True):
        assert entry["logit"] == pytest.approx(logit_of(value), abs=1e-5)
        assert entry["probability"] == pytest.approx(chance(value), abs=1e-6)


def test_json_is_not_replaced_unasked(here, capsys):
    (here / "scores.json").write_text("precious")
    assert run(["predict", "dark.png", "--json", "scores.json"]) == 2
    said = capsys.readouterr()
    assert "scores.json: already exists" in said.err
    assert said.out == ""
    assert (here / "scores.json").read_text() == "precious"
    assert run(["predict", "dark.png", "--json", "scores.json", "--overwrite"]) == 0
    assert json.loads((here / "scores.json").read_text())["failures"] == {}


@pytest.mark.parametrize("target", ["dark.png", "bundles/../dark.png", "link.png"])
def test_json_never_replaces_a_picture(here, capsys, target):
    (here / "link.png").symlink_to("dark.png")
    before = (here / "dark.png").read_bytes()
    for more in ([], ["--overwrite"]):
        assert run(["predict", "bright.png", "dark.png", "--json", target, *more]) == 2
        said = capsys.readouterr()
        assert said.err == f"hemotk: --json {target}: would replace the picture itself; name another place.\n"
        assert said.out == ""
    assert (here / "dark.png").read_bytes() == before and (here / "link.png").is_symlink()


def test_a_loop_of_links_is_an_unreadable_picture(here, capsys):
    (here / "loop.png").symlink_to("loop.png")
    assert run(["predict", "loop.png", "dark.png", "--json", "scores.json"]) == 2
    assert list(json.loads((here / "scores.json").read_text())["failures"]) == ["loop.png"]


def test_a_name_that_is_not_utf_8_is_refused_for_json_alone(here, capsys):
    write_picture(here / "slices" / "a.png", DARK)
    (here / "dark.png").rename(os.fsdecode(b"slices/caf\xe9.png"))
    assert run(["predict", "slices", "--json", "scores.json"]) == 2
    said = capsys.readouterr()
    assert said.err == ("hemotk: slices/caf\\udce9.png: its name is not UTF-8, so --json cannot hold it; rename it.\n")
    assert said.out == "" and not (here / "scores.json").exists()
    assert run(["predict", "slices"]) == 0
    assert f"slices/caf\\udce9.png  {chance(DARK):.4f}  normal{DOUBT}" in capsys.readouterr().out.splitlines()


def test_the_table_has_a_row_for_each_picture(here, capsys):
    (here / "cut.png").write_bytes(b"no picture")
    assert run(["predict", "dark.png", "cut.png", "--csv", "scores.csv"]) == 2
    assert "2 pictures: 1 normal, 1 may be no head CT slice, 1 cannot be read\n" in capsys.readouterr().out
    with (here / "scores.csv").open(newline="") as stream:
        dark, cut = csv.DictReader(stream)
    assert (dark["picture"], dark["label"], dark["verdict"], dark["failure"]) == ("dark.png", "0", "normal", "")
    assert float(dark["probability"]) == pytest.approx(chance(DARK), abs=1e-5) and dark["doubts"]
    assert cut["picture"] == "cut.png" and cut["probability"] == "" and "no picture" in cut["failure"]
    assert run(["predict", "dark.png", "--csv", "-"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[0].startswith("picture,probability,") and len(said.out.splitlines()) == 2
    assert "0.5" in said.err and run(["predict", "dark.png", "--csv", "scores.csv"]) == 2


def test_many_pictures_show_their_progress_where_the_rows_are_not_seen(here, capsys):
    assert run(["predict", *["dark.png"] * 20]) == 0
    assert "scoring 20/20" in capsys.readouterr().err
    assert run(["predict", "-q", *["dark.png"] * 20]) == 0
    assert "scoring" not in capsys.readouterr().err


def test_no_name_moves_the_terminal(here, capsys):
    names = ["a\nb.png", "\x1b[31mé.png", "cut\u202e\n.png"]
    for name in names[:2]:
        write_picture(here / name, DARK)
    (here / names[2]).write_bytes(b"no picture")
    Image.new("RGB", (40, 40), (200, 20, 20)).save("c\r.png")
    assert run(["predict", *names, "c\r.png", "--json", "s\n.json"]) == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert lines[1:3] == [
        f"a\\nb.png         {chance(DARK):.4f}  normal{DOUBT}",
        f"\\x1b[31mé.png    {chance(DARK):.4f}  normal{DOUBT}",
    ]
    assert [line.split("  ")[0] for line in lines[3:]] == [
        "c\\r.png",
        "4 pictures: 3 normal, 3 may be no head CT slice, 1 cannot be read",
        "Research, not for diagnosis.",
        "wrote s\\n.json",
    ]
    assert all(char.isprintable() or char == "\n" for char in said.out + said.err)
    assert "hemotk: cut\\u202e\\n.png: " in said.err and "hemotk: warning: c\\r.png: " in said.err
    written = json.loads((here / "s\n.json").read_text())
    assert [entry["path"] for entry in written["predictions"]] == [*names[:2], "c\r.png"]
    assert list(written["failures"]) == names[2:]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bundles/first"], "bundles/first: no picture is named after it; add one, such as slice.png."),
        (["bundles/first/int8.tflite"], "bundles/first/int8.tflite: no picture is named after it"),
        (["bundles/tpyo", "dark.png"], "bundles/tpyo: no such bundle, model, picture or folder; check the path."),
        (["gone.tflite", "dark.png"], "gone.tflite: no such bundle, model, picture or folder; check the path."),
        (["dark.png", "bundles/first"], "bundles/first: comes after other paths; name one bundle or model, before"),
        (["bundles/first", "bundles/first/int8.tflite"], "bundles/first/int8.tflite: comes after other paths"),
        (["runs/r", "dark.png"], "runs/r: is a run, not a bundle; make one of it with `hemotk export runs/r`."),
        (["empty"], "empty: holds no pictures (PNG"),
        (["bundles/first", "dark.png", "--variant", "fp16"], "--variant fp16: is not in bundles/first; choose one of"),
        (["bundles/first/int8.tflite", "dark.png", "--variant", "int8"], "int8.tflite is one model already"),
        (["broken.tflite", "dark.png"], "broken.tflite: is no whole .tflite model"),
    ],
)
def test_wrong_use_is_one_sentence_and_scores_nothing(here, capsys, arguments, sentence):
    write_run(here / "runs" / "r")
    (here / "empty").mkdir()
    (here / "broken.tflite").write_bytes(b"nothing of the kind")
    assert run(["predict", *arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("hemotk: ")
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_a_changed_model_scores_nothing(here, capsys):
    path = here / "bundles" / "first" / "int8.tflite"
    path.write_bytes(path.read_bytes() + b"\0")
    assert run(["predict", "dark.png"]) == 2
    said = capsys.readouterr()
    assert "int8.tflite: checksum" in said.err
    assert said.out == ""


def test_without_any_bundle_the_remedy_is_export(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_picture(tmp_path / "a.png", 1)
    assert run(["predict", "a.png"]) == 2
    assert "no finished bundle here; make one with `hemotk export`" in capsys.readouterr().err


def test_help_has_examples(capsys):
    assert run(["predict", "--help"]) == 0
    said = capsys.readouterr().out
    assert "Usage: hemotk predict [OPTIONS] [BUNDLE|MODEL.tflite] IMAGE..." in said
    assert "hemotk predict bundles/first slices/ --variant float32" in said


def test_predicting_loads_no_training_library(here):
    code = (
        "import sys\nfrom hemotk.cli.main import run\n"
        "assert run(['predict', 'dark.png']) == 0\n"
        "print(sorted({'tensorflow', 'tf_keras', 'scipy', 'sklearn', 'matplotlib', 'h5py'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=here)
    assert done.stdout.splitlines()[-1] == "[]"

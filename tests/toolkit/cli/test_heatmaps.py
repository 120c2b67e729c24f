"""`hemotk predict --heatmap`, with a model whose map is its input, 8 × 8 pixels a cell: the logit is its mean."""

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from mean_models import LOGISTIC, MEAN, SIZE, Writer
from PIL import Image
from written_artefacts import logit_of, write_bundle, write_picture

from hemotk.cli.main import run
from hemotk.predict.heatmap import FULL, OPACITY
from hemotk.predict.heatmap_files import heatmap_files

DARK, BRIGHT = 40, 230
AVERAGE_POOL = 1


def cam_model():
    writer = Writer()
    pixels, cam = writer.tensor("pixels", (1, SIZE, SIZE, 1)), writer.tensor("cam", (1, SIZE // 8, SIZE // 8, 1))
    over = writer.tensor("over", (2,), "int32", data=np.array([1, 2], np.int32))
    writer.operator(AVERAGE_POOL, [pixels], cam)
    pool = schema.Pool2DOptionsT()
    pool.padding, pool.strideH, pool.strideW, pool.filterHeight, pool.filterWidth = 1, 8, 8, 8, 8
    writer.graph.operators[-1].builtinOptionsType, writer.graph.operators[-1].builtinOptions = 5, pool
    logit = writer.operator(MEAN, [cam, over], writer.tensor("logit", (1, 1)))
    probability = writer.operator(LOGISTIC, [logit], writer.tensor("probability", (1, 1)))
    writer.graph.inputs, writer.graph.outputs = [pixels], [cam, logit, probability]
    writer.signature({"pixels": pixels}, {"cam": cam, "logit": logit, "probability": probability})
    return writer.bytes()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.tflite").write_bytes(cam_model())
    write_picture(tmp_path / "dark.png", DARK)
    write_picture(tmp_path / "bright.png", BRIGHT)
    return tmp_path


def colour(value):
    share = OPACITY * min(abs(logit_of(value)) / FULL, 1)
    towards = (255, 0, 0) if logit_of(value) > 0 else (0, 0, 255)
    return [round((1 - share) * value + share * part) for part in towards]


def map_of(file):
    """The heat map itself, 40 × 40 pixels, in the middle above its legend."""
    pixels = np.asarray(Image.open(file))
    left = (pixels.shape[1] - 40) // 2
    assert (pixels[:40, :left] == 255).all() and (pixels[:40, left + 40 :] == 255).all()
    return pixels[:40, left : left + 40]


def predict(*arguments):
    return run(["predict", "model.tflite", *arguments])


def test_one_picture_gives_one_file(here, capsys):
    assert predict("bright.png", "--heatmap", "map.png") == 0
    assert capsys.readouterr().out.splitlines()[-2:] == ["wrote map.png", "Research, not for diagnosis."]
    assert np.abs(map_of("map.png") - np.array(colour(BRIGHT))).max() <= 1


def test_several_pictures_give_a_folder(here, capsys):
    write_picture(here / "more" / "dark.png", BRIGHT)
    assert predict("dark.png", "bright.png", "more", "--heatmap", "maps") == 0
    assert sorted(path.name for path in (here / "maps").iterdir()) == ["bright.png", "dark.png", "dark_2.png"]
    for name, value in {"bright": BRIGHT, "dark": DARK, "dark_2": BRIGHT}.items():
        assert np.abs(map_of(f"maps/{name}.png") - np.array(colour(value))).max() <= 1


def test_every_picture_has_a_file_of_its_own(here, capsys):
    pictures = [write_picture(here / name, DARK) for name in ("a/x.png", "b/x_2.png", "c/X.png", "d/x.png", "e/x.jpg")]
    assert predict(*map(str, pictures), str(pictures[0]), "--heatmap", "maps") == 0
    names = ["x.png", "x_2.png", "X_3.png", "x_4.png", "x_5.png"]
    assert sorted(path.name for path in (here / "maps").iterdir()) == sorted(names)


@pytest.mark.parametrize(
    ("pictures", "names"),
    [
        (
            ["ct/1.2.840.5.1", "ct/1.2.840.5.2", "ct/1.2.840.5.10"],
            ["1.2.840.5.1.png", "1.2.840.5.2.png", "1.2.840.5.10.png"],
        ),
        (["1.2.3.dcm", "b.IMA", "c.v2.JPG", "d.v2"], ["1.2.3.png", "b.png", "c.v2.png", "d.v2.png"]),
        (["a.jpg", "a.png", "a_2.png"], ["a_3.png", "a.png", "a_2.png"]),
        (["x/a.png", "y/a.png", "A_2.jpg", "a_2.png"], ["a.png", "a_3.png", "A_2_2.png", "a_2.png"]),
        (["a.jpg", "a.bmp", "a.jpg"], ["a.png", "a_2.png"]),
    ],
)
def test_no_map_has_the_name_of_another_picture(pictures, names):
    files = heatmap_files(Path("maps"), [Path(picture) for picture in pictures])
    assert dict(zip(dict.fromkeys(map(Path, pictures)), (Path("maps", name) for name in names), strict=True)) == files


def test_maps_that_are_not_called_as_their_pictures_are_told(here, capsys):
    for name in ("a/x.bmp", "a/x.png", "b/x.png"):
        write_picture(here / name, DARK)
    (here / "a" / "x.gif").write_bytes(b"no picture")
    assert predict("a/x.bmp", "a/x.gif", "a/x.png", "b/x.png", "dark.png", "--heatmap", "maps") == 2
    assert capsys.readouterr().out.splitlines()[-4:] == [
        "a/x.bmp → maps/x_2.png",
        "b/x.png → maps/x_4.png",
        "wrote maps",
        "Research, not for diagnosis.",
    ]
    assert sorted(path.name for path in (here / "maps").iterdir()) == ["dark.png", "x.png", "x_2.png", "x_4.png"]


def test_a_map_that_was_given_its_name_is_not_told_twice(here, capsys):
    assert predict("dark.png", "--heatmap", "map.png") == 0
    assert "→" not in capsys.readouterr().out


def test_a_picture_that_cannot_be_read_gets_none(here, capsys):
    (here / "broken.png").write_bytes(b"no picture")
    assert predict("broken.png", "dark.png", "--heatmap", "maps") == 2
    assert [path.name for path in (here / "maps").iterdir()] == ["dark.png"]


def test_nothing_is_replaced_unasked(here, capsys):
    (here / "map.png").write_bytes(b"mine")
    assert predict("dark.png", "--heatmap", "map.png") == 2
    assert "map.png: already exists" in capsys.readouterr().err
    assert (here / "map.png").read_bytes() == b"mine"
    assert predict("dark.png", "--heatmap", "map.png", "--overwrite") == 0
    assert np.abs(map_of("map.png") - np.array(colour(DARK))).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dark.png", "bright.png", "--heatmap", "map.png"], "is one file for 2 pictures; name a folder"),
        (["dark.png", "--heatmap", "model.tflite"], "is a file that is no .png"),
        (["dark.png", "--heatmap", "dark.png", "--overwrite"], "would replace the picture itself"),
        (["dark.png", "bright.png", "--heatmap", ".", "--overwrite"], "would replace the picture itself"),
        (
            ["dark.png", "--heatmap", "q.png", "--json", "q.png"],
            "--heatmap q.png: is in the way of --json q.png; name another place.",
        ),
        (
            ["dark.png", "--heatmap", "maps", "--json", "gone/../maps/dark.png"],
            "--heatmap maps/dark.png: is in the way of --json gone/../maps/dark.png; name another place.",
        ),
        (
            ["dark.png", "--heatmap", "maps", "--json", "maps"],
            "--json maps: is in the way of --heatmap maps/dark.png; name another place.",
        ),
    ],
)
def test_wrong_use_is_one_sentence_and_leaves_all_as_it_is(here, capsys, arguments, sentence):
    before = {path.name: path.read_bytes() for path in here.iterdir()}
    assert predict(*arguments) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert sentence in said.err
    assert {path.name: path.read_bytes() for path in here.iterdir()} == before


def test_a_bundle_without_a_map_names_the_remedy(here, capsys):
    write_bundle(here / "bundles" / "first")
    assert run(["predict", "dark.png", "--heatmap", "map.png"]) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert "gives no class-activation map; export the run again with `hemotk export --cam`." in said.err
    assert not (here / "map.png").exists()

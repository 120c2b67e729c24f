"""`hemotk predict` on DICOM, on a series of slices, and on what looks like no slice."""

import json

import numpy as np
import pytest
from odd_pictures import jet
from PIL import Image, ImageDraw
from written_artefacts import logit_of, write_bundle, write_picture

from hemotk.artifacts import SeriesPoint
from hemotk.cli.main import run
from hemotk.cli.window import parse_window
from hemotk.errors import HemotkError
from hemotk.stats.metrics import sigmoid

VALUES = (40, 230, 60, 200, 120)


def chance(*values):
    return float(np.mean(sigmoid([logit_of(value) for value in values])))


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a bundle, and `series/s8.png` to `s12.png` of one gray each."""
    monkeypatch.chdir(tmp_path)
    write_bundle(tmp_path / "bundles" / "first")
    for index, value in enumerate(VALUES):
        write_picture(tmp_path / "series" / f"s{index + 8}.png", value)
    return tmp_path


def head():
    """A skull around gray."""
    image = Image.new("L", (100, 100))
    draw = ImageDraw.Draw(image)
    draw.ellipse((18, 8, 82, 92), fill=250)
    draw.ellipse((24, 14, 76, 86), fill=110)
    return np.asarray(image)


def test_a_series_gets_one_verdict_and_a_strip(here, capsys):
    assert run(["predict", "series", "--study", "--strip", "out/s.png", "--json", "a.json"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:6]] == [f"series/s{i}.png" for i in range(8, 13)]
    score = chance(230, 200, 120)
    assert lines[6] == f"series  {score:.4f}  hemorrhage, the mean of the 3 highest of 5 slices, threshold 0.5"
    assert lines[7:] == ["wrote out/s.png", "Research, not for diagnosis.", "wrote a.json"]
    written = json.loads((here / "a.json").read_text())["study"]
    assert written.pop("probability") == pytest.approx(score, abs=1e-5)
    assert written == {"slices": 5, "k": 3, "threshold": 0.5, "label": 1, "verdict": "hemorrhage"}
    assert Image.open(here / "out" / "s.png").format == "PNG"


@pytest.mark.parametrize(
    ("k", "values", "verdict"),
    [(1, (230,), "hemorrhage"), (5, VALUES, "hemorrhage"), (9, VALUES, "hemorrhage")],
)
def test_k_is_the_user_s(here, capsys, k, values, verdict):
    assert run(["predict", "series", "--study", "--top-k", str(k)]) == 0
    says = f"series  {chance(*values):.4f}  {verdict}, the mean of the {min(k, 5)} highest of 5 slices"
    said = capsys.readouterr()
    assert says in said.out
    assert (
        f"hemotk: --series: k = {k} is as asked for, not chosen on data; the threshold for slices, 0.5, is used, which "
        "the highest slices of a series reach more easily than one slice.\n"
    ) in said.err


def test_without_a_choice_the_verdict_is_at_the_threshold_for_slices_and_says_so(here, capsys):
    score = chance(230, 200, 120)
    for threshold, verdict in ((score - 1e-4, "hemorrhage"), (score + 1e-4, "normal")):
        write_bundle(here / f"b{verdict}", threshold=threshold)
        assert run(["predict", f"b{verdict}", "series", "--study"]) == 0
        said = capsys.readouterr()
        assert f"series  {score:.4f}  {verdict}," in said.out
        assert "k = 3 is the default, not chosen on data; the threshold for slices" in said.err


def test_the_bundle_s_own_k_and_threshold_go_before_the_defaults(here, capsys):
    score = chance(230, 200)
    for place, verdict in ((score - 1e-4, "hemorrhage"), (score + 1e-4, "normal")):
        write_bundle(here / f"b{verdict}", study=SeriesPoint(2, place))
        for more in ([], ["--top-k", "2"]):
            assert run(["predict", f"b{verdict}", "series", "--study", *more, "--json", "a.json", "--overwrite"]) == 0
            said = capsys.readouterr()
            assert f"series  {score:.4f}  {verdict}, the mean of the 2 highest of 5 slices, threshold " in said.out
            assert "--series" not in said.err
            written = json.loads((here / "a.json").read_text())
            assert written["study"]["threshold"] == place
            assert written["model"]["study"] == {"k": 2, "threshold": place}


def test_another_k_than_the_bundle_s_loses_its_threshold(here, capsys):
    write_bundle(here / "b", study=SeriesPoint(2, 0.99), threshold=0.6)
    assert run(["predict", "b", "series", "--study", "--top-k", "1"]) == 0
    said = capsys.readouterr()
    assert "the mean of the 1 highest of 5 slices, threshold 0.6\n" in said.out
    assert (
        "the bundle's threshold for series was chosen for k = 2, not for 1; the threshold for slices, 0.6" in said.err
    )


def test_no_verdict_where_a_slice_cannot_be_read(here, capsys):
    (here / "series" / "s9.png").write_bytes(b"cut")
    assert run(["predict", "series", "--study", "--strip", "s.png", "--json", "a.json"]) == 2
    said = capsys.readouterr()
    assert "hemotk: --series: no verdict, because 1 of 5 slices cannot be read; mend or remove them." in said.err
    assert "\nseries  " not in said.out
    assert not (here / "s.png").exists()
    assert json.loads((here / "a.json").read_text())["study"] is None


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["series", "--top-k", "2"], "--top-k 2: is for a series of slices; add --series."),
        (["series", "--strip", "a.png"], "--strip a.png: is for a series of slices; add --series."),
        (["series", "--study", "--strip", "a.jpg"], "--strip a.jpg: is drawn as a PNG; name a .png file."),
        (["series", "--study", "--strip", "old.png"], "old.png: already exists"),
        (
            ["series", "--study", "--strip", "series/s8.png", "--overwrite"],
            "--strip series/s8.png: would replace a slice; name another file.",
        ),
        (
            ["series", "--study", "--strip", "x.png", "--json", "./x.png"],
            "--strip x.png: is in the way of --json x.png; name another place.",
        ),
        (
            ["series", "--study", "--strip", "x.png", "--json", "x.png/a.json"],
            "--strip x.png: is in the way of --json x.png/a.json; name another place.",
        ),
        (["series", "other", "--study"], "--series: the slices lie in other and series; a verdict is for one series"),
        (["series", "--window", "40"], "--window 40: must be LEVEL/WIDTH in Hounsfield units"),
    ],
)
def test_wrong_use_is_one_sentence(here, capsys, arguments, says):
    write_picture(here / "other" / "a.png", 3)
    write_picture(here / "old.png", 3)
    assert run(["predict", *arguments]) == 2
    said = capsys.readouterr()
    assert says in said.err
    assert said.err.count("\n") == 1 and said.out == ""


def test_what_looks_like_no_slice_is_scored_with_a_warning(here, capsys):
    Image.fromarray(head()).save(here / "head.png")
    Image.fromarray(jet(head())).save(here / "odd.png")
    assert run(["predict", "head.png", "odd.png", "--json", "a.json"]) == 0
    said = capsys.readouterr()
    assert said.err == "hemotk: warning: odd.png: may be no head CT slice: it is in colour.\n"
    assert len(said.out.splitlines()) == 6
    written = json.loads((here / "a.json").read_text())["predictions"]
    assert [entry["doubts"] for entry in written] == [[], ["is in colour"]]


@pytest.mark.parametrize(
    ("text", "level", "width"),
    [("40/80", 40, 80), ("brain", 40, 80), ("subdural", 80, 200), ("bone", 600, 2800), ("-600/1500.5", -600, 1500.5)],
)
def test_windows(text, level, width):
    found = parse_window(text)
    assert (found.level, found.width) == (level, width)


@pytest.mark.parametrize("text", ["", "40", "40/0", "40/-80", "a/b", "1/2/3", "nan/80", "Brain", "40/inf"])
def test_what_is_no_window(text):
    with pytest.raises(HemotkError, match=r"must be LEVEL/WIDTH in Hounsfield units, such as 40/80, or one of brain,"):
        parse_window(text)


def test_several_windows_are_refused():
    with pytest.raises(HemotkError, match="is several windows, but the networks here take one gray picture; choose"):
        parse_window("brain,subdural,bone")


class TestDicom:
    @pytest.fixture(autouse=True)
    def _needs_pydicom(self):
        pytest.importorskip("pydicom")

    def write(self, path, hu, **elements):
        from dicom_files import write_slice

        return write_slice(path, np.full((40, 40), hu + 1024), **elements)

    def test_it_is_scored_through_the_bundle_s_window(self, here, capsys):
        self.write(here / "a.dcm", 50)
        assert run(["predict", "a.dcm"]) == 0
        assert f"a.dcm  {chance(159):.4f}  hemorrhage" in capsys.readouterr().out

    def test_another_window_is_warned_of(self, here, capsys):
        self.write(here / "a.dcm", 50)
        assert run(["predict", "a.dcm", "--window", "subdural", "--json", "a.json"]) == 0
        said = capsys.readouterr()
        assert said.err.splitlines()[0] == (
            "hemotk: warning: --window 80/200: the model was made for 40/80, so its scores and threshold do not hold "
            "for DICOM seen through another window."
        )
        assert said.out.splitlines()[1] == f"a.dcm  {chance(89):.4f}  normal  may be no head CT slice"
        written = json.loads((here / "a.json").read_text())["model"]["preprocess"]
        assert (written["window_level"], written["window_width"]) == (80, 200)

    def test_a_series_is_ordered_and_nothing_names_the_patient(self, here, capsys):
        for index, (hu, height) in enumerate(((10, 5), (70, 10), (30, 0))):
            place = {"ImagePositionPatient": [0, 0, height], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
            self.write(here / "ct" / f"IM{index}", hu, **place)
        assert run(["predict", "ct", "--study", "--strip", "s.png", "--json", "a.json"]) == 0
        said = capsys.readouterr()
        assert [line.split()[0] for line in said.out.splitlines()[1:4]] == ["ct/IM2", "ct/IM0", "ct/IM1"]
        made = (said.out + said.err).encode() + (here / "a.json").read_bytes() + (here / "s.png").read_bytes()
        assert b"PLANTED" not in made and b"1901" not in made

    def test_one_that_is_no_ct_slice_is_named(self, here, capsys):
        self.write(here / "a.dcm", 50, Modality="MR")
        self.write(here / "b.dcm", 50)
        assert run(["predict", "a.dcm", "b.dcm"]) == 2
        said = capsys.readouterr()
        assert "hemotk: a.dcm: is of modality MR, not CT; remove the file." in said.err
        assert "b.dcm" in said.out

    def test_bench_scores_a_folder_of_it(self, here, capsys):
        from hemotk.artifacts import PreprocessSpec
        from hemotk.benchmarks.measure.pictures import Chunks, find_pictures

        self.write(here / "ct" / "hemorrhage" / "IM1", 60)
        self.write(here / "ct" / "normal" / "b.dcm", 20)
        self.write(here / "ct" / "normal" / "mr.dcm", 20, Modality="MR")
        spec = PreprocessSpec(16, window_level=80, window_width=200)
        found = find_pictures(here / "ct", ("normal", "hemorrhage"))
        chunks = Chunks(found, [spec], here)
        (images,) = chunks
        assert [(image.id, image.label) for image in images] == [("hemorrhage/IM1", 1), ("normal/b.dcm", 0)]
        assert np.load(chunks.files[spec])[:, 0, 0].tolist() == [102, 51]
        assert not chunks.skipped and "1 files of modality MR" in found.reading[-1]

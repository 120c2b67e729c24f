"""`hemotk android A B`: what one app with several bundles holds, and which bundles it cannot hold together."""

import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from android_bundles import complete
from mean_models import SIZE, mean_model
from written_artefacts import UINT8, write_bundle

import hemotk
from hemotk.android.models import MOST_MODELS
from hemotk.android.recorded import RECORDED_FILE
from hemotk.artifacts import BUNDLE_CARD, BundleCard
from hemotk.cli.main import run
from hemotk.files import sha256_file

ASSETS = Path("app/app/src/main/assets")
NAMES = Path("app/app/src/main/res/values/models.xml")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in with two bundles, `bundles/first` and `bundles/second`, whose models give other types."""
    monkeypatch.chdir(tmp_path)
    complete(write_bundle(tmp_path / "bundles/first"))
    complete(write_bundle(tmp_path / "bundles/second"), mean_model(*UINT8), outputs="float32")
    return tmp_path


def change(bundle, **facts):
    path = Path("bundles", bundle, BUNDLE_CARD)
    replace(BundleCard.read(path), **facts).write(path)


def names():
    (array,) = ElementTree.parse(NAMES).getroot()
    return array.attrib["name"], [item.text for item in array]


def fails(capsys, *arguments):
    assert run(["android", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("hemotk: ") and "Traceback" not in said and said.count("\n") == 1
    assert not Path("app").exists()
    return said


def test_each_model_lies_in_a_folder_of_its_own_and_the_app_knows_their_names(here, capsys):
    assert run(["android", "bundles/second", "bundles/first", "--with-testset"]) == 0
    said = capsys.readouterr().out
    assert said.index("of bundle second") < said.index("of bundle first")
    assert "the bundles' cards name 6 images and their labels, the app's cards do not" in said
    assert "with 10 test images" in said
    assert names() == ("models", ["second", "first"])
    records = json.loads((here / "app" / RECORDED_FILE).read_text())["models"]
    assert {path.name for path in (here / ASSETS).iterdir()} == {"models", "about"}
    assert {path.name for path in (here / ASSETS / "about").iterdir()} == {"LICENCES.txt"}
    for number, name in ((1, "second"), (2, "first")):
        place = here / ASSETS / "models" / str(number)
        card = BundleCard.read(place / "bundle" / BUNDLE_CARD)
        assert card.name == name and card.calibration == ()
        model = card.variant("int8")
        assert model is not None and sha256_file(place / "bundle" / model.file) == model.sha256
        assert json.loads((place / "selfcheck/selfcheck.json").read_text())["model"] == model.sha256
        assert card.testset == sha256_file(place / "testset/testset.json")
        assert (place / "about/MODEL_CARD.md").is_file()
        assert records[number - 1]["model"] == model.sha256


def test_an_app_with_several_models_is_replaced_when_asked(here, capsys):
    assert run(["android", "bundles/first", "bundles/second"]) == 0
    assert run(["android", "bundles/second", "bundles/first"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(["android", "bundles/second", "bundles/first", "--overwrite"]) == 0
    assert names() == ("models", ["second", "first"])


def test_an_app_with_one_model_lists_no_names(here):
    assert run(["android", "bundles/first"]) == 0
    assert names() == ("models", []) and not (here / ASSETS / "models").exists()


def test_the_resizes_of_every_size_are_tested_in_the_project(here):
    assert hemotk.android_app(["bundles/first", Path("bundles/second")], "app").bundle == "first"
    assert [path.name for path in (here / "app/core/src/test/vectors").iterdir()] == [f"resize-{SIZE}.json"]


def test_names_are_escaped_in_the_resource(here):
    change("first", name='Ann\'s <b> & \\ "x"')
    change("second", name="@second")
    assert run(["android", "bundles/first", "bundles/second"]) == 0
    assert names() == ("models", ['Ann\\\'s <b> & \\\\ \\"x\\"', "\\@second"])


def test_two_bundles_of_one_name_are_refused(here, capsys):
    change("second", name="First")
    assert "bundles/second: has the name 'First', as bundles/first has" in fails(
        capsys, "bundles/first", "bundles/second"
    )
    assert "bundles/first: has the name 'first', as bundles/first has" in fails(
        capsys, "bundles/first", "bundles/first"
    )


def test_one_model_under_two_names_is_refused(here, capsys):
    complete(write_bundle(here / "bundles/third"))
    assert "bundles/third: holds the same int8 model as bundles/first" in fails(
        capsys, "bundles/first", "bundles/third"
    )


@pytest.mark.parametrize("labels", [("hemorrhage", "normal"), ("normal", "fracture")])
def test_bundles_that_answer_other_questions_are_refused(here, capsys, labels):
    change("second", labels=labels)
    said = fails(capsys, "bundles/first", "bundles/second")
    assert f"its classes are '{labels[0]}' and '{labels[1]}', and those of bundles/first are 'normal' and" in said


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * 51])
def test_a_name_that_no_screen_shows_is_refused(here, capsys, name):
    change("second", name=name)
    assert "cannot stand in the app's list of models" in fails(capsys, "bundles/first", "bundles/second")
    assert run(["android", "bundles/second"]) == 0  # alone it needs no name


def test_too_many_are_refused_before_they_are_read(here, capsys):
    assert f"takes 1 to {MOST_MODELS}" in fails(capsys, *["bundles/none"] * (MOST_MODELS + 1))
    with pytest.raises(hemotk.HemotkError, match="0 bundles"):
        hemotk.android_app([], "app")


def test_a_fault_of_the_second_bundle_is_one_of_the_whole(here, capsys):
    (here / "bundles/second/int8.tflite").write_bytes(b"changed")
    assert "bundles/second" in fails(capsys, "bundles/first", "bundles/second")

"""`hemotk android`: what it copies, and what it refuses to build into an app."""

import configparser
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from android_bundles import OUT, complete
from mean_models import SIZE, mean_model
from written_artefacts import SPEC, UINT8, write_bundle

from hemotk.android import SOURCES, app_folder, app_sources
from hemotk.android.recorded import RECORDED_FILE
from hemotk.android.selfcheck import golden_set
from hemotk.android.vectors import COUNT, RESIZE_SCHEMA, noise
from hemotk.artifacts import BUNDLE_CARD, GOLDEN_FILE, TESTSET_IMAGES, BundleCard, TensorSpec
from hemotk.cli.main import run
from hemotk.data.read.preprocess import load_pixels, to_pixels
from hemotk.files import sha256_bytes, sha256_file
from hemotk.predict.classify import PictureClassifier, model_of_bundle, series_verdict
from hemotk.tflite.scorer import Scorer
from hemotk.tflite.tolerance import drawn_tolerance

ASSETS = Path("app/app/src/main/assets")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder to work in with a bundle that an app can use, `bundles/first`."""
    monkeypatch.chdir(tmp_path)
    complete(write_bundle(tmp_path / "bundles/first"))
    return tmp_path


def fails(capsys, *arguments):
    assert run(["android", *arguments]) == 2
    said = capsys.readouterr().err
    assert said.startswith("hemotk: ")
    assert "Traceback" not in said
    assert not Path("app").exists()
    return said


def test_the_app_is_copied_with_the_bundle_and_no_picture_of_a_person(here, capsys):
    assert run(["android"]) == 0
    said = capsys.readouterr().out
    assert "wrote app" in said and "the bundle's card names 3 images and their labels, the app's card does not" in said
    found = {path.name for path in (here / ASSETS).rglob("*") if path.is_file()}
    checked = {"selfcheck.json", "pixels.npy", "0.png", "1.png", "2.jpg", "3.jpg"}
    about = {"MODEL_CARD.md", "LICENCES.txt"}
    assert found == {"bundle.json", "labels.txt", "golden.npz", "int8.tflite", *checked, *about}
    card = BundleCard.read(here / ASSETS / "bundle" / BUNDLE_CARD)
    assert card == BundleCard.read(here / "bundles/first" / BUNDLE_CARD).nameless() and card.calibration == ()
    said = json.loads((here / ASSETS / "selfcheck/selfcheck.json").read_text())
    assert said["card"] == sha256_file(here / ASSETS / "bundle" / BUNDLE_CARD)
    for name in ("labels.txt", "golden.npz"):
        assert sha256_file(here / ASSETS / "bundle" / name) == card.files[name]
    assert sha256_file(here / ASSETS / "bundle/int8.tflite") == card.variant("int8").sha256
    copied = {path.relative_to(here / "app") for path in (here / "app").rglob("*") if path.is_file()}
    needed = (
        "settings.gradle.kts",
        "gradle/libs.versions.toml",
        "gradle/wrapper/gradle-wrapper.properties",
        "gradlew",
        "gradlew.bat",
        ".gitignore",
        "README.md",
        "core/src/test/kotlin/org/hemotk/core/GoldenPixelsTest.kt",
        "core/src/test/kotlin/org/hemotk/core/ResizeTest.kt",
        "core/src/test/kotlin/org/hemotk/core/MemoryFolder.kt",
        f"core/src/test/vectors/resize-{SIZE}.json",
        "runtime/build.gradle.kts",
        "runtime/src/main/kotlin/org/hemotk/runtime/LiteRtRuntime.kt",
        "app/rules.pro",
        "app/src/main/kotlin/org/hemotk/app/MainActivity.kt",
        "app/src/androidTest/kotlin/org/hemotk/app/PhoneTest.kt",
        "app/src/test/kotlin/org/hemotk/app/ScreenCase.kt",
        "app/src/test/kotlin/org/hemotk/app/RecordedRuntime.kt",
        "app/src/test/kotlin/org/hemotk/app/RecordedScreenTest.kt",
        "app/src/test/resources/recorded.json",
    )
    assert {Path(name) for name in needed} < copied
    assert not any({"build", "pom.xml", "tools"} & set(path.parts) for path in copied)
    assert os.access(here / "app/gradlew", os.X_OK)


def test_the_test_split_comes_when_asked_for(here, capsys):
    assert run(["android", "bundles/first", "--with-testset"]) == 0
    assert "with 5 test images" in capsys.readouterr().out
    assert {path.name for path in (here / ASSETS / "testset").iterdir()} == {"testset.json", "images.npy"}
    testset = here / ASSETS / "testset/testset.json"
    assert json.loads(testset.read_text())["items"] == [{"id": str(row)} for row in range(5)]
    assert BundleCard.read(here / ASSETS / "bundle" / BUNDLE_CARD).testset == sha256_file(testset)


def test_of_a_bundle_that_names_nobody_the_card_stays_as_it_is(here, capsys):
    path = here / "bundles/first" / BUNDLE_CARD
    BundleCard.read(path).nameless().write(path)
    assert run(["android"]) == 0
    assert "names" not in capsys.readouterr().out
    assert (here / ASSETS / "bundle" / BUNDLE_CARD).read_bytes() == path.read_bytes()


def test_nothing_is_replaced_unasked(here, capsys):
    assert run(["android"]) == 0
    assert run(["android"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert run(["android", "--overwrite"]) == 0


def test_a_bundle_without_int8_is_refused(here, capsys):
    write_bundle(here / "bundles/float", kinds=("float32",))
    assert "has no int8 model" in fails(capsys, "bundles/float")


def test_a_bundle_that_was_not_checked_is_refused(here, capsys):
    (here / "bundles/first/checks.json").write_text('[{"kind": "float32"}]')
    card = BundleCard.read(here / "bundles/first" / BUNDLE_CARD)
    files = {**card.files, "checks.json": sha256_file(here / "bundles/first/checks.json")}
    replace(card, files=files).write(here / "bundles/first" / BUNDLE_CARD)
    assert "has no check of the int8 model" in fails(capsys)


@pytest.mark.parametrize("name", ["int8.tflite", "golden.npz", "labels.txt", "checks.json", "MODEL_CARD.md"])
def test_a_changed_file_is_refused(here, capsys, name):
    path = here / "bundles/first" / name
    path.write_bytes(path.read_bytes() + b"\0")
    assert "is not the recorded" in fails(capsys)


@pytest.mark.parametrize("name", ["int8.tflite", "golden.npz"])
def test_a_missing_file_is_refused(here, capsys, name):
    (here / "bundles/first" / name).unlink()
    assert name in fails(capsys)


def test_a_changed_test_split_is_refused(here, capsys):
    path = here / "bundles/first.testset" / TESTSET_IMAGES
    path.write_bytes(path.read_bytes() + b"\0")
    assert "is not the recorded" in fails(capsys, "--with-testset")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (mean_model(), "instead of uint8"),
        (mean_model(*UINT8), "are not those in the bundle.json"),
        (mean_model(*UINT8, out=OUT, shape=(1, SIZE, SIZE + 1, 1)), "instead of [1, 16, 16, 1]"),
        (mean_model("uint8", SPEC.scale, 7, out=OUT), "are not those in the bundle.json"),
        (mean_model(*UINT8, out=("uint8", 0.25, 128)), "are not those in the bundle.json"),
    ],
)
def test_a_model_that_is_not_of_bytes_is_refused_whatever_its_card_says(here, capsys, content, reason):
    complete(here / "bundles/first", content)
    assert reason in fails(capsys)


def test_a_model_may_give_floats(here, capsys):
    complete(here / "bundles/first", mean_model(*UINT8), outputs="float32")
    assert run(["android"]) == 0
    assert "uint8 in, float32 out" in capsys.readouterr().out


def test_the_golden_set_is_what_python_makes_of_its_files(here):
    folder = here / "bundles/first"
    card = BundleCard.read(folder / BUNDLE_CARD)
    files = golden_set(folder, card.variant("int8"), card)
    said = json.loads(files["selfcheck.json"])
    assert (said["model"], said["card"]) == (card.variant("int8").sha256, sha256_file(folder / BUNDLE_CARD))
    assert [(each["file"], each["levels"]) for each in said["pictures"]] == [
        ("0.png", 0),
        ("1.png", 0),
        ("2.jpg", 2),
        ("3.jpg", 2),
    ]
    pixels = np.load(io.BytesIO(files["pixels.npy"]))
    for each, image in zip(said["pictures"], pixels, strict=True):
        path = here / each["file"]
        path.write_bytes(files[each["file"]])
        assert (load_pixels(path, card.preprocess) == image).all()
        assert each["logit"] == Scorer(folder / "int8.tflite", card.preprocess).score(image).logit
    assert said["tolerance"] == 2.5 * OUT[1]


def test_the_tests_that_go_with_the_project_have_what_they_read(here):
    assert run(["android"]) == 0
    vectors = here / f"app/core/src/test/vectors/resize-{SIZE}.json"
    said = json.loads(vectors.read_text())
    size = BundleCard.read(here / ASSETS / "bundle" / BUNDLE_CARD).preprocess.size
    assert said["schema"] == RESIZE_SCHEMA and said["size"] == size and len(said["pictures"]) == COUNT
    assert len({picture["pixels"] for picture in said["pictures"]}) == COUNT
    for picture in said["pictures"][:20]:
        width, height, seed = (picture[name] for name in ("width", "height", "seed"))
        seen = to_pixels(noise(width, height, seed), size)
        assert picture["pixels"] == sha256_bytes(seen.tobytes())
    tests = list((here / "app/core/src/test/kotlin").rglob("*.kt"))
    screens = list((here / "app/app/src/test/kotlin").rglob("*.kt"))
    assert [len(tests), len(screens)] == [8, 3]
    assert not any("hemotk.expected" in path.read_text() or "BundleCase" in path.read_text() for path in screens)
    assert not any(re.search(r"\bvectors\(|hemotk\.work", path.read_text()) for path in tests)
    assert sum(path.stat().st_size for path in (here / "app/core/src/test").rglob("*") if path.is_file()) < 100_000


@pytest.mark.parametrize("outputs", ["uint8", "float32"])
def test_the_tests_of_the_screens_know_what_python_says_of_the_golden_pictures(here, outputs):
    folder = here / "bundles/first"
    if outputs == "float32":
        complete(folder, mean_model(*UINT8), outputs=outputs)
    assert run(["android"]) == 0
    (model,) = json.loads((here / "app" / RECORDED_FILE).read_text())["models"]
    card = BundleCard.read(folder / BUNDLE_CARD)
    assert model["model"] == card.variant("int8").sha256
    scale, zero_point = OUT[1:] if outputs == "uint8" else (1, 0)

    def logit(stored):
        (value,) = np.frombuffer(bytes.fromhex(stored["logit"]), "<f4" if outputs == "float32" else np.uint8)
        return scale * (float(value) - zero_point)

    classifier = PictureClassifier(model_of_bundle(folder, "int8"))
    predictions = []
    for picture in model["pictures"]:
        said = classifier.classify(here / ASSETS / "selfcheck" / picture["file"])
        predictions.append(said)
        assert (picture["probability"], picture["verdict"]) == (said.probability, said.verdict)
        assert picture["doubts"] == list(said.doubts)
        assert {*picture["outputs"]} == {"logit", "probability"} and logit(picture["outputs"]) == said.logit
    assert len({picture["outputs"]["logit"] for picture in model["pictures"]}) > 1
    with np.load(folder / GOLDEN_FILE) as golden:
        drawn = [Scorer(folder / "int8.tflite", card.preprocess).score(image) for image in golden["pixels"]]
    assert [logit(stored) for stored in model["drawn"]] == [scores.logit for scores in drawn]
    found = series_verdict(card.labels, predictions, classifier.model.series_point(None if card.study else 3))
    series = {"probability": found.probability, "threshold": found.threshold, "verdict": found.verdict}
    assert model["series"] == series


def test_the_noise_is_what_32_bits_make_of_it():
    assert noise(3, 1, 5).tolist() == [[_mixed(at + 5 * 7919) for at in range(3)]]
    assert len({*noise(16, 16, 1).ravel().tolist()}) > 100


def _mixed(at):
    mixed = at * 0x9E3779B1 % 2**32
    return (mixed ^ (mixed >> 15)) * 0x85EBCA77 % 2**32 >> 24


def test_tolerances_are_steps_or_shares():
    assert drawn_tolerance(TensorSpec("logit", "uint8", (1, 1), 0.5, 3), [100.0], 2.5) == 1.25
    assert drawn_tolerance(TensorSpec("logit", "float32", (1, 1)), [-10.0, 5.0], 2.5) == 0.2
    assert drawn_tolerance(TensorSpec("logit", "float32", (1, 1)), [0.1], 2.5) == 0.02


def test_the_app_has_its_own_id_name_and_version(here, capsys):
    options = [
        "--application-id",
        "org.example.slices",
        "--name",
        'Ann\'s <"R&D"> @1',
        "--app-version",
        "1.2.3",
        "--secure",
    ]
    assert run(["android", *options]) == 0
    assert "org.example.slices, version 1.2.3 (code 10203)" in capsys.readouterr().out
    properties = (here / "app/gradle.properties").read_text().splitlines()
    assert [line for line in properties if line.startswith("hemotk.")] == [
        "hemotk.applicationId=org.example.slices",
        "hemotk.versionName=1.2.3",
        "hemotk.versionCode=10203",
    ]
    resources = here / "app/app/src/main/res/values"
    (name,) = ElementTree.parse(resources / "name.xml").getroot()
    assert name.text == 'Ann\\\'s <\\"R&D\\"> @1'
    secure = ElementTree.parse(resources / "options.xml").getroot().find("bool[@name='secure']")
    assert secure is not None and secure.text == "true"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(
            ("--application-id", value)
            for value in ("slices", "org..x", "org.1a", "org.int.x", "org.ä", "a." + "b" * 200, "")
        ),
        *(("--name", value) for value in ("", " ", "a\nb", "x" * 51)),
        *(("--app-version", value) for value in ("0", "", "1.100", "1.2.3.4", "one", "-1", "1.", "0.0.0", "12345")),
    ],
)
def test_what_phones_or_stores_would_refuse_is_refused(here, capsys, option, value):
    assert option in fails(capsys, option, value)


def test_the_package_carries_what_the_command_copies():
    config = configparser.ConfigParser()
    config.read(Path(__file__).parents[3] / "setup.cfg", "utf-8")
    assert tuple(config["options.package_data"]["hemotk.android_stub"].split()) == SOURCES
    assert len(list(app_sources(app_folder()))) > 30

"""A picture of one gray value p has the logit scale · (p − 115), so every probability is known."""

import math

import pytest
from mean_models import SIZE, mean_model
from written_artefacts import SPEC, logit_of, write_bundle, write_picture

from hemotk.artifacts import PreprocessSpec
from hemotk.artifacts.predictions import ScoredPictures, VerifiedModel
from hemotk.errors import HemotkError, UnreadablePicture
from hemotk.predict.classify import (
    PictureClassifier,
    model_of_bundle,
    model_of_file,
)
from hemotk.tflite.scorer import Scores

KINDS = ("float32", "fp16", "int8")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("value", [0, 100, 115, 116, 255])
@pytest.mark.parametrize(("threshold", "temperature"), [(0.5, 1.0), (0.7, 2.0), (0.2, 0.5)])
def test_probability_and_verdict_follow_from_the_card(tmp_path, kind, value, threshold, temperature):
    labels = ("clear", "bleed")
    bundle = write_bundle(tmp_path / "b", KINDS, threshold=threshold, temperature=temperature, labels=labels)
    found = PictureClassifier(model_of_bundle(bundle, kind)).classify(write_picture(tmp_path / "a.png", value))
    probability = 1 / (1 + math.exp(-logit_of(value) / temperature))
    assert found.logit == pytest.approx(logit_of(value), abs=1e-5)
    assert found.probability == pytest.approx(probability, abs=1e-5)
    assert found.verdict == labels[found.label] == ("bleed" if probability >= threshold else "clear")


@pytest.mark.parametrize(
    ("kinds", "chosen"),
    [(("float32",), "float32"), (("float32", "fp16"), "fp16"), (("float32", "fp16", "int8"), "int8")],
)
def test_the_quantized_variant_comes_first(tmp_path, kinds, chosen):
    model = model_of_bundle(write_bundle(tmp_path / "b", kinds))
    assert (model.kind, model.bundle, model.path) == (chosen, "b", (tmp_path / "b" / f"{chosen}.tflite").as_posix())


def test_a_variant_that_is_not_there_is_refused_with_those_that_are(tmp_path):
    with pytest.raises(HemotkError, match=r"variant fp16: is not in .*; choose one of float32, int8\."):
        model_of_bundle(write_bundle(tmp_path / "b"), "fp16")


def test_a_file_in_a_bundle_goes_by_its_card(tmp_path):
    bundle = write_bundle(tmp_path / "b", threshold=0.25, temperature=2.0)
    for kind in ("float32", "int8"):
        assert model_of_file(bundle / f"{kind}.tflite") == model_of_bundle(bundle, kind)


def test_a_file_of_another_name_in_a_bundle_is_refused(tmp_path):
    bundle = write_bundle(tmp_path / "b")
    (bundle / "int8.tflite").rename(bundle / "mine.tflite")
    with pytest.raises(HemotkError, match=r"mine\.tflite: is not named in the bundle\.json beside it"):
        model_of_file(bundle / "mine.tflite")


@pytest.mark.parametrize("choose", [model_of_bundle, lambda bundle: model_of_file(bundle / "int8.tflite")])
def test_a_changed_model_is_refused_before_it_is_loaded(tmp_path, choose):
    bundle = write_bundle(tmp_path / "b")
    (bundle / "int8.tflite").write_bytes((bundle / "float32.tflite").read_bytes())
    with pytest.raises(HemotkError, match=r"int8\.tflite: checksum .* is not the recorded"):
        choose(bundle)


def test_a_model_without_a_card_gets_the_usual_values(tmp_path):
    path = tmp_path / "bare.tflite"
    path.write_bytes(mean_model())
    model = model_of_file(path)
    assert model == VerifiedModel(
        path.as_posix(), model.sha256, PreprocessSpec(SIZE), 0.5, 1.0, ("normal", "hemorrhage")
    )
    assert (model.bundle, model.kind) == ("", "")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (mean_model(shape=(1, 16, 16, 3), axes=(1, 2, 3)), r"gives \[1, 1, 1, 1\], \[1, 1, 1, 1\] instead of one list"),
        (mean_model(shape=(1, 32, 16, 1)), r"takes \[1, 32, 16, 1\] instead"),
        (mean_model(shape=(1, 8, 8, 1)), r"takes \[1, 8, 8, 1\] instead"),
        (mean_model(shape=(1, 16), axes=(1,)), r"takes \[1, 16\] instead"),
        (b"no model", "is no whole .tflite model"),
    ],
)
def test_a_bare_file_of_another_kind_is_refused(tmp_path, content, words):
    path = tmp_path / "bare.tflite"
    path.write_bytes(content)
    with pytest.raises(HemotkError, match=words):
        model_of_file(path)


def test_a_missing_file_and_a_folder_without_a_card_are_named(tmp_path):
    with pytest.raises(HemotkError, match=r"gone\.tflite: no such file"):
        model_of_file(tmp_path / "gone.tflite")
    with pytest.raises(HemotkError, match=r"is not a bundle: it holds no bundle\.json"):
        model_of_bundle(tmp_path)


def test_an_unreadable_picture_is_told_from_a_broken_model(tmp_path, monkeypatch):
    classifier = PictureClassifier(model_of_bundle(write_bundle(tmp_path / "b")))
    with pytest.raises(UnreadablePicture, match=r"gone\.png: no such file"):
        classifier.classify(tmp_path / "gone.png")
    monkeypatch.setattr(classifier._scorer, "score", lambda pixels: Scores(math.nan, math.nan))
    with pytest.raises(HemotkError, match=r"int8\.tflite: gives nan for .*a\.png: the model is broken") as caught:
        classifier.classify(write_picture(tmp_path / "a.png", 9))
    assert not isinstance(caught.value, UnreadablePicture)


def test_predictions_come_back_from_their_file(tmp_path):
    classifier = PictureClassifier(model_of_bundle(write_bundle(tmp_path / "b")))
    found = classifier.classify(write_picture(tmp_path / "a.png", 200))
    predictions = ScoredPictures(classifier.model, classifier.runtime, (found,), {"b.png": "b.png: no such file."})
    predictions.write(tmp_path / "scores.json")
    assert ScoredPictures.read(tmp_path / "scores.json") == predictions
    assert predictions.model.preprocess == SPEC
    assert predictions.intended_use == "research, not for diagnosis"

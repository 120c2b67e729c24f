import math

import numpy as np
import pytest
from foreign_tflite import SIDE, foreign_model
from mean_models import mean_model
from written_artefacts import write_picture

from hemotk.artifacts import ForeignSpec
from hemotk.artifacts.codec import decode, encode
from hemotk.artifacts.foreign import ForeignOptions
from hemotk.errors import HemotkError
from hemotk.predict.classify import PictureClassifier, model_of_file
from hemotk.tflite.foreign import foreign_of, read_foreign
from hemotk.tflite.foreign_scorer import ForeignScorer

TORCH_RED = (0.485, 0.229)
UNIT_BYTES = ("uint8", 1 / 255, 0)


@pytest.fixture
def model(tmp_path):
    """Write the model of those words to a file."""

    def write(**words):
        path = tmp_path / "theirs.tflite"
        path.write_bytes(foreign_model(**words))
        return path

    return write


def sigmoid(value):
    return 1 / (1 + math.exp(-value))


def score(path, asked, value):
    """Logit and probability of a picture of one gray value."""
    spec = read_foreign(path, asked)
    return ForeignScorer(path, spec).score(np.full((SIDE, SIDE), value, np.uint8))


@pytest.mark.parametrize("value", [0, 37, 200, 255])
@pytest.mark.parametrize(
    ("normalization", "network"),
    [
        ("unit", lambda p: p / 255),
        ("tf", lambda p: p / 127.5 - 1),
        ("torch", lambda p: (p / 255 - TORCH_RED[0]) / TORCH_RED[1]),
        ("0.4/0.25", lambda p: (p / 255 - 0.4) / 0.25),
    ],
)
def test_the_network_sees_what_the_normalization_says(model, normalization, network, value):
    path = model(weights=((2.0, 0.0, 0.0),), end="logits")
    found = score(path, ForeignOptions(normalization), value)
    assert found.logit == pytest.approx(2 * network(value), rel=1e-5, abs=1e-5)
    assert found.probability == pytest.approx(sigmoid(2 * network(value)), abs=1e-6)


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("batch", [1, -1])
def test_channels_keep_their_places_in_either_order(model, first, batch):
    path = model(weights=((0.0, 0.0, 1.0),), end="logits", first=first, batch=batch)
    assert score(path, ForeignOptions("0.1,0.2,0.3/1,1,2"), 102).logit == pytest.approx((0.4 - 0.3) / 2, rel=1e-4)


def test_a_gray_model_is_scored_as_well(model):
    path = model(channels=1, weights=((3.0,),))
    assert score(path, ForeignOptions("unit"), 51).logit == pytest.approx(0.6, rel=1e-4)


@pytest.mark.parametrize(
    ("stored", "mode", "network"),
    [
        (UNIT_BYTES, "unit", lambda p: p / 255),
        (("int8", 1 / 255, -128), "unit", lambda p: p / 255),
        (("uint8", 1 / 127.5, 127), "tf", lambda p: (p - 127) / 127.5),
        (("int8", 1 / 127.5, -1), "tf", lambda p: (p - 127) / 127.5),
        (("uint8", 0.9999819, 0), "raw", lambda p: p * 0.9999819),
    ],
)
@pytest.mark.parametrize("value", [0, 90, 254])
def test_bytes_whose_range_is_plain_need_no_word(model, stored, mode, network, value):
    path = model(stored=stored, weights=((0.01, 0.0, 0.0),), end="logits")
    assert any(f"({mode})" in line for line in read_foreign(path, ForeignOptions()).said)
    assert score(path, ForeignOptions(), value).logit == pytest.approx(0.01 * network(value), abs=0.0002)


def test_a_calibrated_range_needs_a_word_and_a_fitting_one(model):
    path = model(stored=("int8", 0.0187, -14))  # what torch gives, from −2.12 to 2.64
    with pytest.raises(HemotkError, match=r"theirs\.tflite: does not say how its pixels were normalized.*normal"):
        read_foreign(path, ForeignOptions())
    with pytest.raises(HemotkError, match=r"its input holds -2\.132 to 2\.637.*from 0 to 255.* of 256 gray values"):
        read_foreign(path, ForeignOptions("raw"))
    with pytest.raises(HemotkError, match=r"54 stay apart"):
        read_foreign(path, ForeignOptions("unit"))
    assert score(path, ForeignOptions("torch"), 200).logit == pytest.approx((200 / 255 - 0.485) / 0.229, abs=0.01)


def test_float_models_that_say_nothing_are_refused(model):
    with pytest.raises(HemotkError, match=r"does not say how its pixels were normalized"):
        read_foreign(model(), ForeignOptions())


def test_metadata_says_the_normalization(model, monkeypatch):
    from types import SimpleNamespace

    from hemotk.tflite import foreign
    from hemotk.tflite.metadata import Normalization

    path = model(end="logits")
    said = {"in": Normalization((127.5,), (127.5,))}
    monkeypatch.setattr(foreign, "metadata_of", lambda _: SimpleNamespace(normalization=said))
    assert score(path, ForeignOptions(), 51).logit == pytest.approx(51 / 127.5 - 1, rel=1e-5)
    assert any("its metadata says" in line for line in read_foreign(path, ForeignOptions()).said)
    assert score(path, ForeignOptions("unit"), 51).logit == pytest.approx(0.2, rel=1e-5)
    said["in"] = Normalization((127.5,), (0.0,))
    with pytest.raises(HemotkError, match=r"its metadata normalizes pixels with mean .* std \[0\.0\]"):
        read_foreign(path, ForeignOptions())


TWO = ((1.0, 0.0, 0.0), (3.0, 0.0, 0.0))
THREE = {"weights": (*TWO, (0.0, 0.0, 0.0)), "end": "softmax"}


@pytest.mark.parametrize(
    ("words", "asked", "logit"),
    [
        ({}, ForeignOptions("unit"), 0.4),
        ({}, ForeignOptions("unit", positive_class=0), -0.4),
        ({"weights": TWO, "end": "softmax"}, ForeignOptions("unit"), 0.8),
        ({"weights": TWO, "end": "softmax"}, ForeignOptions("unit", positive_class=0), -0.8),
        ({"weights": TWO, "end": "softmax"}, ForeignOptions("unit", output=0), -0.8),
        ({"weights": TWO, "end": "logits"}, ForeignOptions("unit"), 0.8),
        ({"weights": TWO, "end": "logits"}, ForeignOptions("unit", output=1), 1.2),
        ({"weights": TWO}, ForeignOptions("unit", output=0), 0.4),
        ({"weights": TWO}, ForeignOptions("unit", output=1), 1.2),
        (THREE, ForeignOptions("unit", output=1), 1.2 - math.log(math.exp(0.4) + 1)),
        ({"out": ("uint8", 1 / 256, 0)}, ForeignOptions("unit"), math.log(153 / 103)),
        ({"out": ("int8", 1 / 256, -128)}, ForeignOptions("unit"), math.log(153 / 103)),
    ],
)  # fmt: skip
def test_the_output_is_read_as_what_it_is(model, words, asked, logit):
    found = score(model(**words), asked, 102)
    assert found.logit == pytest.approx(logit, rel=1e-5)
    assert found.probability == pytest.approx(sigmoid(logit), rel=1e-5)


@pytest.mark.parametrize(
    ("weight", "out", "logit", "probability"),
    [
        (100.0, ("uint8", 1 / 256, 0), math.log(255 / 1), 255 / 256),
        (-100.0, ("uint8", 1 / 256, 0), -math.log(1023), 0.0),
        (-200.0, None, -math.log(1e7 - 1), 0.0),
    ],
)
def test_a_saturated_output_keeps_a_finite_logit(model, weight, out, logit, probability):
    found = score(model(weights=((weight, 0.0, 0.0),), out=out), ForeignOptions("unit"), 255)
    assert found.logit == pytest.approx(logit, rel=1e-4)
    assert found.probability == pytest.approx(probability, abs=1e-6)


@pytest.mark.parametrize(
    ("words", "asked", "said"),
    [
        (
            {"size": (16, 20)},
            ForeignOptions("unit"),
            r"takes \[1, 16, 20, 3\] instead of one square gray or RGB picture",
        ),
        ({"size": (8, 8)}, ForeignOptions("unit"), r"takes \[1, 8, 8, 3\] instead"),
        ({"channels": 2, "weights": ((1.0, 1.0),)}, ForeignOptions("unit"), r"takes \[1, 16, 16, 2\] instead"),
        ({"inputs": 2}, ForeignOptions("unit"), r"takes \[1, 16, 16, 3\], \[1, 16, 16, 3\] instead"),
        ({"weights": TWO}, ForeignOptions("unit"), r"gives 2 scores, and does not say which of them .* output 0 to 1"),
        ({}, ForeignOptions("unit", output=1), r"has 1 class score, numbered from 0, and no number 1"),
        (
            {"channels": 1, "weights": ((1.0,),)},
            ForeignOptions("torch"),
            r"pictures of 1 channel, but the normalization has 3",
        ),
        ({"stored": ("int16", 0.1, 0)}, ForeignOptions("unit"), r"tensor 'in' is int16; only uint8, int8, float32"),
    ],
)
def test_what_is_no_classifier_of_slices_is_refused(model, words, asked, said):
    with pytest.raises(HemotkError, match=said):
        read_foreign(model(**words), asked)


def test_several_outputs_are_refused_and_hemotks_own_need_no_help(tmp_path):
    path = tmp_path / "own.tflite"
    path.write_bytes(mean_model())
    assert foreign_of(path, ForeignOptions()) is None
    path.write_bytes(mean_model(names=("a", "b")))
    with pytest.raises(HemotkError, match=r"gives \[1, 1, 1, 1\], \[1, 1, 1, 1\] instead of one list of class scores"):
        foreign_of(path, ForeignOptions("unit"))


def test_a_file_in_a_bundle_goes_by_its_card(model):
    path = model()
    (path.parent / "bundle.json").write_text("{}")
    with pytest.raises(HemotkError, match=r"theirs\.tflite: lies in a bundle"):
        foreign_of(path, ForeignOptions("unit"))
    with pytest.raises(HemotkError, match=r"theirs\.tflite: lies in a bundle"):
        model_of_file(path, ForeignOptions("unit"))


def test_it_survives_its_json(model):
    spec = read_foreign(model(weights=TWO, end="softmax"), ForeignOptions("torch"))
    assert decode(ForeignSpec, encode(spec), "foreign") == spec


def test_a_picture_is_classified(model, tmp_path):
    found = model_of_file(model(weights=((4.0, 0.0, 0.0),), end="logits"), ForeignOptions("0.5/0.5"))
    prediction = PictureClassifier(found).classify(write_picture(tmp_path / "a.png", 204, (SIDE, SIDE)))
    assert prediction.logit == pytest.approx(4 * 0.6, rel=1e-5)
    assert (prediction.label, prediction.verdict) == (1, "hemorrhage")

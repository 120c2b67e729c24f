"""Planted mistakes of every kind are named; what cannot be told is not guessed."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from planted_apps import STEPS, write_outputs

from hemotk.artifacts.outputs import ComparedOutputs
from hemotk.embedding.agreement import Near
from hemotk.embedding.steps import Wrong
from hemotk.embedding.verify import _explain, compare
from hemotk.errors import HemotkError

# mistake → model, the step that differs, and words of the cause
PLANTED = {
    "bgr": ("int8", "gray", "red and blue swapped"),
    "mean": ("int8", "gray", "mean of red, green and blue"),
    "rec709": ("int8", "gray", "ITU-R 709"),
    "gamma": ("int8", "gray", "gamma taken away"),
    "inverted": ("float32", "gray", "inverted"),
    "stretched": ("int8", "pixels", "stretched to a square without padding"),
    "corner": ("int8", "pixels", "padded on the right or below alone"),
    "odd": ("int8", "pixels", "odd pixel on the left or above"),
    "white": ("int8", "pixels", "padded with white"),
    "nearest": ("int8", "pixels", "nearest neighbours"),
    "bicubic": ("int8", "pixels", "bicubic"),
    "area": ("int8", "pixels", "averages of boxes"),
    "platform": ("int8", "pixels", "without antialiasing"),
    "transposed": ("float32", "pixels", "columns first"),
    "int8": ("int8", "tensor", "128 taken from each byte"),
    "raw": ("float32", "tensor", "not scaled at all"),
    "over 255": ("float32", "tensor", "divided by 255"),
    "minus one": ("float32", "tensor", "scaled to −1 to 1"),
    "no zero": ("float32", "tensor", "without taking 115"),
    "raw byte": ("int8", "logit", "the byte itself"),
    "other output": ("float32", "logit", "'probability' read instead"),
    "turned": ("float32", "logit", "sign turned"),
    "no temperature": ("float32", "probability", "without the temperature"),
    "other class": ("int8", "probability", "classes swapped"),
    "half": ("float32", "verdict", "threshold 0.5"),
    "labels": ("int8", "verdict", "labels swapped"),
}


def differing(found: ComparedOutputs) -> list[str]:
    return [step.step for step in found.steps if step.state == "differs"]


def causes(found: ComparedOutputs, step: str) -> list[str]:
    return [cause.what for each in found.steps if each.step == step for cause in each.causes]


@pytest.mark.parametrize("kind", ["int8", "float32"])
@pytest.mark.parametrize("hashed", [False, True])
def test_an_app_that_does_it_right_agrees_in_every_step(fed: Path, tmp_path: Path, kind: str, hashed: bool) -> None:
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, kind, hashed=hashed and kind == "int8"))
    assert found.agrees and [step.state for step in found.steps] == ["agrees"] * 6
    assert {step.total for step in found.steps} == {5}


@pytest.mark.parametrize("mistake", PLANTED)
def test_a_planted_mistake_is_named_and_nothing_else(fed: Path, tmp_path: Path, mistake: str) -> None:
    kind, step, words = PLANTED[mistake]
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, kind, mistake))
    assert differing(found) == [step] and not found.agrees
    assert len(causes(found, step)) == 1 and words in causes(found, step)[0], causes(found, step)


@pytest.mark.parametrize("mistake", ["bgr", "stretched", "nearest", "int8", "raw"])
def test_checksums_are_enough(fed: Path, tmp_path: Path, mistake: str) -> None:
    kind, step, words = PLANTED[mistake]
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, kind, mistake, hashed=True))
    assert differing(found) == [step] and words in causes(found, step)[0]
    assert [each.state for each in found.steps].count("agrees") == 5


@pytest.mark.parametrize("mistake", ["raw", "turned", "over 255", "stretched"])
def test_the_logit_alone_tells_a_mistake_before_it(fed: Path, tmp_path: Path, mistake: str) -> None:
    kind, step, words = PLANTED[mistake]
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, kind, mistake, given=("logit",)))
    (said,) = [each for each in found.steps if each.state == "differs"]
    assert said.step == "logit"
    if said.causes:
        assert [cause for cause in said.causes if cause.step == step and words in cause.what]
    else:
        assert "of the usual mistakes would explain it" in said.note


def test_a_logit_that_never_changes_names_no_cause(fed: Path, tmp_path: Path) -> None:
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, "float32", "minus one", given=("logit",)))
    assert differing(found) == ["logit"] and causes(found, "logit") == []
    assert "the same for every picture" in found.steps[3].note


def test_a_mistake_that_nobody_thought_of_is_unknown(fed: Path, tmp_path: Path) -> None:
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, "int8", "dim"))
    assert differing(found) == ["gray"] and causes(found, "gray") == []
    assert found.steps[0].note == "unknown: none of the usual mistakes explains it"
    hashed = compare(fed, write_outputs(tmp_path / "out.json", fed, "int8", "dim", hashed=True))
    assert [step.state for step in hashed.steps[:3]] == ["differs", "not judged", "not judged"]


def test_rounding_is_called_rounding(fed: Path, tmp_path: Path) -> None:
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, "int8", "rounding"))
    assert differing(found) == ["pixels"] and found.steps[1].note.startswith("rounding: no byte differs by more than 1")


def edited(path: Path, **changes: Any) -> Path:
    body = json.loads(path.read_text("utf-8"))
    for picture in body["pictures"]:
        for name, value in changes.items():
            picture.pop(name, None)
            if value is not None:
                picture[name] = value
    path.write_text(json.dumps(body), "utf-8")
    return path


def test_bytes_of_several_channels_or_of_another_type_are_told_by_their_number(fed: Path, tmp_path: Path) -> None:
    import base64

    out = write_outputs(tmp_path / "out.json", fed, "int8", given=("logit",))
    found = compare(fed, edited(out, tensor=base64.b64encode(bytes(3 * 32 * 32)).decode()))
    assert found.steps[2].state == "differs" and "not several channels" in found.steps[2].note
    out = write_outputs(tmp_path / "out.json", fed, "float32", given=("logit",))
    found = compare(fed, edited(out, tensor=base64.b64encode(bytes(32 * 32)).decode()))
    assert "it takes float32, not bytes" in found.steps[2].note
    found = compare(fed, edited(out, tensor=base64.b64encode(bytes(3 * 4 * 32 * 32)).decode()))
    assert "one channel, not three" in found.steps[2].note


def test_few_pictures_tell_that_a_number_differs_but_no_cause(fed: Path, tmp_path: Path) -> None:
    out = write_outputs(tmp_path / "out.json", fed, "float32", "turned", given=("logit",))
    body = json.loads(out.read_text("utf-8"))
    body["pictures"] = body["pictures"][:2]
    out.write_text(json.dumps(body), "utf-8")
    found = compare(fed, out)
    assert differing(found) == ["logit"] and "2 pictures are too few" in found.steps[3].note


def test_mistakes_that_the_pictures_cannot_show_are_said(fed: Path, tmp_path: Path) -> None:
    # All five probabilities lie between 0.3 and 0.5 or on the same side of both, but for those in between.
    found = compare(fed, write_outputs(tmp_path / "out.json", fed, "float32"))
    assert "with the labels swapped" not in found.steps[5].unseen
    one = json.loads((tmp_path / "out.json").read_text("utf-8"))
    one["pictures"] = one["pictures"][:1]
    (tmp_path / "one.json").write_text(json.dumps(one), "utf-8")
    assert "with the threshold 0.5" in compare(fed, tmp_path / "one.json").steps[5].unseen


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"file": "slice.png"}, "is there twice|twice"),
        ({"gray": "no base64!"}, "'gray' of golden_0.png is no base64"),
        ({"verdict": "bleeding"}, "the bundle knows normal and hemorrhage"),
        ({"label": 0, "verdict": "hemorrhage"}, "contradict each other"),
        ({"label": 2}, "field 'label' must be 0 or 1"),
        ({"pixel": "AA=="}, "field 'pictures.0..pixel' is unknown"),
        (dict.fromkeys(("verdict", "logit", *STEPS)), "has no values of any picture"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(fed: Path, tmp_path: Path, changes: dict, said: str) -> None:
    out = edited(write_outputs(tmp_path / "out.json", fed, "int8", given=("logit", "verdict")), **changes)
    with pytest.raises(HemotkError, match=said):
        compare(fed, out)


def test_another_model_or_picture_is_refused(fed: Path, tmp_path: Path) -> None:
    out = write_outputs(tmp_path / "out.json", fed, "int8", given=("logit",))
    text = out.read_text("utf-8")
    out.write_text(text.replace("int8.tflite", "other.tflite"), "utf-8")
    with pytest.raises(HemotkError, match=r"'other\.tflite', the bundle has float32\.tflite, int8\.tflite"):
        compare(fed, out)
    out.write_text(text.replace("golden_1.png", "mine.png"), "utf-8")
    with pytest.raises(HemotkError, match=r"'mine\.png' is no golden picture"):
        compare(fed, out)


@pytest.mark.parametrize(
    ("fitting", "named", "note"),
    [
        ([Near.NEARLY, Near.EXACTLY, None], ["1"], ""),
        ([Near.NEARLY, Near.NEARLY], ["0", "1"], ""),
        ([Near.EXACTLY] * 3, ["0", "1", "2"], ""),
        ([Near.EXACTLY] * 4, [], "unknown: 4 of the usual mistakes would explain it; hand over earlier values"),
        ([None], [], "unknown: none of the usual mistakes explains it"),
    ],
)
def test_exact_causes_go_before_near_ones_and_too_many_are_none(fitting: list, named: list, note: str) -> None:
    wrongs = [Wrong("pixels", str(place), "", str) for place in range(len(fitting))]
    judge: Any = SimpleNamespace(
        steps=SimpleNamespace(wrongs=lambda step: wrongs if step == "pixels" else []),
        fits=lambda step, wrong, rows: fitting[int(wrong.what)],
        rounding=lambda step, rows: "",
    )
    rows: Any = [(SimpleNamespace(since="gray"), b"")] * 5
    causes, said = _explain("pixels", rows, judge)
    assert ([wrong.what for wrong, _ in causes], said) == (named, note)

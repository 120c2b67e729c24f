"""Which step of an app differs from the bundle's: its outputs for the golden pictures, explained by trying mistakes."""

import base64
import binascii
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hemotk.artifacts import BundleCard
from hemotk.artifacts.golden import GoldenSet
from hemotk.artifacts.outputs import AppOutputs, AppPicture, Cause, ComparedOutputs, ComparedStep
from hemotk.embedding.agreement import Judge, Near, Rows
from hemotk.embedding.golden import read_golden
from hemotk.embedding.steps import STEPS, Steps, Wrong
from hemotk.errors import HemotkError
from hemotk.files import check_sha256
from hemotk.store.cards import bundle_card

# Numbers of fewer pictures fit a mistake by chance.
FEWEST = 3
MOST_CAUSES = 3


@dataclass
class _Known:
    """A golden picture on its way: the last step whose value is known (None: the picture itself), and that value.

    After a checksum that nothing explains, the way is `lost` until the app gives a value itself.
    """

    file: str
    since: str | None
    value: Any
    lost: bool = False

    def move(self, step: str, given: Any, explained: Any, judge: Judge) -> None:
        """Go on to what the app has after `step`: what explains it, or its own value; a checksum alone is none."""
        if explained is None and isinstance(given, str):
            self.lost = True
            return
        own = judge.array(step, given, self.file) if isinstance(given, bytes) else given
        is_number = not isinstance(given, (bytes, str))
        self.since, self.value, self.lost = step, own if explained is None or is_number else explained, False


def compare(folder: Path, against: Path) -> ComparedOutputs:
    """Hold what the file `against` says an app made of the golden pictures against the bundle in `folder`.

    Raises:
        HemotkError: no readable bundle or file; a picture, model or verdict that the bundle has not; or no values.
    """
    card, outputs, golden = bundle_card(folder), AppOutputs.read(against), read_golden(folder)
    model = next((each for each in golden.models if each.file == outputs.model), None)
    variant = None if model is None else card.variant(model.kind)
    if model is None or variant is None:
        names = ", ".join(each.file for each in golden.models)
        raise HemotkError(f"{against}: field 'model' is '{outputs.model}', the bundle has {names}; name one of these.")
    check_sha256(folder / variant.file, variant.sha256)
    steps = Steps(folder, card, variant)
    known = [_start(folder, golden, picture, against) for picture in outputs.pictures]
    judge = Judge(card, golden, model, steps)
    given = [_values(picture, card, against) for picture in outputs.pictures]
    if not any(values for values in given):
        raise HemotkError(f"{against}: has no values of any picture; add what your app has, such as 'logit'.")
    found = tuple(_step(step, known, [values.get(step) for values in given], judge) for step in STEPS)
    return ComparedOutputs(card.name, model.file, len(known), found)


def _start(folder: Path, golden: GoldenSet, picture: AppPicture, against: Path) -> _Known:
    names = [each.file for each in golden.pictures]
    if picture.file not in names:
        raise HemotkError(
            f"{against}: '{picture.file}' is no golden picture; give the file names in golden.json, such as {names[0]}."
        )
    return _Known(picture.file, None, np.asarray(Image.open(folder / picture.file)))


def _values(picture: AppPicture, card: BundleCard, against: Path) -> dict[str, Any]:
    """What is given of a picture by step: bytes, a checksum as text, a number, or a label."""
    found: dict[str, Any] = {}
    for step in ("gray", "pixels", "tensor"):
        coded, digest = getattr(picture, step), getattr(picture, f"{step}_sha256")
        if coded is not None:
            try:
                found[step] = base64.b64decode(coded, validate=True)
            except (binascii.Error, ValueError) as error:
                raise HemotkError(
                    f"{against}: '{step}' of {picture.file} is no base64; encode the bytes, or give '{step}_sha256'."
                ) from error
        elif digest is not None:
            found[step] = digest.lower()
    for step in ("logit", "probability"):
        if getattr(picture, step) is not None:
            found[step] = getattr(picture, step)
    label = picture.label
    if picture.verdict is not None:
        if picture.verdict not in card.labels:
            raise HemotkError(
                f"{against}: 'verdict' of {picture.file} is '{picture.verdict}', the bundle knows "
                f"{' and '.join(card.labels)}; write one of these, or 'label'."
            )
        if label not in (None, card.labels.index(picture.verdict)):
            raise HemotkError(f"{against}: 'label' and 'verdict' of {picture.file} contradict each other; drop one.")
        label = card.labels.index(picture.verdict)
    if label is not None:
        found["verdict"] = label
    return found


def _step(step: str, known: Sequence[_Known], given: Sequence[Any], judge: Judge) -> ComparedStep:
    """Judge one step, and move each picture on to what the app has after it."""
    rows = [(one, value) for one, value in zip(known, given, strict=True) if value is not None]
    judged = [(one, value) for one, value in rows if not one.lost]
    faults = [judge.size_fault(step, value, one.file) for one, value in rows]
    if not rows:
        return ComparedStep(step, "not given")
    if any(faults):
        for one, _ in rows:
            one.lost = True
        return ComparedStep(step, "differs", sum(map(bool, faults)), len(rows), note=next(filter(None, faults)))
    if not judged:
        for one, value in rows:
            one.move(step, value, None, judge)
        return ComparedStep(step, "not judged", 0, len(rows), note="what came before is not known well enough")
    agreed = [judge.same(step, value, one) for one, value in judged]
    if all(agreed):
        result, wrong = ComparedStep(step, "agrees", 0, len(judged), unseen=tuple(judge.unseen(step, judged))), None
    else:
        causes, note = _explain(step, judged, judge)
        said = tuple(Cause(each.step, each.what, each.remedy, near is Near.NEARLY) for each, near in causes)
        result = ComparedStep(step, "differs", agreed.count(False), len(judged), said, note)
        wrong = causes[0][0] if len(causes) == 1 and causes[0][1] is Near.EXACTLY else None
    for (one, value), good in zip(judged, agreed, strict=True):
        one.move(step, value, judge.run(one, step, wrong) if good or wrong is not None else None, judge)
    return result


def _explain(step: str, rows: Rows, judge: Judge) -> tuple[list[tuple[Wrong, Near]], str]:
    """The mistakes that explain a step's values on every picture, exact ones before near ones; or why none is named."""
    if step in ("logit", "probability", "verdict") and len(rows) < FEWEST:
        return [], f"unknown: {len(rows)} pictures are too few to tell a cause by; hand over all golden pictures"
    if step in ("logit", "probability") and np.ptp([value for _, value in rows]) <= judge.slack(step):
        return (
            [],
            f"unknown: the {step} is the same for every picture; hand over earlier values",
        )
    tried = ((wrong, judge.fits(step, wrong, rows)) for wrong in _candidates(step, rows, judge))
    found = [(wrong, near) for wrong, near in tried if near is not None]
    exact = [each for each in found if each[1] is Near.EXACTLY]
    unlike = list({(wrong.step, wrong.what): (wrong, near) for wrong, near in exact or found}.values())
    if not unlike:
        return [], judge.rounding(step, rows) or "unknown: none of the usual mistakes explains it"
    if len(unlike) > MOST_CAUSES:
        return [], f"unknown: {len(unlike)} of the usual mistakes would explain it; hand over earlier values"
    return unlike, ""


def _candidates(step: str, rows: Rows, judge: Judge) -> Iterator[Wrong]:
    """The mistakes in every step between what is known of all pictures and `step`."""
    since = max(-1 if one.since is None else STEPS.index(one.since) for one, _ in rows)
    for between in STEPS[since + 1 : STEPS.index(step) + 1]:
        yield from judge.steps.wrongs(between)

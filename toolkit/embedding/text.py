"""A comparison of an app's outputs as text for a terminal."""

import textwrap
from collections.abc import Iterator

from hemotk.artifacts import ComparedOutputs, ComparedStep

WIDTH = 80
_BEFORE = "      "


def text(found: ComparedOutputs) -> Iterator[str]:
    """The lines, none wider than `WIDTH`."""
    yield from _wrapped(
        f"{found.model} of {found.bundle}, {found.pictures} golden pictures; each step is held against your own values "
        "before it"
    )
    for step in found.steps:
        yield f"  {step.step:<12} {_state(step)}"
        yield from _why(step)
    yield _verdict(found)


def _state(step: ComparedStep) -> str:
    if step.state == "differs":
        return f"DIFFERS on {step.differs} of {step.total} pictures"
    return f"agrees on {step.total} pictures" if step.state == "agrees" else step.state


def _why(step: ComparedStep) -> Iterator[str]:
    for place, cause in enumerate(step.causes):
        where = "" if cause.step == step.step else f"{cause.step}: "
        nearly = ", up to a few levels of 255" if cause.nearly else ""
        yield from _wrapped(f"{'or ' if place else ''}{where}as if {cause.what}{nearly}; {cause.remedy}", _BEFORE)
    if step.note:
        yield from _wrapped(step.note, _BEFORE)
    if step.unseen:
        yield from _wrapped(f"these pictures cannot show: {'; '.join(step.unseen)}", _BEFORE)


def _verdict(found: ComparedOutputs) -> str:
    wrong = [step.step for step in found.steps if step.state == "differs"]
    if wrong:
        return f"DIFFERS in {', '.join(wrong)}"
    given = [step.step for step in found.steps if step.state == "agrees"]
    return f"agrees in {', '.join(given)}"


def _wrapped(words: str, before: str = "") -> Iterator[str]:
    yield from textwrap.wrap(words, WIDTH, initial_indent=before, subsequent_indent=before)

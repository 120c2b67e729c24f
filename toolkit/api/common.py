"""Helpers that the functions of the interface share: paths, progress, tables for notebooks."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeAlias

from hemotk.artifacts.bundle import LABELS
from hemotk.progress import Tell, bars, silent
from hemotk.render.markup import Markup, element, join

PathLike: TypeAlias = str | os.PathLike[str]
Progress: TypeAlias = bool | Tell

CLASSES = LABELS


@contextmanager
def telling(progress: Progress) -> Iterator[Tell]:
    """The receiver of a job's progress: bars, nobody, or the function that was given."""
    if callable(progress):
        yield progress
    elif progress:
        with bars() as tell:
            yield tell
    else:
        yield silent


def maybe(path: PathLike | None) -> Path | None:
    """The path, if there is one."""
    return None if path is None else Path(path)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    """An HTML table for a notebook."""
    head = element("tr", *(element("th", word) for word in headings))
    body = (element("tr", *(element("td", cell) for cell in row)) for row in rows)
    return element("table", element("thead", head), element("tbody", *body))


def block(title: str, *content: str) -> str:
    """A heading with what belongs to it, for a notebook."""
    return join(element("p", element("strong", title)), *content)


def lines(words: Sequence[str]) -> Markup:
    """A list of sentences."""
    return element("ul", *(element("li", word) for word in words)) if words else Markup("")

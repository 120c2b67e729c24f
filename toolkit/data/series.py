"""A series of slices as one: their order, and one score for all of them."""

import re
from collections import defaultdict
from collections.abc import Hashable, Sequence
from pathlib import Path

import numpy as np

from hemotk.data.read.dicom import is_dicom
from hemotk.data.read.dicom_headers import places, read_headers
from hemotk.errors import HemotkError
from hemotk.stats.metrics import auc

MAX_K = 10


def in_order(paths: Sequence[Path]) -> list[Path]:
    """The slices of one series from one end to the other.

    DICOM files are sorted by position along the series, else by number; other pictures by name, with numbers in names
    compared as numbers.

    Raises:
        HemotkError: DICOM files of several patients or series, DICOM mixed with other pictures, or one slice twice; or
            unreadable.
    """
    named = sorted(paths, key=_natural)
    dicom = [is_dicom(path) for path in named]
    if not any(dicom):
        _check_once(named, [str(path.resolve()) for path in named])
        return named
    if not all(dicom):
        other = named[dicom.index(False)]
        raise HemotkError(f"{other}: is no DICOM file as others of the series are; give the slices of one series.")
    headers = read_headers(named)
    for word, names in (
        ("patients", {header.patient for header in headers}),
        ("studies", {header.study for header in headers}),
        ("series", {header.series for header in headers}),
    ):
        if len(names) > 1:
            raise HemotkError(
                f"{named[0].parent}: holds slices of {len(names)} {word}; a verdict is for one series, so name a "
                "folder of one."
            )
    _check_once(named, [header.instance or str(path.resolve()) for path, header in zip(named, headers, strict=True)])
    where = places(headers)
    if where is None:
        return named
    return [named[index] for index in np.argsort(where, kind="stable")]


def _check_once(paths: Sequence[Path], keys: Sequence[str]) -> None:
    """Refuse slices with equal keys: one that counts twice weighs twice in the verdict.

    Equal pixels are no reason to refuse: the empty slices at either end of a series may be alike.
    """
    first: dict[str, Path] = {}
    for path, key in zip(paths, keys, strict=True):
        if key in first:
            raise HemotkError(f"{path}: is the same slice as {first[key]}; name each slice of the series once.")
        first[key] = path


def series_score(probabilities: Sequence[float], k: int) -> float:
    """The mean of the `k` highest probabilities, of all where there are fewer.

    Raises:
        ValueError: no probabilities, or `k` below 1.
    """
    if k < 1 or len(probabilities) == 0:
        raise ValueError("a series' score needs a probability and k of 1 or more")
    return float(np.mean(sorted(probabilities)[-k:]))


def choose_k(scores: Sequence[float], labels: Sequence[int], series: Sequence[Hashable], most: int = MAX_K) -> int:
    """The `k` of `series_score`, 1 to `most`, that best tells validation series with and without hemorrhage apart.

    `scores` are probabilities of slices, `labels` theirs (1: hemorrhage), `series` the series of each. A series has a
    hemorrhage where one of its slices has. Best is the highest AUC over series; of equals the least Brier score, then
    the smallest k.

    Raises:
        HemotkError: one kind of series is missing.
        ValueError: sequences of different lengths, or `most` below 1.
    """
    if most < 1:
        raise ValueError("most must be 1 or more")
    slices: dict[Hashable, list[float]] = defaultdict(list)
    truth: dict[Hashable, int] = defaultdict(int)
    for score, label, name in zip(scores, labels, series, strict=True):
        slices[name].append(float(score))
        truth[name] = max(truth[name], int(label))
    wanted = np.array([truth[name] for name in slices])
    if len(set(wanted.tolist())) < 2:
        raise HemotkError("validation: k is chosen on series with and without hemorrhage; one kind is missing there.")

    def badness(k: int) -> tuple[float, float, int]:
        scores_of = np.array([series_score(values, k) for values in slices.values()])
        return -round(auc(wanted, scores_of), 12), round(float(np.mean((scores_of - wanted) ** 2)), 12), k

    return min(range(1, most + 1), key=badness)


def _natural(path: Path) -> list[tuple[int, str]]:
    """'s10' after 's9': digits by their value, anything else as text."""
    parts = re.split(r"(\d+)", path.as_posix())
    return [(int(part) if part.isdecimal() else -1, part) for part in parts]

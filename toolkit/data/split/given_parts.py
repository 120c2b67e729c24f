"""A split with the parts that a table or folders give, and the leaks between them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hemotk.artifacts import PARTS, Part
from hemotk.data.scan.found import FoundFolder
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.split.dealing import Counts, deal
from hemotk.data.split.grouping import Grouped, class_counts, same
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from hemotk.data.split.make import SplitConfig


def keep_parts(scanned: FoundFolder, grouped: Grouped, config: "SplitConfig") -> tuple[Grouped, dict[str, Part]]:
    """The groups of `scanned`, and the part of each as given; near duplicates in two parts are no group any more.

    Where no validation or no test part is given, one is dealt from the training part.

    Raises:
        HemotkError: no training part is given, or a patient or a picture lies in two parts.
    """
    given: list[Part] = [image.part for image in scanned.images if image.part is not None]
    if "train" not in given:
        raise HemotkError(f"{scanned.folder}: gives no training part; name one 'train', or deal the parts anew.")
    _check_leaks(scanned, grouped, given)
    apart = _apart(grouped, given)
    parts = dict(zip(apart.groups, given, strict=True))
    counts = class_counts([image.label for image in scanned.images], apart.groups)
    missing: tuple[tuple[Part, float], ...] = (("test", config.test), ("validation", config.validation))
    for part, share in missing:
        if part not in given:
            train = {name: count for name, count in counts.items() if parts[name] == "train"}
            parts.update(dict.fromkeys(_share_of(train, share, config.seed), part))
    return apart, parts


def _share_of(train: Counts, share: float, seed: int) -> list[str]:
    """Groups with `share` of the images of `train`, of both classes."""
    totals = np.sum(list(train.values()), axis=0)
    taken = np.maximum(np.rint(share * totals), 1)
    dealt = deal(train, np.stack([totals - taken, taken]), seed)
    return [name for name, row in dealt.items() if row]


def _check_leaks(scanned: FoundFolder, grouped: Grouped, given: Sequence[Part]) -> None:
    paths = [image.path for image in scanned.images]
    pixels = [one.pixels if one else None for one in grouped.prints]
    grouped_patients = grouped.grouping != "none"
    patients = [image.patient if grouped_patients else None for image in scanned.images]
    problems = []
    for what, keys in (("patient", patients), ("picture", pixels)):
        leaks = [members for members in same(keys) if len({given[index] for index in members}) > 1]
        leaks = [members for members in leaks if len({grouped.groups[index] for index in members}) == 1]
        if leaks:
            test = sum(given[index] == "test" for members in leaks for index in members)
            shown = listed([f"{paths[members[0]]} … {paths[members[-1]]}" for members in leaks])
            problems.append(f"{counted(len(leaks), what)} in several ({counted(test, 'test image')}): {shown}")
    if problems:
        raise HemotkError(
            f"{scanned.folder}: its given parts share {'; and '.join(problems)}; a test on them would be worth "
            "nothing: correct the parts, or deal them anew with ‹resplit›."
        )


def near_leaks(grouped: Grouped, given: Sequence[Part]) -> list[str]:
    """The groups that lie in several parts; after `keep_parts` let them pass these are of near duplicates."""
    parts: dict[str, set[Part]] = {}
    for name, part in zip(grouped.groups, given, strict=True):
        parts.setdefault(name, set()).add(part)
    return [name for name, inside in parts.items() if len(inside) > 1]


def _apart(grouped: Grouped, given: Sequence[Part]) -> Grouped:
    """Groups that lie in several parts, which near duplicates alone may, taken apart by part."""
    split = set(near_leaks(grouped, given))
    names = [f"{name}-{part}" if name in split else name for name, part in zip(grouped.groups, given, strict=True)]
    sizes = Counter(names)
    reasons = {name: why for name, why in grouped.reasons.items() if name not in split}
    for name in split:
        pieces = (f"{name}-{part}" for part in PARTS)
        reasons.update({piece: grouped.reasons[name] for piece in pieces if sizes[piece] > 1})
    return replace(grouped, groups=tuple(names), reasons=reasons)

"""Near duplicates gathered into groups, without long chains of weak links."""

from collections.abc import Sequence

import numpy as np

from hemotk.data.duplicates.find import Pair

_PER_FACTOR = 0.03  # by how much artanh of the similarity must exceed the least, per factor e in size


def link(
    pairs: Sequence[Pair], start: Sequence[int], known: Sequence[bool] | None = None
) -> tuple[list[int], list[Pair]]:
    """Join the groups `start` (a number per image) along `pairs`: the new numbers, and the pairs that joined two.

    Strongest pairs first. Two groups are joined by their strongest pair, which must be the more similar the larger the
    smaller of them is: a wrong pair would then bind the more unrelated images together. So a weak pair adds a single
    image to a group, but does not chain whole series of different heads. Two groups that both hold an image whose
    patient is `known` are never joined: who the patients are counts more than what looks alike.
    """
    home = list(start)
    members: dict[int, list[int]] = {}
    for image, group in enumerate(home):
        members.setdefault(group, []).append(image)
    named = {home[image] for image, is_known in enumerate(known or ()) if is_known}
    used = []
    for pair in sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second)):
        one, two = home[pair.first], home[pair.second]
        if one == two or (one in named and two in named):
            continue
        if pair.similarity < needed(min(len(members[one]), len(members[two])), pair.least):
            continue
        for image in members[two]:
            home[image] = one
        members[one] += members.pop(two)
        if two in named:
            named.add(one)
        used.append(pair)
    return home, used


def needed(smaller: int, least: float) -> float:
    """The least similarity of the pair that joins a group of `smaller` images to one at least as large.

    `least` is what joins two single images.
    """
    return float(np.tanh(np.arctanh(least) + _PER_FACTOR * np.log(smaller)))

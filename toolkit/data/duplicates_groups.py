"""Near duplicates gathered into groups, without long chains of weak links."""

from collections.abc import Sequence

import numpy as np

from hemotk.data.duplicates import NEAR, Pair

_PER_FACTOR = 0.01  # by how much artanh of the similarity must exceed the least, per factor e of comparisons


def link(pairs: Sequence[Pair], start: Sequence[int]) -> tuple[list[int], list[Pair]]:
    """Join the groups `start` (a number per image) along `pairs`: the new numbers, and the pairs that joined two.

    Strongest pairs first. Two groups of a and b images are joined by their strongest pair alone, and that is the best
    of a·b comparisons: it must exceed the least similarity the more, the larger a·b. So unrelated heads that happen
    to look alike do not chain whole groups together.
    """
    home = list(start)
    members: dict[int, list[int]] = {}
    for image, group in enumerate(home):
        members.setdefault(group, []).append(image)
    used = []
    for pair in sorted(pairs, key=lambda pair: (-pair.similarity, pair.first, pair.second)):
        one, two = home[pair.first], home[pair.second]
        if one == two or pair.similarity < needed(len(members[one]) * len(members[two])):
            continue
        for image in members[two]:
            home[image] = one
        members[one] += members.pop(two)
        used.append(pair)
    return home, used


def needed(comparisons: int) -> float:
    """The least similarity of two groups' strongest pair, out of so many, that joins them."""
    return float(np.tanh(np.arctanh(NEAR) + _PER_FACTOR * np.log(comparisons)))

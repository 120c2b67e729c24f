"""Whole groups dealt to parts, near the wanted numbers of both classes."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Counts = Mapping[str, tuple[int, int]]


def deal(counts: Counts, targets: np.ndarray, seed: int) -> dict[str, int]:
    """Give each group (name → images of label 0, of label 1) to one of the P parts; `targets` is [P, 2].

    Groups come in random order, larger ones first, and each goes where the most is still missing, class by class
    relative to the part's target; with single images whole targets are met exactly. Where that leaves a part without
    a class, groups go first to parts that lack one of their classes.
    """
    names = sorted(counts)
    order = np.random.default_rng(seed).permutation(len(names))
    shuffled = [names[index] for index in order]
    shuffled.sort(key=lambda name: -sum(counts[name]))
    images = [counts[name] for name in shuffled]
    for lacking_first in (False, True):
        parts, held = _dealt(images, targets.astype(float).tolist(), lacking_first)
        if all(map(all, held)):
            break
    return dict(zip(shuffled, parts, strict=True))


def _dealt(
    images: Sequence[tuple[int, int]], targets: list[list[float]], lacking_first: bool
) -> tuple[list[int], list[list[int]]]:
    """The part of each group, and how much each part then holds [P, 2].

    It uses plain numbers, since there may be a million groups: arrays of three parts are ten times as slow.
    """
    held = [[0, 0] for _ in targets]
    rows = range(len(targets))
    parts = []
    for normal, hemorrhage in images:
        need = [
            normal * (want[0] - has[0]) / max(want[0], 1) + hemorrhage * (want[1] - has[1]) / max(want[1], 1)
            for want, has in zip(targets, held, strict=True)
        ]
        choice: Iterable[int] = rows
        if lacking_first:
            lacks = [(not has[0] and normal > 0) + (not has[1] and hemorrhage > 0) for has in held]
            choice = [row for row in rows if lacks[row] == max(lacks)]
        best = max(choice, key=need.__getitem__)
        held[best][0] += normal
        held[best][1] += hemorrhage
        parts.append(best)
    return parts, held

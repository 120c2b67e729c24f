"""How alike pictures of different sets are, and how many changed copies are found at the threshold for two sets.

    python studies/between_sets.py SPLIT SPLIT … [--copies 250] [--seed 0]

Prints Markdown. Pairs below 0.82 are not listed.
"""

import argparse
from itertools import combinations
from pathlib import Path

import numpy as np
from planted_copies import CHANGES

from hemotk.artifacts import SplitManifest
from hemotk.data.duplicates import find
from hemotk.data.duplicates.view import view
from hemotk.data.read.preprocess import load_gray
from hemotk.data.split.likeness import Viewed, viewed

LISTED = 0.82


def copies_found(split: SplitManifest, count: int, random: np.random.Generator) -> tuple[int, dict[str, float]]:
    """Of how many slices with brain copies were made, and the share of them that is found, by kind of change."""
    hits: dict[str, list[bool]] = {change.__name__: [] for change in CHANGES}
    slices = 0
    for place in random.choice(len(split.items), min(count, len(split.items)), replace=False):
        gray = load_gray(split.root() / split.items[place].path, hu_offset=split.hu_offset)
        one = view(gray)
        if one.tissue < find.ENOUGH_TISSUE:
            continue
        slices += 1
        for change in CHANGES:
            hits[change.__name__].append(bool(find.near_duplicates_between([one], [view(change(gray, random))])))
    return slices, {name: float(np.mean(found)) for name, found in hits.items()}


def main() -> None:
    """Compare and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("splits", nargs="+", type=Path)
    parser.add_argument("--copies", type=int, default=250)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    splits = {path.stem: SplitManifest.read(path) for path in given.splits}
    random = np.random.default_rng(given.seed)
    print("| set | slices | " + " | ".join(change.__name__ for change in CHANGES) + " |")
    print("|---" * (2 + len(CHANGES)) + "|")
    for name, split in splits.items():
        slices, found = copies_found(split, given.copies, random)
        print(f"| {name} | {slices} | " + " | ".join(f"{share:.3f}" for share in found.values()) + " |", flush=True)
    find.BETWEEN = LISTED  # type: ignore[misc]
    seen: dict[str, Viewed] = {name: viewed(split, split.items) for name, split in splits.items()}
    print("\n| sets | pairs | most similar |\n|---|---|---|")
    for one, two in combinations(splits, 2):
        near = find.near_duplicates_between(seen[one].views, seen[two].views)
        highest = ", ".join(f"{similarity:.3f}" for *_, similarity in sorted(near, key=lambda pair: -pair[2])[:5])
        pairs = len(seen[one].views) * len(seen[two].views)
        print(f"| {one}, {two} | {pairs:,} | {highest or f'none reaches {LISTED}'} |", flush=True)


if __name__ == "__main__":
    main()

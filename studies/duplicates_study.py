"""How many of the near duplicates found are of one patient, and how many planted copies are found.

    python studies/duplicates_study.py FOLDER [FOLDER …] [--copies 100] [--seed 1]

In folders whose table names patients, a pair of two patients is counted as wrong; where a column `patient_known` says
'no', the pair is counted as not known. Pairs that stand beside each other in the list, and so need less, are counted
again. Groups are made as if no patient were known. Copies of `--copies` slices with brain are rescaled, shifted,
windowed, compressed, mirrored, and all but shifted at once; they do not stand beside the slice. Prints Markdown, with
seconds of the processor and the greatest memory of the process so far.
"""

import argparse
import resource
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from planted_copies import CHANGES, Gray

from hemotk.data.duplicates.find import NEAR, REACH, Pair, near_duplicates
from hemotk.data.duplicates.gather import link
from hemotk.data.duplicates.view import view
from hemotk.data.read.preprocess import load_gray
from hemotk.data.read.tissue import BRAIN, soft_tissue_share
from hemotk.data.scan.folder import scan
from hemotk.data.scan.found import FoundFolder, FoundImage


def whose(one: FoundImage, other: FoundImage) -> str:
    """Whether a pair is of 'one' patient, of 'two', or that is 'not known'."""
    if one.patient is None or other.patient is None:
        return "not known"
    if one.patient == other.patient:
        return "one"
    return "not known" if "no" in {one.columns.get("patient_known"), other.columns.get("patient_known")} else "two"


def pairs_of(found: FoundFolder) -> tuple[Pair, ...]:
    """All near duplicates of a folder."""
    with ThreadPoolExecutor(4) as pool:
        views = list(pool.map(lambda image: view(load_gray(found.folder / image.path)), found.images))
    return near_duplicates(views)


def counted(found: FoundFolder, pairs: tuple[Pair, ...]) -> str:
    """How many of the pairs are of one patient, of two, and of patients not known."""
    counts = Counter(whose(found.images[pair.first], found.images[pair.second]) for pair in pairs)
    return ", ".join(f"{counts[word]} {word}" for word in ("one", "two", "not known"))


def groups_of(found: FoundFolder, pairs: tuple[Pair, ...]) -> tuple[int, int, int]:
    """With no patient known: how many groups, and how many images lie in one of several and in one of two patients."""
    home, _ = link(pairs, range(len(found.images)))
    members: dict[int, list[str | None]] = {}
    for group, image in zip(home, found.images, strict=True):
        members.setdefault(group, []).append(image.patient)
    several = sum(len(inside) for inside in members.values() if len(inside) > 1)
    return len(members), several, sum(len(inside) for inside in members.values() if len(set(inside)) > 1)


def recalls(found: FoundFolder, copies: int, random: np.random.Generator) -> dict[str, float]:
    """The share of planted copies that are found, by what was done to them."""
    pictures: list[Gray] = []
    for index in random.permutation(len(found.images)):
        gray = load_gray(found.folder / found.images[index].path)
        if soft_tissue_share(gray) >= BRAIN:
            pictures.append(gray)
        if len(pictures) == copies:
            break
    between = [view(np.zeros((16, 16), np.uint8))] * REACH
    return {
        change.__name__: float(
            np.mean([bool(near_duplicates([view(gray), *between, view(change(gray, random))])) for gray in pictures])
        )
        for change in CHANGES
    }


def main() -> None:
    """Print two lines for each folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--copies", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    for folder in asked.folders:
        found, started = scan(folder), time.process_time()
        pairs = pairs_of(found)
        seconds, peak = time.process_time() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"- {folder.name}: {len(found.images)} images, {seconds:.0f} s, {peak:.0f} MB")
        strict = tuple(pair for pair in pairs if pair.similarity >= NEAR)
        beside = tuple(pair for pair in pairs if pair.beside)
        for words, some in (("all", pairs), (f"of {NEAR} or more", strict), ("beside each other", beside)):
            print(f"  pairs by patient, {words}: {counted(found, some)}")
            if some is not beside:
                groups, several, mixed = groups_of(found, some)
                print(f"    {groups} groups; {several} images in groups of several, {mixed} in groups of two patients")
        shares = recalls(found, asked.copies, np.random.default_rng(asked.seed))
        mean = np.mean(list(shares.values()))
        print(f"  copies found: {', '.join(f'{name} {value:.2f}' for name, value in shares.items())}; mean {mean:.3f}")


if __name__ == "__main__":
    main()

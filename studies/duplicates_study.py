"""How many of the near duplicates found are of one patient, and how many planted copies are found.

    python studies/duplicates_study.py FOLDER [FOLDER …] [--copies 100] [--seed 1]

In folders whose table names patients, a pair of two patients is counted as wrong; where a column `patient_known` says
'no', the pair is counted as not known. Copies of `--copies` slices with brain are rescaled, shifted, windowed,
compressed, mirrored, and all but shifted at once. Prints Markdown, with seconds of the processor and the greatest
memory of the process so far.
"""

import argparse
import resource
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from planted_copies import CHANGES, Gray

from hemotk.data.duplicates.find import Pair, near_duplicates
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


def recalls(found: FoundFolder, copies: int, random: np.random.Generator) -> dict[str, float]:
    """The share of planted copies that are found, by what was done to them."""
    pictures: list[Gray] = []
    for index in random.permutation(len(found.images)):
        gray = load_gray(found.folder / found.images[index].path)
        if soft_tissue_share(gray) >= BRAIN:
            pictures.append(gray)
        if len(pictures) == copies:
            break
    return {
        change.__name__: float(
            np.mean([bool(near_duplicates([view(gray), view(change(gray, random))])) for gray in pictures])
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
        counts = Counter(whose(found.images[pair.first], found.images[pair.second]) for pair in pairs)
        said = ", ".join(f"{counts[word]} {word}" for word in ("one", "two", "not known"))
        print(f"- {folder.name}: {len(found.images)} images, pairs by patient: {said}; {seconds:.0f} s, {peak:.0f} MB")
        shares = recalls(found, asked.copies, np.random.default_rng(asked.seed))
        mean = np.mean(list(shares.values()))
        print(f"  copies found: {', '.join(f'{name} {value:.2f}' for name, value in shares.items())}; mean {mean:.3f}")


if __name__ == "__main__":
    main()

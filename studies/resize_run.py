"""A copy of a run that takes pictures of another size: the same weights, for figures at a second size.

python studies/resize_run.py RUN SIZE OUT

A DenseNet averages over all positions at its end, so its weights fit any size; how well it classifies there is another
question.
"""

import argparse
import dataclasses
import shutil
from pathlib import Path

from hemotk.artifacts import RUN_CARD, RunCard


def resize_run(run: Path, size: int, out: Path) -> None:
    """Copy the run folder and set the size in its card."""
    shutil.copytree(run, out)
    card = RunCard.read(out / RUN_CARD)
    spec = dataclasses.replace(card.preprocess, size=size)
    dataclasses.replace(card, preprocess=spec).write(out / RUN_CARD, overwrite=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("size", type=int)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    resize_run(asked.run, asked.size, asked.out)


if __name__ == "__main__":
    main()

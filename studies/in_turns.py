"""Times all models of some bundles in turns, one thread, on real images, and beside the first model.

    python studies/in_turns.py samples.json BUNDLE…

All bundles take pictures as the first one does; those of its test set are shown. Raw samples go to samples.json.
"""

import json
from pathlib import Path

import click
import numpy as np
from common import latency

from hemotk.files import write_bytes
from hemotk.store.bundle import StoredBundle, open_with_testset


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.argument("folders", metavar="BUNDLE...", nargs=-1, required=True, type=click.Path(path_type=Path))
def main(out: Path, folders: tuple[Path, ...]) -> None:
    """Time, print and keep."""
    bundles = [open_with_testset(folders[0]), *(StoredBundle.open(folder) for folder in folders[1:])]
    models = {f"{each.name} {variant.kind}": each.path(variant) for each in bundles for variant in each.card.variants}
    found = latency(models, np.load(bundles[0].images, mmap_mode="r"), bundles[0].card.preprocess)
    first = next(iter(found.values()))["median_ms"]
    for name, timed in found.items():
        fastest = np.percentile(timed["samples_ns"], 10) / 1e6
        print(f"{name:40} {timed['median_ms']:8.3f} ms, fastest tenth {fastest:8.3f}  {timed['median_ms'] / first:.4f}")
    write_bytes(out, json.dumps(found).encode(), overwrite=True)


if __name__ == "__main__":
    main()

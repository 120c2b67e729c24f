"""Pack the pictures of several splits into one small folder: pixels as hemotk reads them, and a table of what they are.

    PYTHONPATH=studies python -m transfer.pack OUT NAME=SPLIT... [--size 160]

SPLIT is a split file, or the folder of a cross-validation. Writes OUT/pictures.zip (lossless) and OUT/pictures.json.
"""

import argparse
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from hemotk.artifacts import PreprocessSpec, SplitItem, SplitManifest
from hemotk.data.read.pipeline import load_items
from hemotk.data.read.tissue import soft_tissue_share


def items_of(source: Path) -> tuple[Path, list[tuple[SplitItem, str]]]:
    """The image folder, and each image with its part; in a cross-validation the fold that tests it."""
    if source.is_file():
        split = SplitManifest.read(source)
        return split.root(), [(item, item.part) for item in split.items]
    folds = [SplitManifest.read(path) for path in sorted(source.glob("fold*.json"))]
    return folds[0].root(), [(item, f"fold{fold.fold}") for fold in folds for item in fold.part("test")]


def main() -> None:
    """Read, pack, and say how many."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("splits", nargs="+", metavar="NAME=SPLIT")
    parser.add_argument("--size", type=int, default=160)
    given = parser.parse_args()
    given.out.mkdir(parents=True)
    rows: list[dict[str, Any]] = []
    with zipfile.ZipFile(given.out / "pictures.zip", "w", zipfile.ZIP_STORED) as packed:
        for told in given.splits:
            name, _, source = told.partition("=")
            root, items = items_of(Path(source))
            pixels, _ = load_items([item for item, _ in items], root, PreprocessSpec(given.size))
            for picture, (item, part) in zip(pixels, items, strict=True):
                row = {
                    "set": name,
                    "path": f"{root.name}/{item.path}",
                    "label": item.label,
                    "group": item.group,
                    "part": part,
                }
                rows.append({**row, "tissue": round(soft_tissue_share(picture), 4)})
                packed.writestr(f"{len(rows) - 1}.webp", _lossless(picture))
            print(f"{name}: {len(items)} pictures")
    (given.out / "pictures.json").write_text(json.dumps(rows))


def _lossless(picture: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "WEBP", lossless=True, quality=80)
    return stream.getvalue()


if __name__ == "__main__":
    main()

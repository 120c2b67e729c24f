"""What Python's interpreter says about every image of a bundle's test split, byte for byte.

Run as `python write_expected.py BUNDLE FILE`; FILE gets, by model file, the bytes of each output in hexadecimal digits.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray

from hemotk.artifacts import BundleCard, Variant
from hemotk.benchmarks.testset import open_bundle
from hemotk.files import sha256_bytes


def main(folder: Path, out: Path) -> None:
    """Run every variant that the app can run."""
    bundle = open_bundle(folder)
    images = np.load(bundle.images)
    ids = [item.id for item in bundle.items]
    models = {
        variant.file: answers(folder / variant.file, bundle.card, variant, images, ids)
        for variant in bundle.card.variants
        if variant.input.dtype in ("uint8", "float32")
    }
    out.write_text(json.dumps(models), encoding="utf-8")


def answers(
    file: Path, card: BundleCard, variant: Variant, images: NDArray[np.uint8], ids: list[str]
) -> list[dict[str, str]]:
    """One entry per image: its id, the checksum of its bytes, and the bytes of each output."""
    spec = card.preprocess
    network = (spec.scale * (np.arange(256) - spec.zero_point)).astype(np.float32)
    runner = Interpreter(str(file), num_threads=1).get_signature_runner()
    found = []
    for name, image in zip(ids, images, strict=True):
        stored = image if variant.input.dtype == "uint8" else network[image]
        outputs: dict[str, Any] = runner(**{variant.input.name: stored[np.newaxis, :, :, np.newaxis]})
        said = {output: values.tobytes().hex() for output, values in outputs.items()}
        found.append({"id": name, "input_sha256": sha256_bytes(image.tobytes()), **said})
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

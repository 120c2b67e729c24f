"""Bundles that an app can use, on tiny models."""

import functools
import json
from dataclasses import replace

import numpy as np
from mean_models import SIZE, mean_model
from written_artefacts import SPEC, UINT8

from hemotk.artifacts import BUNDLE_CARD, GOLDEN_FILE, BundleCard, TensorSpec
from hemotk.data.phantom.draw import draw_slice
from hemotk.files import sha256_bytes, sha256_file

OUT = ("uint8", 0.125, 128)


@functools.cache
def drawn():
    """Four slices, as export draws them."""
    return {f"picture_{index}": draw_slice(3, index, hemorrhage=bool(index % 2)) for index in range(4)}


def complete(folder, content=None, outputs="uint8", **changes):
    """Put an int8 model, what checked it, and a golden file into the bundle."""
    content = mean_model(*UINT8, out=OUT) if content is None else content
    (folder / "int8.tflite").write_bytes(content)
    (folder / "checks.json").write_text(json.dumps([{"kind": "float32"}, {"kind": "int8"}]))
    np.savez(folder / GOLDEN_FILE, pixels=np.zeros((1, SIZE, SIZE), np.uint8), **drawn())
    (folder / "MODEL_CARD.md").write_text("# A card\n")
    card = BundleCard.read(folder / BUNDLE_CARD)
    pixels = TensorSpec("pixels", "uint8", (1, SIZE, SIZE, 1), float(np.float32(SPEC.scale)), SPEC.zero_point)
    scale, zero_point = OUT[1:] if outputs == "uint8" else (0.0, 0)
    specs = tuple(TensorSpec(name, outputs, (1, 1, 1, 1), scale, zero_point) for name in ("logit", "probability"))
    model = replace(card.variants[1], sha256=sha256_bytes(content), bytes=len(content), input=pixels, outputs=specs)
    files = {name: sha256_file(folder / name) for name in ("labels.txt", "checks.json", GOLDEN_FILE, "MODEL_CARD.md")}
    facts = {"variants": (card.variants[0], model), "files": files, **changes}
    replace(card, **facts).write(folder / BUNDLE_CARD)

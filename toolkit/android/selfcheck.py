"""The golden set of an app: files, the pixels they become, and the model's outputs, for a phone to check itself by."""

import io
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import GOLDEN_FILE, BundleCard, PreprocessSpec, Variant
from hemotk.data.read.preprocess import load_pixels
from hemotk.tflite.scorer import Scorer
from hemotk.tflite.tolerance import MAP_STEPS, drawn_tolerance

SELFCHECK = "selfcheck.json"
SCHEMA = "hemotk.selfcheck/1"
PIXELS = "pixels.npy"
# Greatest difference of a network's pixel: PNG is decoded by the app's own code, JPEG by the phone's.
PNG_LEVELS, JPEG_LEVELS = 0, 2
_ORIENTATION = 0x0112


@dataclass(frozen=True)
class Encoded:
    """A picture as a file, and by how many levels of 255 a phone's pixels may differ from ours."""

    file: str
    content: bytes
    levels: int


def golden_set(bundle: Path, model: Variant, card: BundleCard) -> dict[str, bytes]:
    """The files of the golden set by name, of the drawn pictures in `bundle` and of its `model`.

    `card` is the one that goes into the app: what it says of thresholds and labels is held to its checksum there.
    """
    spec = card.preprocess
    with np.load(bundle / GOLDEN_FILE) as golden:
        pictures = [golden[name] for name in sorted(golden) if name.startswith("picture_")]
    files = [_encoded(index, picture) for index, picture in enumerate(pictures)]
    pixels = np.stack([_decoded(file, spec) for file in files])
    scorer = Scorer((bundle / model.file).read_bytes(), spec)
    logits, maps = [], []
    for image in pixels:
        logits.append(scorer.score(image).logit)
        maps.append(scorer.cam().ravel().tolist() if scorer.has_cam else [])
    outputs = {output.name: output for output in model.outputs}
    # The card's tolerance is wider, since it holds for real pictures too; on these drawn ones it would hide a fault.
    said: dict[str, Any] = {
        "schema": SCHEMA,
        "model": model.sha256,
        "card": card.sha256(),
        "tolerance": drawn_tolerance(outputs["logit"], logits),
        "map_tolerance": drawn_tolerance(outputs["cam"], [value for cam in maps for value in cam], MAP_STEPS)
        if scorer.has_cam
        else 1.0,
        "pictures": [
            {"file": file.file, "levels": file.levels, "logit": logit, "map": cam}
            for file, logit, cam in zip(files, logits, maps, strict=True)
        ],
    }
    stream = io.BytesIO()
    np.save(stream, pixels)
    written = {file.file: file.content for file in files}
    return {**written, PIXELS: stream.getvalue(), SELFCHECK: json.dumps(said, indent=1).encode()}


def _encoded(index: int, picture: NDArray[np.uint8]) -> Encoded:
    """The uint8 picture [height, width] as a file, by turns as gray PNG, PNG with opacity, gray and colour JPEG."""
    image, form = Image.fromarray(picture), index % 4
    stream = io.BytesIO()
    if form == 0:
        image.save(stream, "PNG")
    elif form == 1:
        image.convert("RGBA").rotate(30).save(stream, "PNG")
    elif form == 2:
        image.save(stream, "JPEG", quality=95)
    else:
        turned = Image.Exif()
        turned[_ORIENTATION] = 6
        image.convert("RGB").save(stream, "JPEG", quality=90, exif=turned)
    kind, levels = ("png", PNG_LEVELS) if form < 2 else ("jpg", JPEG_LEVELS)
    return Encoded(f"{index}.{kind}", stream.getvalue(), levels)


def _decoded(file: Encoded, spec: PreprocessSpec) -> NDArray[np.uint8]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file.file
        path.write_bytes(file.content)
        return load_pixels(path, spec)

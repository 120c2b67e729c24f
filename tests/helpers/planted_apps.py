"""An app that feeds a bundle, written apart from hemotk's own code, with one mistake planted if asked."""

import base64
import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

SCALE, ZERO = 1 / (255 * 0.226), 115
STEPS = ("gray", "pixels", "tensor", "logit", "probability", "verdict")


def gray(image: Image.Image, mistake: str) -> np.ndarray:
    colours = np.asarray(image.convert("RGB")).astype(int)
    if mistake == "bgr":
        colours = colours[..., ::-1]
    if mistake == "mean":
        return np.rint(colours.mean(axis=2)).astype(np.uint8)
    if mistake == "rec709":
        return (0.2126 * colours[..., 0] + 0.7152 * colours[..., 1] + 0.0722 * colours[..., 2] + 0.5).astype(np.uint8)
    found = (colours @ np.array([19595, 38470, 7471]) + 32768) >> 16
    if mistake == "gamma":
        found = 255 * (found / 255) ** (1 / 2.2) + 0.5
    if mistake == "inverted":
        found = 255 - found
    if mistake == "dim":
        found = found * 3 // 4
    return found.astype(np.uint8)


def pixels(values: np.ndarray, size: int, mistake: str) -> np.ndarray:
    image = Image.fromarray(values)
    side = max(image.size)
    if mistake == "stretched":
        return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    place = (0, 0) if mistake == "corner" else ((side - image.width) // 2, (side - image.height) // 2)
    if mistake == "odd":
        place = ((side - image.width + 1) // 2, (side - image.height + 1) // 2)
    square = Image.new("L", (side, side), 255 if mistake == "white" else 0)
    square.paste(image, place)
    if mistake == "platform":  # as OpenCV and Android's createScaledBitmap: four neighbours, rounded in another way
        box = (0, 0, side, side)
        return np.asarray(square.transform((size, size), Image.Transform.EXTENT, box, Image.Resampling.BILINEAR))
    others = {"nearest": Image.Resampling.NEAREST, "bicubic": Image.Resampling.BICUBIC, "area": Image.Resampling.BOX}
    how = others.get(mistake, Image.Resampling.BILINEAR)
    found = np.asarray(square.resize((size, size), how))
    if mistake == "rounding":
        return np.maximum(found, 1) - 1
    return found.T if mistake == "transposed" else found


def tensor(values: np.ndarray, kind: str, mistake: str) -> np.ndarray:
    if kind.endswith("int8"):
        return (values.astype(int) - 128).astype(np.int8).view(np.uint8) if mistake == "int8" else values
    real = values.astype(np.float64)
    ways = {"raw": real, "over 255": real / 255, "minus one": real / 127.5 - 1, "no zero": real * SCALE}
    return ways.get(mistake, (real - ZERO) * SCALE).astype(np.float32)


def app(folder: Path, kind: str, mistake: str = "", files: int = 5) -> dict[str, dict[str, Any]]:
    """File → step → value, as an app with that mistake has them."""
    card = json.loads((folder / "bundle.json").read_text("utf-8"))
    size, temperature, threshold = card["preprocess"]["size"], card["temperature"], card["threshold"]
    interpreter = Interpreter(str(folder / f"{kind}.tflite"))
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    outputs = runner.get_output_details()
    found = {}
    for number in range(files):
        file = f"golden_{number}.png"
        seen = gray(Image.open(folder / file), mistake)
        small = pixels(seen, size, mistake)
        stored = tensor(small, kind, mistake)
        said = runner(pixels=np.ascontiguousarray(stored).reshape(1, size, size, 1))

        def real(name: str, said: Mapping = said) -> float:
            scale, zero = outputs[name]["quantization"]
            value = float(said[name].ravel()[0])
            return value if kind.endswith("float32") or mistake == "raw byte" else scale * (value - zero)

        logit = real("probability" if mistake == "other output" else "logit")
        logit = -logit if mistake == "turned" else logit
        probability = 1 / (1 + math.exp(-logit / (1 if mistake == "no temperature" else temperature)))
        probability = 1 - probability if mistake == "other class" else probability
        label = int(probability >= (0.5 if mistake == "half" else threshold))
        label = 1 - label if mistake == "labels" else label
        values = (seen, small, stored, logit, probability, label)
        found[file] = dict(zip(STEPS, values, strict=True))
    return found


def write_outputs(
    path: Path, folder: Path, kind: str, mistake: str = "", *, given: tuple[str, ...] = STEPS, hashed: bool = False
) -> Path:
    """The file of an app that hands over the steps in `given`, bytes as base64 or as checksums."""
    pictures = []
    for file, values in app(folder, kind, mistake).items():
        said: dict[str, Any] = {"file": file}
        for step in given:
            value = values[step]
            if isinstance(value, np.ndarray):
                data = np.ascontiguousarray(value).tobytes()
                coded = hashlib.sha256(data).hexdigest() if hashed else base64.b64encode(data).decode()
                said[f"{step}_sha256" if hashed else step] = coded
            elif step == "verdict":
                said[step] = ("normal", "hemorrhage")[value]
            else:
                said[step] = value
        pictures.append(said)
    body = {"schema": "hemotk.outputs/1", "model": f"{kind}.tflite", "pictures": pictures}
    path.write_text(json.dumps(body), "utf-8")
    return path

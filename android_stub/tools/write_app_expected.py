"""What Python says about a bundle's test split, byte for byte, and about some pictures, for the tests of the app.

Run as `python write_app_expected.py BUNDLE FOLDER`.
"""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from hemotk.artifacts import GOLDEN_FILE, BundleCard, Variant
from hemotk.data.read.preprocess import load_gray
from hemotk.files import sha256_bytes
from hemotk.predict.classify import PictureClassifier, model_of_bundle
from hemotk.store.bundle import open_with_testset

ORIENTATION = 0x0112


def main(folder: Path, out: Path) -> None:
    """Write `expected.json`, `pictures/` with `predictions.json`, and pictures that are refused."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "expected.json").write_text(json.dumps(test_split(folder)), encoding="utf-8")
    (out / "predictions.json").write_text(json.dumps(predictions(folder, out / "pictures")), encoding="utf-8")
    refused(out / "bad")


def refused(folder: Path) -> None:
    """Pictures that the app refuses, each with a sentence of its own."""
    folder.mkdir(exist_ok=True)
    for kind, mode in (("png", "1"), ("jpg", "L")):
        Image.new(mode, (8000, 5001)).save(folder / f"too_large.{kind}")
        Image.new(mode, (15, 100)).save(folder / f"too_small.{kind}")
    frames = [Image.new("L", (40, 40), level) for level in (40, 90, 200)]
    for kind in ("png", "gif", "webp"):
        frames[0].save(folder / f"animated.{kind}", save_all=True, append_images=frames[1:])
    Image.new("CMYK", (40, 40), (10, 20, 30, 40)).save(folder / "cmyk.jpg")
    Image.new("RGBA", (40, 40), (90, 90, 90, 0)).save(folder / "transparent.png")
    Image.new("RGBA", (40, 40), (90, 90, 90, 0)).save(folder / "transparent.webp", lossless=True, exact=True)
    hounsfield = np.random.default_rng(1).integers(1000, 1200, (40, 40)).astype(np.uint16)
    Image.fromarray(hounsfield).save(folder / "deep.png")


def test_split(folder: Path) -> dict[str, list[dict[str, str]]]:
    """By model file what every variant that an app can run says about each image."""
    bundle = open_with_testset(folder)
    images = np.load(bundle.images)
    return {
        variant.file: answers(folder / variant.file, bundle.card, variant, images)
        for variant in bundle.card.variants
        if variant.input.dtype in ("uint8", "float32")
    }


def predictions(folder: Path, pictures: Path) -> dict[str, Any]:
    """By file name what the int8 model says about the bundle's drawn pictures, in several forms."""
    pictures.mkdir(exist_ok=True)
    with np.load(folder / GOLDEN_FILE) as golden:
        drawn = [Image.fromarray(golden[name]) for name in sorted(golden) if name.startswith("picture_")]
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    drawn[0].save(pictures / "gray.png")
    drawn[1].crop((40, 0, 201, 333)).convert("RGB").save(pictures / "colour.png")
    drawn[2].convert("RGBA").rotate(30).save(pictures / "transparent.png")
    drawn[3].save(pictures / "turned.png", exif=turned)
    drawn[0].save(pictures / "gray.jpg", quality=95)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    drawn[1].convert("RGB").save(pictures / "turned.jpg", quality=95, exif=turned, icc_profile=profile)
    drawn[2].convert("RGB").save(pictures / "lossless.webp", lossless=True)
    drawn[2].convert("RGBA").rotate(30).save(pictures / "transparent.webp", lossless=True)
    drawn[3].save(pictures / "plain.gif")
    drawn[0].save(pictures / "plain.bmp")
    drawn[1].resize((1500, 1400)).save(pictures / "large.png")
    Image.fromarray(255 - np.asarray(drawn[0])).save(pictures / "inverted.png")
    # What a phone's own decoder would apply to the levels, and Python does not.
    gamma = PngInfo()
    gamma.add(b"gAMA", (100_000).to_bytes(4, "big"))
    drawn[2].save(pictures / "gamma.png", pnginfo=gamma)
    drawn[3].convert("RGB").save(pictures / "profile.png", icc_profile=profile)
    model = model_of_bundle(folder, "int8")
    classifier = PictureClassifier(model)
    said = {path.name: classifier.classify(path) for path in sorted(pictures.iterdir())}
    return {
        name: {
            **asdict(picture),
            "threshold": model.threshold,
            "gray": sha256_bytes(load_gray(pictures / name).tobytes()),
        }
        for name, picture in said.items()
    }


def answers(file: Path, card: BundleCard, variant: Variant, images: NDArray[np.uint8]) -> list[dict[str, str]]:
    """One entry per image: its number, the checksum of its bytes, and the bytes of each output."""
    spec = card.preprocess
    network = (spec.scale * (np.arange(256) - spec.zero_point)).astype(np.float32)
    runner = Interpreter(str(file), num_threads=1).get_signature_runner()
    found = []
    for row, image in enumerate(images):
        stored = image if variant.input.dtype == "uint8" else network[image]
        outputs: dict[str, Any] = runner(**{variant.input.name: stored[np.newaxis, :, :, np.newaxis]})
        said = {output: values.tobytes().hex() for output, values in outputs.items()}
        found.append({"id": str(row), "input_sha256": sha256_bytes(image.tobytes()), **said})
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

"""What Python says of a bundle's test split, of pictures, a series and damaged files, for the tests of the page.

Run as `python write_expected.py BUNDLE FOLDER`.
"""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from numpy.typing import NDArray
from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

from dicom_files import content, dataset

from hemotk.data.phantom.draw import draw_slice
from hemotk.data.series import in_order
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes
from hemotk.predict.classify import PictureClassifier, model_of_bundle, series_verdict
from hemotk.predict.heatmap import overlay
from hemotk.store.bundle import open_with_testset

SEED = 20_212
DAMAGED = 500
SLICES = 12
LARGE = (8000, 5000)


def main(bundle: Path, out: Path) -> None:
    """Write the files and `expected.json`."""
    out.mkdir(parents=True, exist_ok=True)
    classifier = PictureClassifier(model_of_bundle(bundle, "int8"))
    card = open_with_testset(bundle).card
    model = card.variant("int8")
    assert model is not None
    expected = {
        # A head in float32 rounds in its own way in each runtime; bytes are the same everywhere.
        "tolerance": None if model.outputs[0].dtype == "uint8" else card.tolerance("int8"),
        "testset": test_split(bundle),
        "pictures": pictures(classifier, out / "pictures"),
        "series": series(classifier, out / "series"),
        "large": large(classifier, out / "large"),
        "damaged": damaged(classifier, out / "damaged"),
    }
    (out / "expected.json").write_text(json.dumps(expected), encoding="utf-8")


def test_split(bundle: Path) -> list[dict[str, str]]:
    """The bytes of each output for each image, by the interpreter itself."""
    stored = open_with_testset(bundle)
    variant = stored.card.variant("int8")
    assert variant is not None
    runner = Interpreter(str(bundle / variant.file), num_threads=1).get_signature_runner()
    found = []
    for row, image in enumerate(np.load(stored.images)):
        outputs: dict[str, Any] = runner(**{variant.input.name: image[np.newaxis, :, :, np.newaxis]})
        said = {name: outputs[name].tobytes().hex() for name in ("logit", "probability")}
        found.append({"id": str(row), "input_sha256": sha256_bytes(image.tobytes()), **said})
    return found


def scored(classifier: PictureClassifier, path: Path) -> dict[str, Any]:
    """What `hemotk predict` says of the picture, and the checksum of its heat map."""
    try:
        found = classifier.classify(path)
    except HemotkError:
        return {"error": True}
    drawn = overlay(classifier.gray, classifier.cam(), classifier.model.preprocess.size)
    rgba = np.dstack([drawn, np.full(drawn.shape[:2], 255, np.uint8)])
    return {
        "logit": found.logit,
        "probability": found.probability,
        "verdict": found.verdict,
        "doubts": len(found.doubts),
        "heatmap": sha256_bytes(rgba.tobytes()),
    }


def pictures(classifier: PictureClassifier, folder: Path) -> dict[str, Any]:
    """Slices as PNG, JPEG and DICOM, turned, in colour, transparent; and what is no slice."""
    folder.mkdir(exist_ok=True)
    drawn = [Image.fromarray(draw_slice(SEED, index, hemorrhage=bool(index % 2))) for index in range(8)]
    turned = Image.Exif()
    turned[0x0112] = 6
    drawn[0].save(folder / "gray.png")
    drawn[1].crop((40, 0, 201, 233)).convert("RGB").save(folder / "colour.png")
    drawn[2].convert("RGBA").rotate(30).save(folder / "transparent.png")
    drawn[3].save(folder / "turned.png", exif=turned)
    drawn[4].save(folder / "gray.jpg", quality=90)
    drawn[5].convert("RGB").save(folder / "colour.jpg", exif=turned, subsampling=2)
    drawn[6].convert("RGB").save(folder / "progressive.jpg", progressive=True)
    (folder / "slice.dcm").write_bytes(content(dataset(hounsfield(np.asarray(drawn[7])))))
    Image.new("L", (100, 100), 128).save(folder / "flat.png")
    Image.fromarray(np.random.default_rng(1).integers(0, 256, (90, 200, 3), np.uint8)).save(folder / "photo.png")
    return {path.name: scored(classifier, path) for path in sorted(folder.iterdir())}


def hounsfield(gray: NDArray[np.uint8]) -> NDArray[Any]:
    """Stored values that the brain window shows as about this gray."""
    return np.rint(gray.astype(float) * 80 / 255).astype(int) + 1024


def series(classifier: PictureClassifier, folder: Path) -> dict[str, Any]:
    """A series whose files are called in another order than its slices lie."""
    folder.mkdir(exist_ok=True)
    names = np.random.default_rng(SEED).permutation(SLICES)
    for place, name in enumerate(names.tolist()):
        stored = hounsfield(draw_slice(SEED, 3, hemorrhage=True, slice_offset=place % 9 - 4))
        made = dataset(
            stored,
            ImagePositionPatient=[0, 0, place * 2.5],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            InstanceNumber=int(name),
        )
        (folder / f"s{name}.dcm").write_bytes(content(made))
    ordered = in_order(sorted(folder.iterdir()))
    predictions = [classifier.classify(path) for path in ordered]
    model = classifier.model
    point = model.series_point() if model.study else model.series_point(3)
    found = series_verdict(model.labels, predictions, point)
    return {
        "order": [path.name for path in ordered],
        "probability": found.probability,
        "verdict": found.verdict,
        "k": found.k,
        "slices": [prediction.probability for prediction in predictions],
    }


def large(classifier: PictureClassifier, folder: Path) -> dict[str, Any]:
    """Pictures of 40 megapixels, the most that is read, and one row more."""
    folder.mkdir(exist_ok=True)
    drawn = Image.fromarray(draw_slice(SEED, 1, hemorrhage=True)).resize(LARGE)
    drawn.save(folder / "gray.png", compress_level=1)
    drawn.convert("RGB").save(folder / "colour.jpg", quality=80)
    drawn.convert("RGBA").save(folder / "clear.png", compress_level=1)
    Image.new("1", (8000, 5001)).save(folder / "too_large.png")
    return {path.name: scored(classifier, path) for path in sorted(folder.iterdir())}


def damaged(classifier: PictureClassifier, folder: Path) -> dict[str, Any]:
    """Files with changed, lost and doubled bytes; those of PNG mostly with their checksums put right again."""
    folder.mkdir(exist_ok=True)
    random = np.random.default_rng(SEED)
    sources = list(originals())
    for index in range(DAMAGED):
        ending, data = sources[index % len(sources)]
        changed = mutated(random, data)
        if ending == "png" and index % 5:
            changed = with_checksums(changed)
        (folder / f"{index:03d}.{ending}").write_bytes(changed)
    return {path.name: scored(classifier, path) for path in sorted(folder.iterdir())}


def originals() -> Iterator[tuple[str, bytes]]:
    """Small whole files of each kind."""
    gray = Image.fromarray(draw_slice(SEED, 1, hemorrhage=True)).resize((90, 110))
    for image, kind, settings in (
        (gray, "PNG", {}),
        (gray, "JPEG", {}),
        (gray.convert("RGBA"), "PNG", {}),
        (gray.convert("RGB"), "JPEG", {"progressive": True}),
        (gray.quantize(16), "PNG", {"bits": 4}),
        (gray.convert("RGB"), "JPEG", {"subsampling": 2, "restart_marker_rows": 1}),
    ):
        stream = io.BytesIO()
        image.save(stream, kind, **settings)
        yield {"PNG": "png", "JPEG": "jpg"}[kind], stream.getvalue()
    plain = dataset(hounsfield(np.asarray(gray)), PixelPaddingValue=1000)
    yield "dcm", content(plain)
    for path in sorted((Path(__file__).parent / "compressed").glob("*signed.dcm")):
        # Python needs a package for the others.
        if path.name.startswith("2000"):
            yield "dcm", path.read_bytes()


def mutated(random: np.random.Generator, data: bytes) -> bytes:
    """The bytes with one to four changes."""
    found = bytearray(data)
    for _ in range(int(random.integers(1, 5))):
        # Headers are short and data long: half of the changes go to the first bytes.
        at = int(random.integers(0, len(found) if random.random() < 0.5 else min(400, len(found))))
        match int(random.integers(0, 5)):
            case 0:
                found[at] ^= 1 << int(random.integers(0, 8))
            case 1:
                found[at] = int(random.integers(0, 256))
            case 2:
                del found[at : at + int(random.integers(1, 9))]
            case 3:
                found[at:at] = found[at : at + int(random.integers(1, 9))]
            case _:
                found[at] = 0xFF
    if random.random() < 0.1:
        del found[int(random.integers(len(found) // 2, len(found) + 1)) :]
    return bytes(found)


def with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have right checksums again, as far as they can be told apart."""
    import struct
    import zlib

    found, at = bytearray(data[:8]), 8
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        body = data[at + 4 : at + 8 + length]
        if len(body) < 4 + length:
            return bytes(found) + data[at:]
        found += struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body))
        at += 12 + length
    return bytes(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

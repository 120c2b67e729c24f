"""What fuzzing begins with: small whole files of every kind, made when they are needed."""

import contextlib
import io
import json
import sys
import warnings
import zipfile
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "toolkit" / "artifacts")]

from artifact_strategies import splits, values  # noqa: E402
from dicom_files import content, dataset, ramp  # noqa: E402
from mean_model import mean_model  # noqa: E402
from targets import KINDS  # noqa: E402

from hemotk.artifacts import SplitManifest  # noqa: E402


def artefact() -> list[bytes]:
    """One of each kind, behind the byte that chooses it."""
    made = []
    for place, kind in enumerate(KINDS):
        with warnings.catch_warnings(), contextlib.suppress(Exception):  # some drawings never fit
            warnings.simplefilter("ignore")
            drawn = splits() if kind is SplitManifest else values(kind)
            made.append(bytes([place]) + drawn.example().to_json())
    return made


def table() -> list[bytes]:
    """Usual separators, encodings and columns."""
    rows = [("id", "hemorrhage", "patient", "split")]
    rows += [(f"{k:03}.png", str(k % 2), f"P{k}", ("train", "val", "test")[k // 2]) for k in range(6)]
    texts = ["\n".join(separator.join(row) for row in rows) for separator in ",;\t"]
    return [*(text.encode() for text in texts), texts[0].encode("utf-16"), ("sep=;\n" + texts[1]).encode()]


def rsna() -> list[bytes]:
    """Two images of six rows."""
    kinds = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
    rows = [f"ID_{name}_{kind},{int(name == 'b')}" for name in "ab" for kind in kinds]
    return ["\n".join(["ID,Label", *rows]).encode()]


def dicom() -> list[bytes]:
    """A slice with preamble, without it, and a wrapped one."""
    whole = content(dataset(ramp(16, 16) + 1024))
    wrapped = content(dataset(ramp(16, 16) % 4096, signed=False, bits=12, intercept="0"))
    return [whole, whole[132:], wrapped]


def picture() -> list[bytes]:
    """Gray of 8 and 16 bits, colours and transparency, in usual formats."""
    gray = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32)
    images = [Image.fromarray((gray % 251).astype(np.uint8)), Image.fromarray(gray * 60)]
    made = []
    for image, kind in (
        (images[0], "PNG"),
        (images[1], "PNG"),
        (images[0], "JPEG"),
        (images[1], "TIFF"),
        (images[0], "BMP"),
        (images[0].convert("LA"), "PNG"),
    ):
        stream = io.BytesIO()
        image.save(stream, kind)
        made.append(stream.getvalue())
    return made


def model() -> list[bytes]:
    """Small .tflite files with and without quantization."""
    return [mean_model(), mean_model("uint8", 1 / 255, 0)]


def keras() -> list[bytes]:
    """An .h5 and a .keras file of one layer."""
    config = {"class_name": "Functional", "config": {"name": "m", "layers": []}}
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["model_config"] = json.dumps(config)
        file.create_group("model_weights").create_dataset("dense/dense/kernel:0", data=np.zeros((2, 1), np.float32))
    weights = io.BytesIO()
    with h5py.File(weights, "w") as file:
        file.create_dataset("layers/dense/vars/0", data=np.zeros((2, 1), np.float32))
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.15.1"}))
        archive.writestr("model.weights.h5", weights.getvalue())
    return [stream.getvalue(), zipped.getvalue()]


SEEDS = {made.__name__: made for made in (artefact, table, rsna, dicom, picture, model, keras)}

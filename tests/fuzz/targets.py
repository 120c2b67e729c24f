"""What is fuzzed: each target takes the bytes of a file and may end in a HemotkError and in nothing else."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from hemotk import artifacts
from hemotk.artifacts.cv import CvReport
from hemotk.data.dicom import is_dicom, load_dicom, was_wrapped, why_no_slice
from hemotk.data.dicom_series import read_header
from hemotk.data.preprocess import load_with_colours
from hemotk.data.rsna import read_labels
from hemotk.data.scan import scan
from hemotk.importing.stored import open_stored
from hemotk.models.shape import DenseNetShape
from hemotk.tflite_metadata import read_files, read_metadata

KINDS = (
    artifacts.SplitManifest,
    artifacts.RunCard,
    artifacts.BundleCard,
    artifacts.TestSetCard,
    artifacts.BenchReport,
    artifacts.AuditReport,
    artifacts.DeviceBench,
    artifacts.SweepReport,
    artifacts.Learned,
    CvReport,
    DenseNetShape,
)
_HOME = Path(tempfile.mkdtemp(prefix="hemotk-fuzz-"))


def _file(data: bytes, name: str) -> Path:
    path = _HOME / name
    path.write_bytes(data)
    return path


def artefact(data: bytes) -> None:
    """The first byte chooses the kind."""
    if data:
        KINDS[data[0] % len(KINDS)].read(_file(data[1:], "artefact.json"))


def table(data: bytes) -> None:
    """A table of labels beside six pictures."""
    folder = _HOME / "pictures"
    if not folder.is_dir():
        folder.mkdir()
        for index in range(6):
            Image.fromarray(np.full((16, 16), 40 * index, np.uint8)).save(folder / f"{index:03}.png")
    (folder / "labels.csv").write_bytes(data)
    scan(folder)


def dicom(data: bytes) -> None:
    """A file that may be DICOM, whole or its header alone."""
    path = _file(data, "slice.dcm")
    is_dicom(_file(data, "slice"))
    why_no_slice(path)
    was_wrapped(path)
    try:
        read_header(path)
    finally:
        load_dicom(path, artifacts.PreprocessSpec(16).window)


def model(data: bytes) -> None:
    """What a .tflite says of itself, without an interpreter."""
    try:
        read_metadata(data)
    finally:
        read_files(data)


def keras(data: bytes) -> None:
    """A Keras file of either form."""
    open_stored(_file(data, "model.h5" if data[:1] == b"\x89" else "model.keras"))


TARGETS: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "artefact": ("every artefact that is one JSON file", artefact),
    "table": ("tables of labels", table),
    "rsna": ("the table of RSNA 2019", lambda data: read_labels(_file(data, "stage_2_train.csv"))),
    "dicom": ("DICOM files", dicom),
    "picture": ("pictures", lambda data: load_with_colours(_file(data, "picture.png"))),
    "model": ("what a .tflite says of itself", model),
    "keras": ("Keras files", keras),
}

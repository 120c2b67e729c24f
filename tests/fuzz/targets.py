"""What is fuzzed: for each reader, files that it takes, and how it is called with others."""

import contextlib
import dataclasses
import io
import json
import os
import signal
import sys
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from artifact_strategies import ARTIFACTS
from dicom_files import content, dataset, ramp
from hypothesis import HealthCheck, Phase, given, settings
from mean_models import Writer, mean_model
from PIL import Image
from torch_files import PROTO, STOP, mapping, tensor, write, write_state
from torch_files import name as torch_name

from hemotk import probing
from hemotk.artifacts import Artifact, SplitManifest
from hemotk.artifacts.pixels import BRAIN
from hemotk.data.read import dicom, dicom_headers
from hemotk.data.read.preprocess import load_gray
from hemotk.data.scan import rsna, rsna_patients
from hemotk.data.scan.folder import scan
from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.importing.pytorch.files import is_torch_file
from hemotk.importing.pytorch.network import read_torch_network
from hemotk.models.shape import densenet
from hemotk.models.weights import read_weights, write_weights
from hemotk.tflite.facts import read_facts
from hemotk.tflite.metadata_schema import read_files, read_metadata

TESTS = Path(__file__).parents[1]
FATAL = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGALRM)
SECONDS = 2  # for a forked reader; what takes longer without hanging is refused here, which loses nothing
IDS = ("ID_000000001", "ID_000000002")
SHAPE = densenet((1,), growth=2)


@dataclass(frozen=True)
class Target:
    """`seeds` makes files that are read well in an empty folder; `read` reads one, in a folder of the target's own."""

    seeds: Callable[[Path], list[bytes]]
    read: Callable[[bytes, Path], object]


def forked(reader: probing.Reader, path: Path, seconds: float) -> str:
    """What `probing.try_reader` does, in a fork of this process.

    A new process takes a third of a second a file, so a minute would try a hundred; a fork takes milliseconds, since
    all is imported. What survives the fork is then read here, where a crash or a hang is a finding.
    """
    number = os.fork()
    if number == 0:
        try:
            for fatal in FATAL:  # libFuzzer would take them for a finding
                signal.signal(fatal, signal.SIG_DFL)
            signal.alarm(SECONDS)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            probing.restrain()
            reader(path)
        except MemoryError:
            os._exit(1)
        except Exception:
            os._exit(0)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return f"exit code {code}" if code else ""


def check(target: Target, data: bytes, folder: Path) -> None:
    """Let the target read `data`; anything but a HemotkError comes through."""
    with contextlib.suppress(HemotkError):
        target.read(data, folder)


def _file(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def _artefacts(_: Path) -> list[bytes]:
    found: list[bytes] = []
    checks = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    for strategy in ARTIFACTS.values():

        @settings(
            max_examples=3, derandomize=True, database=None, phases=[Phase.generate], suppress_health_check=checks
        )
        @given(strategy)
        def keep(artifact: Artifact) -> None:
            found.append(artifact.to_json())

        keep()
    return found


def _read_artefact(data: bytes, folder: Path) -> None:
    path = _file(folder, "artefact.json", data)
    kinds = [kind for kind in ARTIFACTS if kind.SCHEMA.partition("/")[0].encode() in data]
    for kind in kinds or [SplitManifest]:
        try:
            dataclasses.asdict(kind.read(path))  # type: ignore[call-overload]
        except HemotkError:
            continue


def _tables(_: Path) -> list[bytes]:
    plain = b"file,hemorrhage,patient\na.png,0,p1\nb.png,1,p2\nc.png,0,p3\nd.png,1,p4\n"
    numbered = b"id;Intraventricular;Subdural;No_Hemorrhage\r\n1;0;0;1\r\n2;1;0;0\r\n3;0;1;0\r\n4;0;0;1\r\n"
    return [plain, numbered, plain.decode().encode("utf-16"), plain.replace(b",", b"\t")]


def _read_labels(data: bytes, folder: Path) -> None:
    for name in ("a.png", "b.png", "c.png", "d.png", "1.png", "2.png", "3.png", "4.png"):
        if not (folder / name).exists():
            Image.fromarray(np.full((16, 16), 90, np.uint8)).save(folder / name)
    _file(folder, "labels.csv", data)
    scan(folder)


def _rsna(_: Path) -> list[bytes]:
    rows = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
    lines = [f"{name}_{row},{label}" for label, name in enumerate(IDS) for row in rows]
    return ["\n".join(["ID,Label", *lines, ""]).encode(), b"id,patient\n" + f"{IDS[0]},a\n{IDS[1]},b\n".encode()]


def _read_rsna(data: bytes, folder: Path) -> None:
    path = _file(folder, "table.csv", data)
    try:
        rsna.read_labels(path)
    except HemotkError:
        rsna_patients.read_table(path, IDS)


def _models(_: Path) -> list[bytes]:
    packed = io.BytesIO(mean_model("float32", 0.0, 0))
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("labels.txt", "normal\nhemorrhage\n")
    return [mean_model("float32", 0.0, 0), packed.getvalue()]


def _with_metadata(folder: Path) -> list[bytes]:
    content = (TESTS / "toolkit" / "tflite" / "golden_metadata" / "every_field.tflitemeta").read_bytes()
    writer, buffer = Writer(), schema.BufferT()
    buffer.data = np.frombuffer(content, np.uint8)
    writer.model.buffers.append(buffer)
    writer.model.metadata = [schema.MetadataT(b"TFLITE_METADATA", 1)]
    return [writer.bytes(), *_models(folder)]


def _read_metadata(data: bytes, _: Path) -> None:
    try:
        read_metadata(data)
    finally:
        read_files(data)


def _slices(_: Path) -> list[bytes]:
    small = ramp(16, 16) + 1024
    made = [dataset(small), dataset(small, signed=False, PhotometricInterpretation="MONOCHROME1")]
    padded = dataset(small, PixelPaddingValue=-2000, ImagePositionPatient=[0, 0, 1], InstanceNumber=1)
    return [content(one) for one in (*made, padded)]


def _read_slice(data: bytes, folder: Path) -> None:
    path = _file(folder, "slice.dcm", data)
    dicom.is_dicom(_file(folder, "slice", data))
    dicom.why_no_slice(path)
    dicom.was_wrapped(path)
    try:
        dicom_headers.read_header(path)
    finally:
        dicom.load_dicom(path, BRAIN)


def _keras(folder: Path) -> list[bytes]:
    import h5py

    layers = [{"class_name": "InputLayer", "config": {"name": "in", "batch_input_shape": [None, 32, 32, 3]}}]
    layers.append({"class_name": "Dense", "config": {"name": "dense", "units": 1, "activation": "sigmoid"}})
    config = json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": layers}})
    for name, root in (("m.h5", "model_weights/dense/dense"), ("w.h5", "layers/dense/vars")):
        with h5py.File(folder / name, "w") as file:
            file.attrs["model_config"], file.attrs["keras_version"] = config, "2.15.0"
            file[f"{root}/{'kernel:0' if name == 'm.h5' else '0'}"] = np.ones((3, 1), np.float32)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("metadata.json", '{"keras_version": "3.0.0"}')
        archive.write(folder / "w.h5", "model.weights.h5")
    return [(folder / "m.h5").read_bytes(), packed.getvalue()]


def _torch(folder: Path) -> list[bytes]:
    real = [(TESTS / "torch_fixtures" / "timm_gray_bfloat16.safetensors").read_bytes()]  # the least of them
    arrays = {"conv0.weight": np.ones((1, 1, 7, 7)), "norm0.weight": np.ones(1), "classifier.weight": np.ones((1, 1))}
    small = [write_state(folder / f"{old}.pt", arrays, legacy=old) for old in (False, True)]
    pickled = mapping({"model": tensor("0", (1, 1, 7, 7)), "eval": torch_name("builtins", "eval") + b")R"})
    return [*real, *(path.read_bytes() for path in small), PROTO + pickled + STOP]


def _read_torch(data: bytes, folder: Path) -> None:
    path = _file(folder, "m.pt", data)
    config = ImportConfig(normalization="unit")
    with contextlib.suppress(HemotkError):
        read_torch_network(path, config)  # whatever it looks like
    if data[:1] == b"\x80":  # a bare pickle, as it lies in a container that a mutation would break
        read_torch_network(write(folder / "z.pt", data[2:-1], {"0": np.ones(49)}), config)
    elif is_torch_file(path):
        read_network(path, config)


def _pictures(_: Path) -> list[bytes]:
    found = []
    for form, mode in (("PNG", "L"), ("PNG", "RGBA"), ("JPEG", "L"), ("TIFF", "I;16"), ("BMP", "RGB"), ("GIF", "P")):
        stream = io.BytesIO()
        Image.new(mode, (20, 16), 7).save(stream, form)
        found.append(stream.getvalue())
    return found


def _weights(folder: Path) -> list[bytes]:
    write_weights(folder / "w.npz", {name: np.zeros(size) for name, size in SHAPE.arrays().items()})
    return [(folder / "w.npz").read_bytes()]


TARGETS: Mapping[str, Target] = {
    "artefacts": Target(_artefacts, _read_artefact),
    "labels": Target(_tables, _read_labels),
    "rsna": Target(_rsna, _read_rsna),
    "tflite": Target(_models, lambda data, folder: read_facts(_file(folder, "m.tflite", data))),
    "metadata": Target(_with_metadata, _read_metadata),
    "dicom": Target(_slices, _read_slice),
    "keras": Target(_keras, lambda data, folder: read_network(_file(folder, "m.h5", data), ImportConfig())),
    "pictures": Target(_pictures, lambda data, folder: load_gray(_file(folder, "picture", data))),
    "torch": Target(_torch, _read_torch),
    "weights": Target(_weights, lambda data, folder: read_weights(_file(folder, "w.npz", data), SHAPE)),
}

warnings.simplefilter("ignore")

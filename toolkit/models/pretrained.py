"""Given weights to start from: the official Keras ImageNet files, any file in their layout, or another run's."""

import hashlib
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.artifacts import WEIGHTS_FILE
from hemotk.errors import HemotkError
from hemotk.files import unpacked_size
from hemotk.models.shape import APPLICATIONS, Shape
from hemotk.models.weights import check_weights
from hemotk.probing import probe

HEAD = ("hidden", "logit")  # how the arrays that given weights leave as they are begin
_MOST_BYTES = 1_000_000_000  # of all weights together; the largest network has a tenth
_TIMEOUT_SECONDS = 15.0
_ADDRESS = "https://storage.googleapis.com/tensorflow/keras-applications/densenet"


@dataclass(frozen=True)
class _Official:
    """A published weight file without classifier and its MD5, and the MD5 of the same with classifier.

    All are as `tf_keras.applications.densenet` has them.
    """

    file: str
    md5: str
    md5_with_top: str

    def known(self) -> dict[str, str]:
        """The MD5 of both files by their names."""
        return {self.file: self.md5, self.file.replace("_notop", ""): self.md5_with_top}


def _official(arch: str, md5: str, md5_with_top: str) -> _Official:
    return _Official(f"{arch}_weights_tf_dim_ordering_tf_kernels_notop.h5", md5, md5_with_top)


_IMAGENET: Mapping[str, _Official] = {
    "densenet121": _official("densenet121", "30ee3e1110167f948a6b9946edeeb738", "9d60b8095a5708f2dcce2bca79d332c7"),
    "densenet169": _official("densenet169", "b8c4d4c20dd625c148057b9ff1c1176b", "d699b8f76981ab1b30698df4c175e90b"),
    "densenet201": _official("densenet201", "c13680b51ded0fb44dff2d8f86ac8bb1", "1ceb130c1ea1b78c3bf6114dbdfd8807"),
}


def has_imagenet(arch: str) -> bool:
    """Whether there are ImageNet weights that `arch` may start from."""
    return arch in _IMAGENET


def load_pretrained(weights: str, arch: str, shape: Shape) -> dict[str, np.ndarray]:
    """The backbone arrays (float32, without the head) of `weights`: 'imagenet', a run folder, an .npz or an .h5 file.

    A file that is called like an official one must be it, with or without the classifier, which is left out.

    Raises:
        HemotkError: no such file or download, a wrong checksum, or arrays that do not fit `shape`.
    """
    path = _download(arch) if weights == "imagenet" else Path(weights)
    if path.is_dir():
        path = path / WEIGHTS_FILE
    elif path.is_file() and weights != "imagenet":
        _check_official(path, arch)
    arrays = _read_npz(path) if path.suffix == ".npz" else _read_h5(path)
    expected = {name for name in shape.arrays() if not name.startswith(HEAD)}
    backbone = {name: array for name, array in arrays.items() if name in expected}
    if not backbone:
        raise HemotkError(f"‹weights› {path}: holds no layer of {arch}; give a weight file of that architecture.")
    head = {name: np.zeros(size) for name, size in shape.arrays().items() if name.startswith(HEAD)}
    check_weights({**backbone, **head}, shape, path)
    return backbone


def _download(arch: str) -> Path:
    import tf_keras as keras

    if arch in APPLICATIONS:
        raise HemotkError(
            f"‹weights› imagenet: the official {arch} was trained on pictures that are normalized otherwise; use "
            "‹weights› none, or the folder of a run."
        )
    if arch not in _IMAGENET:
        raise HemotkError(
            f"‹weights› imagenet: there is no official file for {arch}; use ‹weights› none, or one of "
            f"{', '.join(_IMAGENET)}."
        )
    official = _IMAGENET[arch]
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_TIMEOUT_SECONDS)
    try:
        return Path(
            keras.utils.get_file(
                official.file, f"{_ADDRESS}/{official.file}", cache_subdir="models", file_hash=official.md5
            )
        )
    except Exception as error:  # get_file raises bare Exception when the download fails
        raise HemotkError(
            f"‹weights› imagenet: {official.file} could not be downloaded with its checksum; fetch it on a machine "
            "with a network and give ‹weights› FILE, or train from scratch with ‹weights› none."
        ) from error
    finally:
        socket.setdefaulttimeout(before)


def _check_official(path: Path, arch: str) -> None:
    """Hold a file that has the name of a published one against its checksum.

    Raises:
        HemotkError: it is that of another network, or was changed or cut short.
    """
    for owner, official in _IMAGENET.items():
        expected = official.known().get(path.name)
        if expected is None:
            continue
        if owner != arch:
            raise HemotkError(
                f"‹weights› {path}: is called like the official file of {owner}, not of {arch}; add ‹arch› {owner}, "
                f"or give the file of {arch}."
            )
        found = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        if found != expected:
            raise HemotkError(
                f"‹weights› {path}: is called like the official file, but has the MD5 {found} instead of {expected}: "
                "it was cut short or changed; fetch it again, or rename it if other weights are meant."
            )


def _read_npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as file:
            _check_size(unpacked_size(file.zip), path)
            return {name: file[name] for name in file.files}
    except HemotkError:
        raise
    except Exception as error:  # a damaged zip raises many kinds
        raise HemotkError(f"‹weights› {path}: cannot be read as a weight file; check the path.") from error


def _read_h5(path: Path) -> dict[str, np.ndarray]:
    if path.is_file():
        probe(open_h5, path)
    try:
        return open_h5(path)
    except HemotkError:
        raise
    except Exception as error:  # h5py raises many kinds for a damaged file
        raise HemotkError(
            f"‹weights› {path}: cannot be read as a Keras weight file (.h5); check the path, and fetch it again if it "
            "was cut short."
        ) from error


def open_h5(path: Path) -> dict[str, np.ndarray]:
    """Arrays of a Keras weight file, as 'layer/variable' without the ':0'; what h5py raises is passed on."""
    import h5py

    arrays: dict[str, Any] = {}
    with h5py.File(path, "r") as file:
        root = file.get("model_weights", file)
        for layer in _texts(root.attrs["layer_names"]):
            for name in _texts(root[layer].attrs["weight_names"]):
                variable = name.rpartition("/")[2].partition(":")[0]
                arrays[f"{layer}/{variable}"] = root[layer][name]
        _check_size(sum(int(array.nbytes) for array in arrays.values()), path)
        return {name: np.asarray(array, np.float32) for name, array in arrays.items()}


def _check_size(size: int, path: Path) -> None:
    if size > _MOST_BYTES:
        raise HemotkError(
            f"‹weights› {path}: unpacks to {size} bytes, more than {_MOST_BYTES // 1_000_000} MB; save the weights "
            "without the optimizer, or copy the file again."
        )


def _texts(values: np.ndarray) -> list[str]:
    return [value.decode() if isinstance(value, bytes) else str(value) for value in values]

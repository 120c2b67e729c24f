"""Given weights to start from: the official Keras ImageNet files, any file in their layout, or another run's."""

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
    """A published weight file and its MD5, both as `tf_keras.applications.densenet` has them."""

    file: str
    md5: str


_IMAGENET: Mapping[str, _Official] = {
    "densenet121": _Official(
        "densenet121_weights_tf_dim_ordering_tf_kernels_notop.h5", "30ee3e1110167f948a6b9946edeeb738"
    ),
    "densenet169": _Official(
        "densenet169_weights_tf_dim_ordering_tf_kernels_notop.h5", "b8c4d4c20dd625c148057b9ff1c1176b"
    ),
    "densenet201": _Official(
        "densenet201_weights_tf_dim_ordering_tf_kernels_notop.h5", "c13680b51ded0fb44dff2d8f86ac8bb1"
    ),
}


def has_imagenet(arch: str) -> bool:
    """Whether there are ImageNet weights that `arch` may start from."""
    return arch in _IMAGENET


def load_pretrained(weights: str, arch: str, shape: Shape) -> dict[str, np.ndarray]:
    """The backbone arrays (float32, without the head) of `weights`: 'imagenet', a run folder, an .npz or an .h5 file.

    Raises:
        HemotkError: no such file or download, a wrong checksum, or arrays that do not fit `shape`.
    """
    path = _download(arch) if weights == "imagenet" else Path(weights)
    if path.is_dir():
        path = path / WEIGHTS_FILE
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
        raise HemotkError(f"‹weights› {path}: cannot be read as a Keras weight file (.h5); check the path.") from error


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

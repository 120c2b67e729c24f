"""A saved Keras model as its configuration and its arrays; nothing in the file is executed."""

import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes, sha256_file, unpacked_size
from hemotk.importing.layers import KerasLayer, check_kind
from hemotk.probing import probe

_MOST_BYTES = 1_000_000_000  # of all weights together; the largest supported network has a tenth

Find = Callable[[Mapping[str, np.ndarray], KerasLayer, int, str], str | None]


class Arrays:
    """The arrays of a saved model; each belongs to one layer and can be read once."""

    def __init__(self, where: Path, arrays: Mapping[str, np.ndarray], find: Find) -> None:
        self._where = where
        self._unread = dict(arrays)
        self._find = find

    def read(self, layer: KerasLayer, *variables: str) -> list[np.ndarray]:
        """Float32 arrays of `layer`, whose variables are `variables` in Keras's order.

        Raises:
            HemotkError: one is not there, was read for another layer, or holds no floating-point numbers.
        """
        return [self._read(layer, number, variable) for number, variable in enumerate(variables)]

    def _read(self, layer: KerasLayer, number: int, variable: str) -> np.ndarray:
        key = self._find(self._unread, layer, number, variable)
        if key is None or key not in self._unread:
            raise HemotkError(
                f"{self._where}: the weights '{variable}' of layer '{layer.name}' ({layer.kind}) are not there; load "
                "the model in the Keras that wrote it, and save it as .h5."
            )
        array = self._unread.pop(key)
        if array.dtype.kind != "f":
            raise HemotkError(
                f"{self._where}: the weights '{variable}' of layer '{layer.name}' are of type {array.dtype}; "
                "save the model before its weights are quantized."
            )
        return array.astype(np.float32)

    def check_all_read(self) -> None:
        """Check that nothing but counters and random states is left.

        Raises:
            HemotkError: an array belongs to no layer that was read, so the file says more than was understood.
        """
        for key, array in self._unread.items():
            if array.dtype.kind == "f" and array.ndim:
                raise HemotkError(
                    f"{self._where}: the array '{key}' belongs to no layer of the network; load the model in the "
                    "Keras that wrote it, and save it as .h5."
                )


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A saved model: configuration as Keras serializes it, arrays, and the file's format in words."""

    config: Mapping[str, Any]
    arrays: Arrays
    format: str


def open_stored(path: Path) -> StoredModel:
    """Read the model at `path`: an .h5 or .keras file of Keras 2 or 3, or a SavedModel folder of Keras 2.

    Raises:
        HemotkError: nothing there, cut short, or without what is needed (weights alone, a SavedModel without Keras's
            description); or HDF5 ends the process on it, or never comes back.
    """
    if not path.exists():
        raise HemotkError(f"{path}: no such file or folder; check the path.")
    try:
        if path.is_dir():
            return _open_folder(path)
        probe(open_file, path)
        return open_file(path)
    except (HemotkError, ImportError):
        raise
    except Exception as error:  # h5py, zipfile and TensorFlow raise many kinds for a damaged file
        raise HemotkError(
            f"{path}: is no saved Keras model (.h5, .keras or SavedModel folder), but something else or cut short; "
            "check the path, or copy it again."
        ) from error


def open_file(path: Path) -> StoredModel:
    """As `open_stored`, an .h5 or .keras file, in this process; what the libraries raise is passed on."""
    return _open_zip(path) if zipfile.is_zipfile(path) else _open_h5(path)


def checksum(path: Path) -> str:
    """SHA-256 of a file, or of the names and checksums of all files in a folder."""
    if path.is_file():
        return sha256_file(path)
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return sha256_bytes(
        "".join(f"{sha256_file(file)} {file.relative_to(path).as_posix()}\n" for file in files).encode()
    )


def _open_h5(path: Path) -> StoredModel:
    import h5py

    with h5py.File(path, "r") as file:
        if "model_config" not in file.attrs:
            raise HemotkError(f"{path}: holds weights without a model; save the whole model with `model.save(…)`.")
        config = _plain(json.loads(file.attrs["model_config"]))
        version = _text(file.attrs.get("keras_version", "2"))
        arrays = dict(_datasets(file["model_weights"], path))
    return StoredModel(config, Arrays(path, arrays, _find_in_h5), f"Keras {version} .h5")


def _find_in_h5(arrays: Mapping[str, np.ndarray], layer: KerasLayer, number: int, variable: str) -> str | None:
    """Below the outermost layer's name lie the variables' own names, which may have prefixes and end in ':0'."""
    top = layer.path[0].name + "/"
    own = f"/{layer.name}/{variable}" if len(layer.path) > 1 else f"/{variable}"
    keys = [key for key in arrays if key.startswith(top) and key[len(top) - 1 :].removesuffix(":0").endswith(own)]
    # A layer 'bn' beside one named 'conv1/bn': the latter's variables end in the same way and are longer.
    return min(keys, key=len, default=None)


def _open_zip(path: Path) -> StoredModel:
    import h5py

    with zipfile.ZipFile(path) as archive:
        _check_size(unpacked_size(archive), path)
        config = _plain(json.loads(archive.read("config.json")))
        version = json.loads(archive.read("metadata.json")).get("keras_version", "")
        weights = io.BytesIO(archive.read("model.weights.h5"))
    with h5py.File(weights, "r") as file:
        if "layers" not in file:
            check_kind(config, path)
            raise HemotkError(f"{path}: is laid out as only Keras {version} did it; load it there and save it as .h5.")
        arrays = dict(_datasets(file["layers"], path))
    return StoredModel(config, Arrays(path, arrays, _find_in_zip), f"Keras {version} .keras")


def _find_in_zip(arrays: Mapping[str, np.ndarray], layer: KerasLayer, number: int, variable: str) -> str | None:
    return "/layers/".join(place.counted for place in layer.path) + f"/vars/{number}"


def _open_folder(path: Path) -> StoredModel:
    if not (path / "saved_model.pb").is_file():
        raise HemotkError(f"{path}: holds no saved_model.pb, so it is no SavedModel; name a .keras or .h5 file.")
    description = path / "keras_metadata.pb"
    if not description.is_file():
        raise HemotkError(
            f"{path}: is a SavedModel without Keras's description of its layers; save the model with "
            "`model.save('model.keras')` instead of exporting it."
        )
    import tensorflow as tf
    from tf_keras.protobuf import saved_metadata_pb2

    metadata = saved_metadata_pb2.SavedMetadata.FromString(description.read_bytes())
    root = json.loads(next(node.metadata for node in metadata.nodes if node.node_path == "root"))
    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    config = _plain({"class_name": root["class_name"], "config": root["config"]})
    arrays = dict(_variables(reader))
    return StoredModel(config, Arrays(path, arrays, _find_in_folder), f"Keras {root['keras_version']} SavedModel")


def _variables(reader: Any) -> Iterator[tuple[str, np.ndarray]]:
    """Every variable of every layer, named by the layers' numbers, such as 'layer-1/layer-3/gamma'."""
    from tensorflow.core.protobuf import trackable_object_graph_pb2

    graph = trackable_object_graph_pb2.TrackableObjectGraph.FromString(
        reader.get_tensor("_CHECKPOINTABLE_OBJECT_GRAPH")
    )
    pending = [("", 0)]
    while pending:
        name, node = pending.pop()
        for child in graph.nodes[node].children:
            if re.fullmatch(r"layer-\d+", child.local_name):
                pending.append((f"{name}{child.local_name}/", child.node_id))
            elif name and (attributes := graph.nodes[child.node_id].attributes):
                yield f"{name}{child.local_name}", np.asarray(reader.get_tensor(attributes[0].checkpoint_key))


def _find_in_folder(arrays: Mapping[str, np.ndarray], layer: KerasLayer, number: int, variable: str) -> str | None:
    return "".join(f"layer-{place.position}/" for place in layer.path) + variable


def _datasets(group: Any, path: Path) -> Iterator[tuple[str, np.ndarray]]:
    """Every array below an HDF5 group, by its path from there; links out of the file are not followed."""
    import h5py

    names: list[str] = []
    group.visit(names.append)
    datasets = [name for name in names if isinstance(group[name], h5py.Dataset)]
    _check_size(sum(int(group[name].nbytes) for name in datasets), path)
    for name in datasets:
        yield name, group[name][()]


def _check_size(size: int, path: Path) -> None:
    if size > _MOST_BYTES:
        raise HemotkError(
            f"{path}: unpacks to {size} bytes, more than {_MOST_BYTES // 1_000_000} MB; save the model without its "
            "optimizer, or copy it again."
        )


def _plain(value: Any) -> Any:
    """JSON with what Keras wraps tuples and arrays in taken off."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value.get("class_name")
    if kind == "__tuple__":
        return _plain(value["items"])
    if kind in ("__tensor__", "__numpy__"):
        return _plain(value["config"]["value"])
    return {key: _plain(item) for key, item in value.items()}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

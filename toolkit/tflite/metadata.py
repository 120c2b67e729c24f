"""The parts of a .tflite's TFLite Metadata that a person wants to know, as data."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemotk.artifacts import LABELS_FILE
from hemotk.errors import HemotkError
from hemotk.tflite.metadata_schema import read_files, read_metadata

Json = Mapping[str, Any]


@dataclass(frozen=True)
class Normalization:
    """The network's input is (pixel − `mean`) / `std`, per channel or one for all; pixels are 0 to 255."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


@dataclass(frozen=True)
class ModelMetadata:
    """A model's description of itself; texts are empty where it has none.

    `normalization` is by input tensor; `thresholds` and `calibration` are by output tensor, the latter as the lines
    `scale,slope,offset` of the packed file. `labels` are the classes' names, class 0 first. `files` are the sizes in
    bytes of what is packed with the model.
    """

    name: str
    version: str
    description: str
    author: str
    license: str
    normalization: Mapping[str, Normalization]
    labels: tuple[str, ...]
    thresholds: Mapping[str, float]
    calibration: Mapping[str, tuple[str, ...]]
    files: Mapping[str, int]


def metadata_of(path: Path) -> ModelMetadata | None:
    """The metadata of the .tflite at `path`; None if it carries none.

    Raises:
        HemotkError: metadata, or a file packed with the model, is damaged.
    """
    content = path.read_bytes()
    said = read_metadata(content, str(path))
    if not said:
        return None
    files = read_files(content, str(path))
    graph: Json = next(iter(said.get("subgraph_metadata", [])), {})
    inputs, outputs = (_by_name(graph.get(f"{end}_tensor_metadata", [])) for end in ("input", "output"))
    normalized = _options(inputs, "NormalizationOptions")
    thresholds = _options(outputs, "ScoreThresholdingOptions")
    return ModelMetadata(
        **{key: said.get(key, "") for key in ("name", "version", "description", "author", "license")},
        normalization={
            name: Normalization(tuple(found.get("mean", ())), tuple(found.get("std", ())))
            for name, found in normalized.items()
        },
        labels=_lines(files, LABELS_FILE, path),
        thresholds={name: found.get("global_score_threshold", 0.0) for name, found in thresholds.items()},
        calibration=_calibration(outputs, files, path),
        files={name: len(data) for name, data in files.items()},
    )


def _by_name(tensors: list[Json]) -> Mapping[str, Json]:
    return {tensor.get("name", f"tensor {index}"): tensor for index, tensor in enumerate(tensors)}


def _options(tensors: Mapping[str, Json], kind: str) -> Mapping[str, Json]:
    """The options of that kind of each tensor that has them."""
    return {
        name: unit.get("options", {})
        for name, tensor in tensors.items()
        for unit in tensor.get("process_units", [])
        if unit.get("options_type") == kind
    }


def _calibration(outputs: Mapping[str, Json], files: Mapping[str, bytes], path: Path) -> Mapping[str, tuple[str, ...]]:
    return {
        name: _lines(files, file.get("name", ""), path)
        for name, tensor in outputs.items()
        for file in tensor.get("associated_files", [])
        if file.get("type") == "TENSOR_AXIS_SCORE_CALIBRATION"
    }


def _lines(files: Mapping[str, bytes], name: str, path: Path) -> tuple[str, ...]:
    try:
        return tuple(files.get(name, b"").decode().splitlines())
    except UnicodeDecodeError as error:
        raise HemotkError(f"{path}: the packed file '{name}' is no UTF-8 text; export the model again.") from error

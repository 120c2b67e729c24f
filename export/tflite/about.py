"""What a .tflite says about itself, in the words of TFLite Metadata (`metadata_schema.fbs`).

Both outputs have one value, which stands for the second class: their axis has one label, and the file with both
classes belongs to the model as a whole. Temperature scaling and threshold are attached to the logit: a uint8
probability has 256 steps, of which the lowest is 0 and stays 0 at any temperature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hemotk.artifacts import LABELS_FILE, PreprocessSpec, TensorSpec, require

AXIS_LABELS_FILE = "probability_labels.txt"
CALIBRATION_FILE = "score_calibration.csv"

# Every parser of the schema knows the fields that are used here.
_PARSER_VERSION = "1.0.0"

Json = dict[str, Any]


@dataclass(frozen=True)
class ModelAbout:
    """Facts about a finished model; `labels` are the names of class 0 and class 1.

    A probability of `threshold` or more, after the logit was divided by `temperature`, is class 1.
    """

    name: str
    version: str
    author: str
    license: str
    arch: str
    kind: str
    labels: tuple[str, str]
    preprocess: PreprocessSpec
    threshold: float
    temperature: float
    intended_use: str = "research, not for diagnosis"

    def __post_init__(self) -> None:
        for field in ("name", "version", "author", "license", "arch", "kind", "intended_use"):
            require(bool(getattr(self, field).strip()), field, "non-empty")
        for label in self.labels:
            require(bool(label.strip()) and len(label.splitlines()) == 1, "labels", "two names of one line each")
        require(0 < self.threshold < 1, "threshold", "between 0 and 1")
        require(0.25 <= self.temperature <= 8, "temperature", "between 0.25 and 8")


def associated_files(about: ModelAbout) -> dict[str, bytes]:
    """The files that are packed with the model, by name.

    The calibration is a line `scale,slope,offset` for each value of the logit, without a line's end: MediaPipe would
    take what follows for a further line.
    """
    return {
        LABELS_FILE: "".join(f"{label}\n" for label in about.labels).encode(),
        AXIS_LABELS_FILE: f"{about.labels[1]}\n".encode(),
        CALIBRATION_FILE: f"1,{1 / about.temperature!r},0".encode(),
    }


def model_metadata(about: ModelAbout, pixels: TensorSpec, outputs: Sequence[TensorSpec]) -> Json:
    """The metadata of a model with that input and those outputs, in the order in which the subgraph has them."""
    size = about.preprocess.size
    return {
        "name": about.name,
        "description": (
            f"{about.arch}, {about.kind}: from a head CT slice of {size}x{size} gray pixels to the probability of "
            f"'{about.labels[1]}' against '{about.labels[0]}'. Intended use: {about.intended_use}."
        ),
        "version": about.version,
        "subgraph_metadata": [
            {
                "input_tensor_metadata": [_pixels(about.preprocess, pixels)],
                "output_tensor_metadata": [_OUTPUTS[output.name](about, output) for output in outputs],
            }
        ],
        "author": about.author,
        "license": about.license,
        "associated_files": [
            _file(LABELS_FILE, "DESCRIPTIONS", "The names of the classes: class 0, then class 1, one a line.")
        ],
        "min_parser_version": _PARSER_VERSION,
    }


def _pixels(spec: PreprocessSpec, tensor: TensorSpec) -> Json:
    """The input. Quantized models share the mean and standard deviation of their float parent (metadata_schema.fbs)."""
    std = 1 / spec.scale
    return {
        "name": tensor.name,
        "description": (
            "A head CT slice as gray bytes p: ITU-R 601-2 gray, padded with black to a square (odd pixel right or "
            f"bottom), resized to {spec.size}x{spec.size} with Pillow's antialiased bilinear filter; DICOM is windowed "
            f"before to level {spec.window_level:g}, width {spec.window_width:g} HU. {_stored_as(spec, tensor)}"
        ),
        "content": {
            "content_properties_type": "ImageProperties",
            "content_properties": {
                "color_space": "GRAYSCALE",
                "default_size": {"width": spec.size, "height": spec.size},
            },
        },
        "process_units": [
            {"options_type": "NormalizationOptions", "options": {"mean": [float(spec.zero_point)], "std": [std]}}
        ],
        "stats": _stats(tensor, -spec.zero_point / std, (255 - spec.zero_point) / std),
    }


def _stored_as(spec: PreprocessSpec, tensor: TensorSpec) -> str:
    network = f"h = (p - {spec.zero_point}) / {1 / spec.scale:.7g}"
    if not tensor.scale:
        return f"The tensor holds {network}."
    if tensor.dtype == "uint8" and tensor.zero_point == spec.zero_point and np.isclose(tensor.scale, spec.scale, 1e-6):
        return f"The tensor holds p as it is: its scale and zero point stand for {network}, so do no arithmetic."
    return f"The tensor holds round(h / {tensor.scale:.9g}) + {tensor.zero_point} where {network}."


def _logit(about: ModelAbout, tensor: TensorSpec) -> Json:
    return {
        **_score(tensor),
        "description": (
            f"The log odds of '{about.labels[1]}'. Divided by the temperature {about.temperature:g} they are those of "
            "the calibrated probability, which the attached calibration gives. Where it reaches the attached threshold "
            f"{about.threshold:g}, '{about.labels[1]}' is called."
        ),
        "process_units": [
            {"options_type": "ScoreCalibrationOptions", "options": {"score_transformation": "IDENTITY"}},
            {"options_type": "ScoreThresholdingOptions", "options": {"global_score_threshold": about.threshold}},
        ],
        "associated_files": [
            _axis_labels(about),
            _file(
                CALIBRATION_FILE,
                "TENSOR_AXIS_SCORE_CALIBRATION",
                "Temperature scaling: scale, slope 1 / temperature, offset of the logistic function of the logit.",
            ),
        ],
    }


def _probability(about: ModelAbout, tensor: TensorSpec) -> Json:
    return {
        **_score(tensor),
        "description": (
            f"The probability of '{about.labels[1]}' before temperature scaling; decide on the calibrated logit."
        ),
        "stats": _stats(tensor, 0.0, 1.0),
        "associated_files": [_axis_labels(about)],
    }


def _cam(about: ModelAbout, tensor: TensorSpec) -> Json:
    return {
        **_score(tensor),
        "description": (
            f"The class activation map of '{about.labels[1]}': a logit for each part of the slice; the logit is their "
            "mean."
        ),
    }


_OUTPUTS = {"logit": _logit, "probability": _probability, "cam": _cam}
OUTPUT_NAMES = tuple(_OUTPUTS)


def _score(tensor: TensorSpec) -> Json:
    content = {"content_properties_type": "FeatureProperties", "content_properties": {}}
    return {"name": tensor.name, "content": content}


def _axis_labels(about: ModelAbout) -> Json:
    return _file(AXIS_LABELS_FILE, "TENSOR_AXIS_LABELS", f"The only value stands for '{about.labels[1]}'.")


def _file(name: str, kind: str, description: str) -> Json:
    return {"name": name, "description": description, "type": kind}


def _stats(tensor: TensorSpec, low: float, high: float) -> Json:
    """Least and greatest value that the tensor stores for real values from `low` to `high`."""
    return {"max": [_stored(tensor, high)], "min": [_stored(tensor, low)]}


def _stored(tensor: TensorSpec, value: float) -> float:
    if not tensor.scale:
        return value
    limits = np.iinfo(tensor.dtype)
    return float(np.clip(round(value / tensor.scale) + tensor.zero_point, limits.min, limits.max))

"""The ways in which a model copies one gray channel to three."""

from typing import Any

from hemotk.importing.layers import KerasLayer

_CHANNELS = (-1, 3)


def channel_copies(layer: KerasLayer) -> int | None:
    """The number of times that `layer` repeats its only input along the channels; None if it does anything else."""
    says: dict[Any, Any] = {**layer.config, **layer.constants}
    kind = str(says["function"]) if layer.kind == "TFOpLambda" else layer.kind
    if len(set(layer.inputs)) != 1:
        return None
    if kind == "image.grayscale_to_rgb":
        return 3
    if kind in ("Concatenate", "concat"):
        return len(layer.inputs) if says.get("axis") in _CHANNELS else None
    if kind in ("Repeat", "repeat"):
        return says["repeats"] if says.get("axis") in _CHANNELS and isinstance(says["repeats"], int) else None
    if kind in ("Tile", "tile"):
        times = says["repeats"] if kind == "Tile" else says["multiples"]
        return int(times[3]) if isinstance(times, list) and times[:3] == [1, 1, 1] and len(times) == 4 else None
    return None


def may_copy(layer: KerasLayer) -> bool:
    """Whether the layer is of a kind that copies channels, and nothing else."""
    kind = layer.config.get("function") if layer.kind == "TFOpLambda" else layer.kind
    return kind in ("Concatenate", "Repeat", "Tile", "image.grayscale_to_rgb", "concat", "repeat", "tile")

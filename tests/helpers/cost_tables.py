"""Tables of costs that nobody measured."""

from collections.abc import Callable
from typing import Any

from hemotk.artifacts import CostTable, PartCost
from hemotk.environment import kernel_features, machine
from hemotk.tflite.runtime import find_runtime

Times = Callable[[str, int, int], tuple[float, float]]


def of_macs(part: str, side: int, out: int) -> tuple[float, float]:
    """A nanosecond per multiply-accumulate, and nothing for all else."""
    return {"reduce": (0.0, float(side**2 * out)), "expand": (0.0, float(9 * side**2 * out))}.get(part, (0.0, 0.0))


def cost_table(
    size: int, blocks: int, times: Times = of_macs, outs: tuple[int, ...] = (8, 16, 32), **changes: Any
) -> CostTable:
    """For this machine; `times` gives the fixed time and that per channel."""
    sides = [((size + 1) // 2 + 1) // 2 // 2**block for block in range(blocks)]
    places = [("stem", size, out) for out in outs] + [("head", sides[-1], 0)]
    for side in sides:
        places += [(part, side, 0) for part in ("act", "copy", "pool", "handover")]
        places += [(part, side, out) for part in ("reduce", "expand") for out in outs]
    facts: dict[str, Any] = {
        "created": "2026-01-01T00:00:00+00:00",
        "size": size,
        "unit": "ns",
        "kind": "int8",
        "threads": 1,
        "runtime": str(find_runtime()),
        "processor": str(machine()["processor"]),
        "features": kernel_features(),
        "parts": tuple(PartCost(*place, *times(*place)) for place in places),  # type: ignore
        "error": 0.0,
    }
    return CostTable(**{**facts, **changes})

"""A pruning in words, for the run card."""

from hemotk.artifacts import CostTable, RunCard
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.cost import table_total


def cost_note(name: str, before: DenseNetShape, after: DenseNetShape, size: int) -> str:
    """Multiply-accumulates and parameters before and after."""
    old, new = before.macs(size), after.macs(size)
    return (
        f"Channels of {name} removed: {old / 1e6:,.1f} → {new / 1e6:,.1f} million multiply-accumulates "
        f"({new / old:.4f} of them), {before.parameters():,} → {after.parameters():,} parameters."
    )


def time_note(table: CostTable, before: DenseNetShape, after: DenseNetShape) -> str:
    """What the table of costs says of both networks; whether it is right is for a bench to say."""
    old, new = (table_total(table, shape) / 1e6 for shape in (before, after))
    what, unit = ("time", "ms") if table.unit == "ns" else ("instructions", "million instructions")
    return (
        f"Removed by the {what} of parts as int8, one thread of {table.processor}, {table.runtime}: {old:.2f} → "
        f"{new:.2f} {unit} by that table, whose sums were {table.error:.1%} from a whole network's."
    )


def ratio_note(ratio: float, name: str, *, counted: bool) -> str:
    """What `LatencyRatio` says of the pruned network beside the run `name` that it comes from."""
    if counted:
        return f"Instructions as int8, by that table: {ratio:.3f} of those of {name}."
    return f"Float32 latency: {ratio:.3f} of that of {name}, one thread of this machine."


def operating_note(card: RunCard) -> tuple[str, ...]:
    """A note on the origin of the operating point, if the run of `card`, which is pruned, chose any."""
    chosen = []
    if (card.threshold, card.temperature) != (0.5, 1.0):
        chosen.append(f"Threshold {card.threshold:.6g} and temperature {card.temperature:.6g}")
    if card.study is not None:
        chosen.append(f"The {card.study.k} highest slices of a series and their threshold {card.study.threshold:.6g}")
    return tuple(f"{what} are those of {card.name}, not chosen anew." for what in chosen)


def width_note(before: DenseNetShape, after: DenseNetShape) -> str:
    """Widths before and after: the stem, each block's ranges, and its layers where some are gone, the transitions."""
    parts = [f"stem {before.stem} → {after.stem}"]
    for index, (old, new) in enumerate(zip(before.blocks, after.blocks, strict=True)):
        if len(new) < len(old):
            parts.append(f"block {index + 1} layers {len(old)} → {len(new)}")
        for what in ("bottleneck", "growth") if old and new else ():
            widths = [_range([getattr(layer, what) for layer in block]) for block in (old, new)]
            parts.append(f"block {index + 1} {what} {' → '.join(widths)}")
        if index < len(before.transitions):
            parts.append(f"transition {index + 1} {before.transitions[index]} → {after.transitions[index]}")
    return f"Widths: {'; '.join(parts)}."


def _range(widths: list[int]) -> str:
    low, high = min(widths), max(widths)
    return str(low) if low == high else f"{low} to {high}"

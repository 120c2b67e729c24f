"""Choose the network of a sweep to embed."""

from collections.abc import Sequence
from dataclasses import dataclass

from hemotk.artifacts import SweepPoint


@dataclass(frozen=True)
class ChosenNetwork:
    """The name of the chosen point, None if none is good enough, and the sentence that says why."""

    name: str | None
    why: str


def choose(points: Sequence[SweepPoint]) -> ChosenNetwork:
    """The pruned network with the smallest int8 file among those that cost nothing on the validation part.

    Its int8 must decide on every image as its own float32 does, and the int8's log-loss must be no greater than that of
    the unpruned run's float32, which is `points[0]`. References are never chosen. Of equal files, the faster one is.
    """
    limit = points[0].float32.loss
    pruned = [point for point in points if point.kind == "pruned"]
    steady = [point for point in pruned if point.flips == 0]
    good = [point for point in steady if point.int8.loss <= limit]
    if good:
        best = min(good, key=lambda point: (point.int8.bytes, point.int8.latency_ns))
        return ChosenNetwork(
            best.name,
            f"{best.name} is the smallest pruned network whose int8 flips no validation image ({best.flips}) and whose "
            f"validation log-loss is no worse than the float parent's ({best.int8.loss:.4f}, {points[0].name} "
            f"{limit:.4f}).",
        )
    return ChosenNetwork(None, _none(pruned, steady, limit))


def _none(pruned: Sequence[SweepPoint], steady: Sequence[SweepPoint], limit: float) -> str:
    if not pruned:
        return "None is chosen: no network of this sweep is pruned."
    if not steady:
        least = min(point.flips for point in pruned)
        return f"None is chosen: the int8 of every pruned network flips a validation image, {least} at least."
    nearest = min(steady, key=lambda point: point.int8.loss)
    return (
        f"None is chosen: of the pruned networks whose int8 flips no validation image, {nearest.name} has the least "
        f"validation log-loss, {nearest.int8.loss:.4f}, more than the float parent's {limit:.4f}."
    )

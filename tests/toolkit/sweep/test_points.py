"""From rows of a bench to a point."""

from types import SimpleNamespace

from hemotk.artifacts import Estimate, GroupMetrics
from hemotk.sweep.points import Network, point_of

ONE = Estimate(1.0, 0.99, 1.01)
OVER_IMAGES, OVER_GROUPS = Estimate(0.9, 0.8, 0.95), Estimate(0.9, 0.6, 0.99)


def measured(grouped: GroupMetrics | None) -> list[Estimate]:
    """The shares of a point whose rows have the intervals `grouped` beside those over images."""
    row = SimpleNamespace(
        kind="int8",
        failure="",
        findings=(),
        bytes=5,
        latency=SimpleNamespace(p50_ns=7.0, ratio=ONE, ratio_to_first=None),
        metrics=SimpleNamespace(accuracy=OVER_IMAGES, auc=OVER_IMAGES, loss=0.3),
        grouped=grouped,
        paired=SimpleNamespace(flips=(), max_drift=0.01),
    )
    network = Network("small", "pruned", "densenet201", "0" * 64, 0.5, 10, 10)
    point = point_of(network, SimpleNamespace(variant=lambda *_: row))  # type: ignore[arg-type]
    assert point.float32 == point.int8 and point.int8.loss == 0.3
    return [point.int8.accuracy, point.int8.auc]


def test_a_point_has_the_intervals_over_groups_where_the_bench_has_them() -> None:
    grouped = GroupMetrics(3, OVER_GROUPS, OVER_GROUPS, OVER_GROUPS, OVER_GROUPS)
    assert measured(None) == [OVER_IMAGES] * 2 and measured(grouped) == [OVER_GROUPS] * 2

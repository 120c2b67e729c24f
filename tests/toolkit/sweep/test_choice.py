"""Which network is chosen, case by case."""

import pytest
from sweep_points import FLOAT, point

from hemotk.artifacts import SweepPoint
from hemotk.sweep.choice import choose

UNPRUNED = point("whole", "unpruned")
LIMIT = FLOAT.loss


@pytest.mark.parametrize(
    ("points", "chosen", "says"),
    [
        ((), None, "no network of this sweep is pruned"),
        ((point("tiny", "reference", bytes=1),), None, "no network of this sweep is pruned"),
        ((point("a"),), "a", "a is the smallest pruned network"),
        ((point("a", loss=LIMIT),), "a", "(0.1500, whole 0.1500)"),
        ((point("a", loss=LIMIT + 1e-9),), None, "a has the least validation log-loss"),
        ((point("a", flips=1), point("b", flips=2)), None, "flips a validation image, 1 at least"),
        ((point("a", bytes=3), point("b", bytes=2)), "b", "smallest"),
        ((point("a", bytes=3), point("b", bytes=2, flips=1)), "a", "smallest"),
        ((point("a", bytes=3), point("b", bytes=2, loss=LIMIT * 2)), "a", "smallest"),
        ((point("a", latency_ns=3.0), point("b", latency_ns=2.0)), "b", "smallest"),
        (
            (point("a", flips=1), point("b", loss=0.4), point("c", loss=0.3)),
            None,
            "c has the least validation log-loss, 0.3000",
        ),
        ((point("a"), point("tiny", "reference", bytes=1)), "a", "smallest"),
    ],
)
def test_the_choice(points: tuple[SweepPoint, ...], chosen: str | None, says: str) -> None:
    choice = choose((UNPRUNED, *points))
    assert choice.name == chosen
    assert says in choice.why and choice.why.endswith(".")


def test_the_unpruned_int8_sets_no_limit() -> None:
    assert choose((point("whole", "unpruned", loss=9.0, flips=3), point("a", loss=0.1))).name == "a"
    assert choose((point("whole", "unpruned", loss=9.0), point("a", loss=0.2))).name is None

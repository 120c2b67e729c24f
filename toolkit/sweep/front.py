"""The Pareto front: what nothing else beats in both cost and worth."""

from collections.abc import Sequence


def pareto_front(costs: Sequence[float], values: Sequence[float]) -> tuple[int, ...]:
    """Places of the pairs (cost, value) that no other pair beats, by rising cost.

    A pair is beaten by one that costs no more and is worth no less, and is better in one of the two; of equal pairs,
    all stay. Takes finite numbers.

    Raises:
        ValueError: the lengths differ.
    """
    pairs = list(zip(costs, values, strict=True))
    front: list[int] = []
    for place in sorted(range(len(pairs)), key=lambda at: (pairs[at][0], -pairs[at][1], at)):
        if not front or pairs[place][1] > pairs[front[-1]][1] or pairs[place] == pairs[front[-1]]:
            front.append(place)
    return tuple(front)

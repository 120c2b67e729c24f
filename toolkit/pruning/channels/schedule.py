"""Divide a budget and its epochs among the steps of a pruning."""


def shares(macs: float, steps: int) -> tuple[float, ...]:
    """The share of the whole network that each step leaves, `macs` at last: each removes the same share of the rest."""
    return (*(macs ** ((step + 1) / steps) for step in range(steps - 1)), macs)


def epochs_of(total: int, steps: int) -> tuple[int, ...]:
    """The epochs of each step: half of all in the last one, at least; the others get the same each."""
    if steps == 1:
        return (total,)
    each = total // 2 // (steps - 1)
    return (*(each for _ in range(steps - 1)), total - each * (steps - 1))

"""Many offenders in one sentence: the first twenty, then a count."""

from collections.abc import Sequence

MOST = 20


def listed(names: Sequence[str], most: int = MOST) -> str:
    """`names` with commas; beyond the first `most` only their number."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"


def counted(count: int, one: str, many: str = "") -> str:
    """`1 picture`, `3 pictures`: `many` is `one` with an s where it is not given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"

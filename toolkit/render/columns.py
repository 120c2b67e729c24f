"""Aligned columns of plain text."""

from collections.abc import Iterator, Sequence

GAP = "  "
INDENT = 2  # of tables below a heading


def columns(rows: Sequence[Sequence[str]], indent: int = 0) -> Iterator[str]:
    """One line per row, every cell but the last padded to the widest of its column; rows may differ in length."""
    widths = [max(len(row[i]) for row in rows if i < len(row)) for i in range(max(map(len, rows), default=0))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield " " * indent + GAP.join(cells).rstrip()

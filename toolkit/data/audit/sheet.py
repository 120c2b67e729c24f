"""The contact sheet of an audit: the groups of duplicates as small pictures. It shows pixels of patients."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from hemotk.artifacts import AuditReport
from hemotk.data.read.preprocess import load_gray

CELL = 112
ACROSS = 12  # at most
_LEAST_ACROSS = 4  # room for the words
MOST_GROUPS = 40
MOST_OF_A_GROUP = 24
_LINE = 14
_INK, _SOFT = 235, 150


def contact_sheet(report: AuditReport, folder: Path, hu_offset: int | None = None) -> bytes:
    """PNG with the largest groups of `report`, their images read from `folder`; a sentence where there are none.

    Raises:
        HemotkError: an image can no longer be read.
    """
    shown = report.groups[:MOST_GROUPS]
    across = min(ACROSS, max((len(group) for group in shown), default=0))
    across = max(across, _LEAST_ACROSS)
    blocks = [_block(number, group, across, folder, hu_offset) for number, group in enumerate(shown, 1)]
    left = len(report.groups) - len(shown)
    if left or not blocks:
        blocks.append(_words(f"and {left} smaller groups" if left else "no duplicates were found", across))
    return stacked(blocks, across * CELL)


def stacked(blocks: Sequence[Image.Image], width: int) -> bytes:
    """The gray pictures one below the other, as a PNG that is `width` wide."""
    sheet = Image.new("L", (width, sum(block.height for block in blocks)))
    top = 0
    for block in blocks:
        sheet.paste(block, (0, top))
        top += block.height
    stream = io.BytesIO()
    sheet.save(stream, "PNG")
    return stream.getvalue()


def _block(number: int, group: tuple[str, ...], across: int, folder: Path, hu_offset: int | None) -> Image.Image:
    shown = group[:MOST_OF_A_GROUP]
    rows = -(-len(shown) // across)
    block = Image.new("L", (across * CELL, _LINE + rows * (CELL + _LINE)))
    more = f", the first {len(shown)}" if len(shown) < len(group) else ""
    _write(block, 2, 0, f"group {number}: {len(group)} images{more}", _INK)
    for (x, y), path in zip(_places(across), shown, strict=False):
        picture = Image.fromarray(load_gray(folder / path, hu_offset=hu_offset))
        picture.thumbnail((CELL - 4, CELL - 2))
        block.paste(picture, (x + 2, y + _LINE))
        _write(block, x + 2, y, _shortened(path), _SOFT)
    return block


def _places(across: int) -> Iterator[tuple[int, int]]:
    row = 0
    while True:
        yield from ((column * CELL, _LINE + row * (CELL + _LINE)) for column in range(across))
        row += 1


def _words(text: str, across: int) -> Image.Image:
    block = Image.new("L", (across * CELL, 2 * _LINE))
    _write(block, 2, _LINE // 2, text, _INK)
    return block


def _write(block: Image.Image, x: int, y: int, text: str, gray: int) -> None:
    # The built-in font has no other letters in every build of Pillow.
    ImageDraw.Draw(block).text((x, y), text.encode("ascii", "replace").decode(), fill=gray)


def _shortened(path: str, letters: int = 17) -> str:
    return path if len(path) <= letters else "..." + path[-(letters - 3) :]

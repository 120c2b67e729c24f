"""The sheet of a run's misses as a picture. It shows pixels of patients."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw

from hemotk.artifacts import PreprocessSpec, SplitItem
from hemotk.data.audit.sheet import stacked
from hemotk.data.read.preprocess import load_pixels
from hemotk.errors import HemotkError
from hemotk.experiments.scored import ScoredPart
from hemotk.files import check_sha256
from hemotk.training.misses import Kind, Miss, misses_of

ACROSS = 6
MOST = 36  # of a kind
_CELL, _LINE, _EDGE = 160, 14, 4
_INK, _SOFT = 235, 160
WARNING = "shows pictures of patients: keep it where the pictures themselves may be"


@dataclass(frozen=True)
class Sheet:
    """The picture as PNG, and how many misses of each kind it shows and there are."""

    png: bytes
    shown: int
    misses: tuple[Miss, ...]


def misses_in(scored: ScoredPart) -> tuple[Miss, ...]:
    """The misses of the part, missed bleeds first, the worst first."""
    return misses_of(scored.items, scored.logits, scored.card.threshold, scored.card.temperature)


def sheet_of(scored: ScoredPart, data: Path | None = None) -> Sheet:
    """Draw the misses of `scored` as the network saw them, with their probabilities; `MOST` of each kind at most.

    The images are in `data` where that is given.

    Raises:
        HemotkError: no miss, or an image that is not there, was changed or cannot be read.
    """
    root, misses = scored.split.root(data), misses_in(scored)
    if not root.is_dir():
        raise HemotkError(f"{root}: no such folder; name the one that holds the run's images with ‹data›.")
    if not misses:
        raise HemotkError(
            f"‹misses›: {scored.folder} gets all {len(scored.items)} images of its {scored.part} part right; there is "
            "nothing to show, leave it out."
        )
    items = {item.path: item for item in scored.items}
    spec = scored.card.preprocess
    blocks, shown = [_words(f"{scored.card.name}, {scored.part} part. This {WARNING}.")], 0
    for kind, what in _KINDS.items():
        of_kind = [miss for miss in misses if miss.kind == kind]
        kept = of_kind[:MOST]
        shown += len(kept)
        more = f", the worst {len(kept)} shown" if len(kept) < len(of_kind) else ""
        blocks.append(_words(f"{len(of_kind)} {what}{more}"))
        blocks += [_row(kept[start : start + ACROSS], items, root, spec) for start in range(0, len(kept), ACROSS)]
    return Sheet(stacked(blocks, ACROSS * _CELL), shown, misses)


_KINDS: dict[Kind, str] = {
    "false negative": "with hemorrhage that the run calls without (false negatives)",
    "false positive": "without hemorrhage that the run calls with (false positives)",
}


def _row(misses: Sequence[Miss], items: dict[str, SplitItem], root: Path, spec: PreprocessSpec) -> Image.Image:
    block = Image.new("L", (ACROSS * _CELL, _CELL + 2 * _LINE + _EDGE))
    for place, miss in enumerate(misses):
        path, sha256 = root / miss.path, items[miss.path].sha256
        if sha256 is not None:
            check_sha256(path, sha256)
        picture = Image.fromarray(load_pixels(path, spec)).resize((_CELL - _EDGE, _CELL - _EDGE))
        left = place * _CELL
        block.paste(picture, (left + _EDGE // 2, 2 * _LINE))
        _write(block, left + _EDGE // 2, 0, _shortened(miss.path), _SOFT)
        _write(block, left + _EDGE // 2, _LINE, f"p {miss.probability:.3f}", _INK)
    return block


def _words(text: str) -> Image.Image:
    block = Image.new("L", (ACROSS * _CELL, 2 * _LINE))
    _write(block, _EDGE // 2, _LINE // 2, text, _INK)
    return block


def _write(block: Image.Image, x: int, y: int, text: str, gray: int) -> None:
    # The built-in font has no other letters in every build of Pillow.
    ImageDraw.Draw(block).text((x, y), text.encode("ascii", "replace").decode(), fill=gray)


def _shortened(path: str, letters: int = 24) -> str:
    return path if len(path) <= letters else "..." + path[-(letters - 3) :]

"""The largest and the smallest size that a picture may have."""

from pathlib import Path

from hemotk.errors import HemotkError

MAX_PIXELS = 40_000_000
MAX_SIDE = 12_000
MIN_SIDE = 16


def check_sides(width: int, height: int, path: Path) -> None:
    """Refuse the picture at `path` for its sides in pixels.

    Raises:
        HemotkError: too large, or too small to show anything.
    """
    if width * height > MAX_PIXELS or max(width, height) > MAX_SIDE:
        raise HemotkError(too_large(path))
    if min(width, height) < MIN_SIDE:
        raise HemotkError(f"{path}: is {width}×{height} pixels, less than {MIN_SIDE} on a side; remove the file.")


def too_large(path: Path) -> str:
    """The sentence for a picture above the limits."""
    return (
        f"{path}: is larger than {MAX_PIXELS // 1_000_000} megapixels or {MAX_SIDE} pixels on a side; "
        "scale the picture down."
    )

"""The preprocessing of a picture before a network sees it, as data that travels with runs and bundles."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from hemotk.artifacts.codec import require

NETWORK_MEAN_BYTE = 115
NETWORK_SCALE = 1.0 / (255.0 * 0.226)
MAX_SIZE = 1024
MAX_HOUNSFIELD = 100_000


@dataclass(frozen=True)
class Window:
    """A window on Hounsfield units: `level` is its middle, `width` the distance of its edges."""

    level: float = 40.0
    width: float = 80.0

    def __post_init__(self) -> None:
        require(abs(self.level) <= MAX_HOUNSFIELD, "level", f"within ±{MAX_HOUNSFIELD} Hounsfield units")
        require(0 < self.width <= MAX_HOUNSFIELD, "width", f"above 0 and at most {MAX_HOUNSFIELD} Hounsfield units")

    def __str__(self) -> str:
        return f"{self.level:g}/{self.width:g}"


BRAIN = Window()


@dataclass(frozen=True)
class PreprocessSpec:
    """The pixel contract of one network: picture → `size`×`size` gray bytes p → input `scale` · (p − `zero_point`).

    Gray is ITU-R 601-2 in integers, padding is black to a square (odd pixel right or bottom), resizing is Pillow's
    antialiased bilinear with 8-bit results. The three words below exist so that a reader that does something
    else refuses the file instead of guessing. DICOM becomes gray through the window, which other pictures went through
    before they came here; with `hu_offset`, so do 16-bit gray pictures, whose values are Hounsfield units plus it.
    """

    LATER: ClassVar[tuple[str, ...]] = ("hu_offset",)

    size: int
    scale: float = NETWORK_SCALE
    zero_point: int = NETWORK_MEAN_BYTE
    gray: Literal["itu-r-601-2"] = "itu-r-601-2"
    pad: Literal["square-black-right-bottom"] = "square-black-right-bottom"
    resize: Literal["pillow-bilinear-antialias"] = "pillow-bilinear-antialias"
    window_level: float = BRAIN.level
    window_width: float = BRAIN.width
    hu_offset: int | None = None

    def __post_init__(self) -> None:
        require(
            self.hu_offset is None or abs(self.hu_offset) <= MAX_HOUNSFIELD, "hu_offset", f"at most {MAX_HOUNSFIELD}"
        )
        require(16 <= self.size <= MAX_SIZE, "size", f"between 16 and {MAX_SIZE} pixels")
        require(self.scale > 0, "scale", "above 0")
        require(0 <= self.zero_point <= 255, "zero_point", "between 0 and 255")
        require(abs(self.window_level) <= MAX_HOUNSFIELD, "window_level", f"within ±{MAX_HOUNSFIELD} Hounsfield units")
        require(0 < self.window_width <= MAX_HOUNSFIELD, "window_width", f"above 0 and at most {MAX_HOUNSFIELD}")

    @property
    def window(self) -> Window:
        """The window for DICOM slices."""
        return Window(self.window_level, self.window_width)

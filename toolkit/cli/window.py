"""`--window`: what DICOM slices are seen through."""

from typing import TYPE_CHECKING

import click

from hemotk.cli.options import Decorator
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from hemotk.artifacts.pixels import Window

# As radiologists name them: level and width in Hounsfield units.
NAMED = {"brain": (40.0, 80.0), "subdural": (80.0, 200.0), "bone": (600.0, 2800.0)}


class WindowType(click.ParamType):
    """'40/80', 'brain', … as a `Window`."""

    name = "window"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> "Window":
        """Parse `value`; a `Window` passes."""
        from hemotk.artifacts.pixels import Window

        return value if isinstance(value, Window) else parse_window(str(value))


window_option: Decorator = click.option(
    "--window",
    type=WindowType(),
    metavar="LEVEL/WIDTH",
    help="Window in Hounsfield units for DICOM, NIfTI, and 16-bit pictures with --hu-offset. Or a name: brain (40/80), "
    "subdural (80/200) or bone (600/2800).",
)
# Passed on as `hu_offset`, None where nothing is said.
hu_offset_option: Decorator = click.option(
    "--hu-offset",
    type=click.IntRange(-100_000, 100_000),
    metavar="NUMBER",
    help="16-bit gray pictures hold Hounsfield units plus this number, often 1024 or 32768.",
)


def parse_window(text: str) -> "Window":
    """'40/80' or a name of `NAMED`.

    Raises:
        HemotkError: neither, or several windows at once.
    """
    from hemotk.artifacts.pixels import Window
    from hemotk.errors import FieldError

    if text in NAMED:
        return Window(*NAMED[text])
    if "," in text:
        raise HemotkError(
            f"--window {text}: is several windows, but the networks here take one gray picture; choose one."
        )
    try:
        level, width = (float(part) for part in text.split("/"))
        return Window(level, width)
    except (ValueError, FieldError) as error:
        raise HemotkError(
            f"--window {text}: must be LEVEL/WIDTH in Hounsfield units, such as 40/80, or one of {', '.join(NAMED)}."
        ) from error

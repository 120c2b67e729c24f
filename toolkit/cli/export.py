"""`hemotk export`."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.cli.options import BUNDLES, PATH, Progress, overwrite_option, run_or_newest
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from hemotk.artifacts import BundleCard

KINDS = ("none", "fp16", "dynamic", "int8", "int16x8")


@click.command()
@click.argument("run", type=PATH, required=False)
@click.option(
    "--quantize",
    multiple=True,
    type=click.Choice(KINDS),
    default=("int8",),
    show_default=True,
    help="What to make beside float32; give it several times for several variants.",
)
@click.option("--out", type=PATH, help="The bundle folder to write.  [default: bundles/ and the run's name]")
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option(
    "--calibration",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    help="At most how many images of the training part the int8 ranges are gathered on.",
)
@click.option(
    "--author", default="not stated", show_default=True, help="Who made the models, as their metadata shall say."
)
@click.option(
    "--license",
    "licence",
    default="not stated",
    show_default=True,
    help="The licence of the models, as their metadata shall say.",
)
@click.option(
    "--cam",
    is_flag=True,
    help="Let every model also give its class-activation map, the output 'cam'; `hemotk predict --heatmap` draws it.",
)
@overwrite_option
def export(
    *,
    run: Path | None,
    quantize: tuple[str, ...],
    out: Path | None,
    data_folder: Path | None,
    calibration: int,
    author: str,
    licence: str,
    cam: bool,
    overwrite: bool,
) -> None:
    """Turn a RUN into a bundle: float32 and quantized .tflite, labels, card, golden outputs; beside it its test set.

    RUN is a run folder; without one, the newest finished run under runs/ is taken. int8 takes and gives bytes: the
    pixel is the input. The bundle holds no picture of a person, NAME.testset beside it does. Every .tflite carries
    TFLite Metadata, which Android tools read; `unzip` takes the class names out of it.

    \b
    Examples:
      hemotk export --quantize int8
      hemotk export runs/first --quantize int8 --quantize fp16 --out bundles/first
      hemotk export runs/first --quantize none --data /new/place/of/head_ct
    """
    run = run_or_newest(run)
    out = BUNDLES / run.resolve().name if out is None else out
    kinds = tuple(dict.fromkeys(kind for kind in quantize if kind != "none"))
    _refuse(out, overwrite)
    for option, value in (("--author", author), ("--license", licence)):
        if not value.strip():
            raise HemotkError(f"{option}: is empty; give a text, or leave the option out.")

    from hemotk.training.quiet import import_tensorflow

    import_tensorflow()
    from hemotk.export.bundle import export_run
    from hemotk.export.config import ExportConfig
    from hemotk.export.recipe import Recipe

    recipes = tuple(Recipe(kind) for kind in kinds)  # type: ignore[arg-type]
    config = ExportConfig(recipes, calibration, data_folder, author=author, license=licence, cam=cam)
    with Progress("exporting", 100) as progress:
        card = export_run(run, out, config, overwrite, _shown(progress))
        progress.advance(progress.total - progress.done)
    _report(card, out)


def _refuse(out: Path, overwrite: bool) -> None:
    """Before the seconds that TensorFlow takes to load."""
    if out.exists() and not overwrite:
        raise HemotkError(f"{out}: already exists; choose another name, or add --overwrite to replace it.")


def _shown(progress: Progress) -> Callable[[str, int, int], None]:
    """Stages as shares of one bar."""
    shares = {"reading images": (0, 20), "calibrating": (20, 60), "converting": (60, 80), "quantizing": (80, 90)}
    shares["checking"] = (90, 99)

    def show(what: str, done: int, total: int) -> None:
        low, high = shares.get(what, (0, 0))
        at = low + round((high - low) * done / max(total, 1))
        progress.advance(max(at - progress.done, 0), what)

    return show


def _report(card: "BundleCard", out: Path) -> None:
    for variant in card.variants:
        click.echo(f"{variant.file:24} {variant.bytes / 1e6:6.2f} MB  {variant.input.dtype} in")
    click.echo(f"wrote {out} after {card.seconds:.0f} s")

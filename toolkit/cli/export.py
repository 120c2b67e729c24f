"""`hemotk export`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.cli.options import PATH, overwrite_option, run_or_newest

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    default="not stated",
    show_default=True,
    help="The licence of the models, as their metadata shall say.",
)
@click.option(
    "--cam",
    is_flag=True,
    help="Let every model also give its class-activation map, the output 'cam'; `hemotk predict --heatmap` draws it.",
)
@click.option(
    "--auto",
    is_flag=True,
    help="Where int8 costs more than the next two options allow, keep the layers that cost most in float32.",
)
@click.option(
    "--max-accuracy-drop",
    type=click.FloatRange(0, 1),
    help="With --auto: how much less of the validation images int8 may get right, as a fraction.  [default: 0.01]",
)
@click.option(
    "--max-score-drift",
    type=click.FloatRange(0, 1),
    help="With --auto: how far int8 may move the probability of any validation image.  [default: 0.02]",
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
    license: str,
    cam: bool,
    auto: bool,
    max_accuracy_drop: float | None,
    max_score_drift: float | None,
    overwrite: bool,
) -> None:
    """Turn a RUN into a bundle: float32 and quantized .tflite, labels, card, golden outputs; beside it its test set.

    RUN is a run folder; without one, the newest finished run under runs/ is taken. int8 takes and gives bytes: the
    pixel is the input. The bundle may be handed on: it holds no picture of a person and names no file, path or person;
    of your words it has the names of run, bundle and classes, --author and --license. NAME.testset beside it names and
    shows people, and stays in the house as runs do. Every .tflite carries TFLite Metadata, which Android tools read;
    `unzip` takes the class names out of it.

    With --auto all layers are ranked by how much of the logit error of int8 goes when that layer alone is in float32,
    then the fewest from the top are kept that are enough. That makes and scores about one model a layer on the
    validation images, which takes minutes; sensitivity.json and sensitivity.png in the bundle hold what was found.

    \b
    Examples:
      hemotk export --quantize int8
      hemotk export --quantize int8 --auto --max-accuracy-drop 0.01 --max-score-drift 0.02
      hemotk export runs/first --quantize int8 --quantize fp16 --out bundles/first
      hemotk export runs/first --quantize none --data /new/place/of/head_ct
    """
    run = run_or_newest(run)

    from hemotk.api.bundles import BUNDLES
    from hemotk.api.bundles import export as export_run
    from hemotk.store.run import read_run, told_anew

    out = BUNDLES / run.resolve().name if out is None else out
    bundle = export_run(
        run,
        quantize=quantize,
        out=out,
        data=data_folder,
        calibration=calibration,
        author=author,
        license=license,
        cam=cam,
        auto=auto,
        max_accuracy_drop=max_accuracy_drop,
        max_score_drift=max_score_drift,
        overwrite=overwrite,
    )
    _report(bundle.card, out)
    for note in told_anew(read_run(run)[0]):
        click.echo(note)
    if auto:
        _report_auto(out)


def _report(card: "BundleCard", out: Path) -> None:
    for variant in card.variants:
        click.echo(f"{variant.file:24} {variant.bytes / 1e6:6.2f} MB  {variant.input.dtype} in")
    for remark in _remarks(out):
        click.echo(f"hemotk: {remark}", err=True)
    click.echo(f"wrote {out} after {card.seconds:.0f} s")


def _remarks(out: Path) -> "Iterator[str]":
    from hemotk.exporting.bundle import CHECKS_FILE
    from hemotk.exporting.verify import remarks

    checks = json.loads((out / CHECKS_FILE).read_text(encoding="utf-8"))
    return remarks({check["kind"]: check["agreement"]["worst"] for check in checks})


def _report_auto(out: Path) -> None:
    from hemotk.exporting.selective.report import SENSITIVITY_FILE, table
    from hemotk.exporting.selective.sensitivity import Selection

    for line in table(Selection.read(out / SENSITIVITY_FILE)):
        click.echo(line)

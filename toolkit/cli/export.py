"""`hemotk export`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, overwrite_option, run_or_newest
from hemotk.progress import remark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hemotk.artifacts import BundleCard

KINDS = ("none", "fp16", "dynamic", "int8", "int16x8")


@click.command(cls=Command)
@click.argument("run", type=PATH, required=False)
@click.option(
    "--quantize",
    multiple=True,
    type=click.Choice(KINDS),
    default=("int8",),
    show_default=True,
    help="What to make besides float32. May be given several times.",
)
@click.option("--out", type=PATH, help="The bundle folder to write.  [default: bundles/ and the run's name]")
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option(
    "--calibration",
    type=click.IntRange(min=2),
    default=100,
    show_default=True,
    help="Largest number of training images that the int8 ranges are measured on.",
)
@click.option("--author", default="not stated", show_default=True, help="Author of the models, for their metadata.")
@click.option(
    "--license",
    default="not stated",
    show_default=True,
    help="Licence of the models, for their metadata.",
)
@click.option(
    "--cam",
    is_flag=True,
    help="Let every model also give its class-activation map, as output 'cam'. `hemotk predict --heatmap` draws it.",
)
@click.option(
    "--outputs",
    type=click.Choice(("float32", "uint8")),
    default="float32",
    show_default=True,
    help="What int8 gives. uint8 is for accelerators that take nothing but bytes. It rounds the logit coarsely.",
)
@click.option(
    "--without",
    multiple=True,
    type=click.Choice(("room", "roundings", "biases", "logit-bias")),
    help="Leave out a step of int8 and int16x8, to see its share. May be given several times. Not with --auto.",
)
@click.option(
    "--auto",
    is_flag=True,
    help="If int8 loses more than the next two options allow, keep the layers that lose most in float32.",
)
@click.option(
    "--max-accuracy-drop",
    type=click.FloatRange(0, 1),
    help="With --auto: most accuracy on the validation part that int8 may lose, as a fraction.  [default: 0.01]",
)
@click.option(
    "--max-score-drift",
    type=click.FloatRange(0, 1),
    help="With --auto: largest change of the probability of any validation image.  [default: 0.02]",
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
    outputs: str,
    without: tuple[str, ...],
    auto: bool,
    max_accuracy_drop: float | None,
    max_score_drift: float | None,
    overwrite: bool,
) -> None:
    """Turn a RUN into a bundle of .tflite files.

    RUN is a run folder. The default is the newest finished run under runs/.

    The bundle holds the float32 and the quantized .tflite, the labels, a card and golden outputs. You may hand it on.
    It holds no picture of a person, and it names no file, path or person. Of your own words it holds the names of run,
    bundle and classes, --author and --license.

    The test set NAME.testset is written beside the bundle. It names and shows people. Keep it in the house, like runs.

    The input of int8 is bytes: the pixel is the input. Its outputs are float32, or bytes with --outputs uint8. Every
    .tflite has TFLite Metadata, which Android tools read. `unzip` takes the class names out of it.

    int8 is fitted to the calibration images in several steps: room above the ranges, roundings and biases layer by
    layer, and at last the mean error of the logit. --without leaves steps out.

    Every file is checked before anything is written. If a check fails, nothing is written, and the exit code is 1.

    With --auto, all layers are ranked: how much of the logit error of int8 goes away if that layer alone is in float32?
    Then the fewest layers from the top that are enough stay in float32. This makes and scores about one model for each
    layer on the validation images, which takes minutes. The files sensitivity.json and sensitivity.png in the bundle
    hold what was found.

    \b
    Examples:
      hemotk export --quantize int8
      hemotk export --quantize int8 --auto --max-score-drift 0.02
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
        outputs=outputs,
        without=without,
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
    say_next("bench", out)


def _report(card: "BundleCard", out: Path) -> None:
    for variant in card.variants:
        click.echo(f"{variant.file:24} {variant.bytes / 1e6:6.2f} MB  {variant.input.dtype} in")
    for line in _remarks(card, out):
        remark(line)
    click.echo(f"wrote {out} after {card.seconds:.0f} s")


def _remarks(card: "BundleCard", out: Path) -> "Iterator[str]":
    from hemotk.exporting.bundle import CHECKS_FILE, few_images
    from hemotk.exporting.verify import remarks

    checks = json.loads((out / CHECKS_FILE).read_text(encoding="utf-8"))
    found = {check["kind"]: check["agreement"] for check in checks}
    shifts = {kind: agreement["shift"] for kind, agreement in found.items()}
    if (few := few_images(card)) is not None:
        yield few.replace("‹calibration›", "--calibration")
    yield from remarks({kind: agreement["worst"] for kind, agreement in found.items()}, shifts)


def _report_auto(out: Path) -> None:
    from hemotk.exporting.selective.report import SENSITIVITY_FILE, table
    from hemotk.exporting.selective.sensitivity import Selection

    for line in table(Selection.read(out / SENSITIVITY_FILE)):
        click.echo(line)

"""`PYTHONPATH=studies python -m arm`: count, compare, print the table, keep the JSON."""

import sys
from dataclasses import dataclass
from pathlib import Path

import click
import numpy as np

from arm.counts import ArmReport, Row, header, line, steady
from arm.emulator import CPU, FOLDER, Answer, Missing, emulated, native, qemu_version, set_up
from arm.pictures import input_tensor, pixel_bytes, stored
from hemotk.errors import CheckFailed, HemotkError
from hemotk.files import refuse_existing, sha256_file
from hemotk.tflite.facts import read_facts

REPORT = FOLDER / "counts.json"


@dataclass(frozen=True)
class Plan:
    """How many inferences to count on which images, and whether to compare every image's output bytes."""

    images: Path | None
    inferences: int
    scores: bool


@click.command()
@click.argument("models", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--images", type=click.Path(path_type=Path), help="A test split's folder or a .npy; default: phantoms.")
@click.option("--inferences", type=click.IntRange(2), default=3, show_default=True, help="Inferences to count.")
@click.option("--scores", is_flag=True, help="Run every image; integer outputs must be the native ones, byte for byte.")
@click.option("--out", type=click.Path(path_type=Path), help="Where the JSON goes; default: build/arm/counts.json.")
@click.option("--overwrite", is_flag=True, help="Replace what --out names.")
def main(
    *,
    models: tuple[Path, ...],
    images: Path | None,
    inferences: int,
    scores: bool,
    out: Path | None,
    overwrite: bool,
) -> None:
    """Count the instructions of one inference of each .tflite of MODELS on an emulated Arm processor.

    Ends with 0 (also when this machine lacks something for it, which is then said), 1 if output bytes differ or counts
    do not repeat, 2 on wrong use or bad input.
    """
    try:
        if out is not None:
            refuse_existing(out, overwrite)
        set_up()
        report = measure(models, Plan(images, inferences, scores))
        report.write(out or REPORT)
        click.echo(f"Written to {out or REPORT}.")
        check(report)
    except Missing as reason:
        click.echo(f"bench-arm: skipped: {reason}")
    except HemotkError as error:
        click.echo(f"bench-arm: {error}", err=True)
        sys.exit(error.exit_code)


def measure(models: tuple[Path, ...], plan: Plan) -> ArmReport:
    """Count every model in turn, printing a line as soon as it is known.

    Raises:
        HemotkError: a model or the images cannot be used, or the two interpreters are of different versions.
    """
    names = [model.as_posix() for model in models]
    rows: list[Row] = []
    version = ""
    click.echo(header(names))
    for model in models:
        row, version = measure_one(model, plan, rows[0] if rows else None)
        rows.append(row)
        click.echo(line(row, names))
    images = "phantoms" if plan.images is None else plan.images.as_posix()
    return ArmReport(CPU, qemu_version(), version, images, tuple(rows))


def measure_one(model: Path, plan: Plan, first: Row | None) -> tuple[Row, str]:
    """The row of one model and the version of its interpreter."""
    facts = read_facts(model)
    tensor = input_tensor(model, facts)
    pixels = pixel_bytes(plan.images, tensor.shape[1])
    compared = len(pixels) if plan.scores and any("int" in output.dtype for output in facts.outputs) else None
    order = np.arange(max(plan.inferences, compared or 0)) % len(pixels)
    inputs = stored(pixels[order], tensor)
    answer = emulated(model, inputs)
    one = steady(answer.counts, str(model))
    return Row(
        model=model.as_posix(),
        sha256=sha256_file(model),
        bytes=model.stat().st_size,
        size=tensor.shape[1],
        dtype=tensor.dtype,
        steady=one,
        counts=answer.counts,
        ratio=one.all / (one if first is None else first.steady).all,
        images_compared=compared,
        images_equal=None if compared is None else equal_rows(answer, native(model, inputs), compared),
    ), answer.version


def equal_rows(arm: Answer, here: Answer, count: int) -> int:
    """How many of the first `count` inputs gave the same bytes in every integer output.

    Raises:
        HemotkError: the interpreters are of different versions.
    """
    if arm.version != here.version:
        raise HemotkError(
            f"ai-edge-litert: is {here.version} here and {arm.version} under the emulator; "
            "install the version that constraints.txt has."
        )
    return sum(first == second for first, second in zip(arm.outputs[:count], here.outputs[:count], strict=True))


def check(report: ArmReport) -> None:
    """Check that all outputs that were compared are the same.

    Raises:
        CheckFailed: naming the models for which they are not.
    """
    wrong = [
        f"{row.model} gives other bytes for {row.images_compared - row.images_equal} of {row.images_compared} images"
        for row in report.rows
        if row.images_compared is not None and row.images_equal is not None and row.images_equal < row.images_compared
    ]
    if wrong:
        raise CheckFailed(f"{'; '.join(wrong)} on {report.cpu} than here; do not ship before it is known why.")


if __name__ == "__main__":
    main()

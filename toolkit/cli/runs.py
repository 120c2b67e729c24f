"""`hemotk runs`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, RUNS, json_option, overwrite_option
from hemotk.cli.standard_output import may_print
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, write_bytes

if TYPE_CHECKING:
    from hemotk.api.experiments import ComparedRuns, Runs


@click.command(cls=Command)
@click.argument("runs", nargs=-1, type=PATH, metavar="[RUN|FOLDER]...")
@click.option(
    "--part",
    type=click.Choice(["validation", "test"]),
    default="test",
    show_default=True,
    help="The part of the split that the figures are of.",
)
@click.option(
    "--sort",
    default="created",
    show_default=True,
    metavar="COLUMN",
    help="created, name, arch, size, epochs, parameters, time, loss, accuracy, sensitivity, specificity or auc.",
)
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="Also give one run's figures by subtype, level, set, patient, or a column of the table of labels. May be "
    "repeated.",
)
@click.option(
    "--misses",
    "misses_file",
    type=PATH,
    metavar="FILE",
    help="Write the pictures that one run gets wrong to FILE as PNG. It shows pixels of patients.",
)
@click.option("--data", "data_folder", type=PATH, help="Where the run's images are now, if they were moved.")
@click.option(
    "--tensorboard",
    type=PATH,
    metavar="FOLDER",
    help="Write the training histories of the runs to FOLDER as event files of TensorBoard, which must be installed.",
)
@json_option
@overwrite_option
@may_print("json_file")
def runs(
    *,
    runs: tuple[Path, ...],
    part: Literal["validation", "test"],
    sort: str,
    by: tuple[str, ...],
    misses_file: Path | None,
    data_folder: Path | None,
    tensorboard: Path | None,
    json_file: Path | None,
    overwrite: bool,
) -> None:
    """List runs, compare them, or look closely at one.

    Without an argument, every run below runs/ is listed, the newest first, with intervals that count patients and
    copies as one. A run may be named without the runs/ before it.

    COMPARE. With two runs or more, the settings that differ stand side by side. Then each run is held against the first
    on the test images that both were judged on: differences with intervals, and McNemar's test over groups.

    PARTS. With --by, the test images of one run are divided. Beside each AUC stands the one that the share of soft
    tissue alone reaches. subtype stands for all columns of kinds of hemorrhage. level is the share of soft tissue, set
    the folder of a merged split. patient gives figures over patients: the mean of a patient's highest slices.

    FILES. Each run folder holds curves.png (loss, accuracy, learning rate), decisions.png (ROC curve, confusion matrix,
    reliability) and misses.csv (every wrong verdict). --misses draws the wrong ones. Such a picture shows patients, so
    it is never made unasked.

    \b
    Examples:
      hemotk runs
      hemotk runs --part validation --sort auc
      hemotk runs first second
      hemotk runs first --by subtype --by level
      hemotk runs first --misses sheet.png
      hemotk runs --tensorboard logs
    """
    from hemotk.api import experiments

    for file in filter(None, (json_file, misses_file, tensorboard)):
        refuse_existing(file, overwrite)
    _check_one(runs, {"by": bool(by), "misses": misses_file is not None})
    found: Runs | ComparedRuns
    if len(runs) > 1:
        found = experiments.compare_runs(*runs, part=part)
        rows = experiments.Runs(found.found.rows)
    else:
        found = rows = experiments.runs(runs[0] if runs else RUNS, part=part, sort=sort)
    parts = experiments.strata(runs[0], by, part=part, data=data_folder) if by else None
    found.show()
    if parts is not None:
        parts.show()
    if misses_file is not None:
        shown, count = experiments.misses_sheet(runs[0], misses_file, part=part, data=data_folder, overwrite=overwrite)
        click.echo(f"wrote {misses_file} with {shown} of {count} misses; it shows pictures of patients")
    if tensorboard is not None:
        count = experiments.write_tensorboard(rows, tensorboard, overwrite=overwrite)
        click.echo(f"wrote {tensorboard} with the histories of {count} runs; see `tensorboard --logdir {tensorboard}`")
    if json_file is not None:
        body: dict[str, Any] = {**found.body(), **({} if parts is None else {"strata": parts.body()})}
        write_bytes(json_file, json.dumps(body, indent=1).encode(), overwrite=overwrite)
        click.echo(f"wrote {json_file}")


def _check_one(runs: tuple[Path, ...], asked: dict[str, bool]) -> None:
    from hemotk.api.experiments import found_run
    from hemotk.artifacts import RUN_CARD
    from hemotk.artifacts.stages import kind_of, not_wanted

    for path in map(found_run, runs if len(runs) > 1 or any(asked.values()) else ()):
        if (found := kind_of(path)) not in ("", "run"):
            raise HemotkError(not_wanted(path, found, "run"))
    one = len(runs) == 1 and (found_run(runs[0]) / RUN_CARD).is_file()
    for name, wanted in asked.items():
        if wanted and not one:
            raise HemotkError(f"‹{name}›: is of one finished run; name it, such as `hemotk runs first`.")

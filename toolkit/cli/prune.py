"""`hemotk prune`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from hemotk.cli.magnitude import prune_by_magnitude
from hemotk.cli.options import PATH, overwrite_option, run_or_newest
from hemotk.errors import HemotkError

# method → the options that are its own, without those that every method has
OWN_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "channels": (
        "macs",
        "target_latency_ratio",
        "steps",
        "importance",
        "multiple",
        "teacher",
        "teacher_share",
        "teacher_temperature",
    ),
    "magnitude": ("sparsity", "structure", "begin", "end"),
}
SWEEP_OPTIONS: Mapping[str, str] = {"budgets": "--budgets", "others": "--with", "references": "--references"}


@click.command()
@click.argument("run", type=PATH, required=False)
@click.option(
    "--method",
    type=click.Choice(list(OWN_OPTIONS)),
    default="channels",
    show_default=True,
    help="What is removed: whole channels, which makes the network smaller and faster, or the weights of least "
    "magnitude, which makes its file smaller once it is compressed, and nothing faster.",
)
@click.option("--macs", type=float, help="Share of the run's multiply-accumulates to keep, such as 0.25.")
@click.option(
    "--target-latency-ratio",
    type=float,
    help="In place of --macs: latency of the pruned network as a share of the unpruned run's, both as float32 .tflite "
    "on one thread of this machine, timed in turns.",
)
@click.option("--steps", type=int, help="Cuts on the way to a budget, each fine-tuned.  [default: 4, in a sweep 2]")
@click.option(
    "--epochs",
    type=int,
    help="Epochs in all, with --steps half of them in the last.  [default: 60, magnitude 20, 40 for each of a sweep]",
)
@click.option(
    "--importance",
    type=click.Choice(["taylor", "magnitude"]),
    help="What says which channels matter: gradients on the training part, or weights alone.  [default: taylor]",
)
@click.option("--multiple", type=int, help="What every width that is cut is a multiple of.  [default: 8]")
@click.option(
    "--teacher",
    type=PATH,
    help="The run whose probabilities are learned besides the labels.  [default: the unpruned run itself]",
)
@click.option("--teacher-share", type=float, help="The teacher's share of the loss, 0 for none.  [default: 0.8]")
@click.option("--teacher-temperature", type=float, help="What both logits are divided by there.  [default: 3]")
@click.option("--sparsity", type=float, help="With --method magnitude: share of zeros in each kernel.  [default: 0.5]")
@click.option(
    "--structure",
    metavar="2:4",
    help="With --method magnitude: two zeros in each four weights along the input channels, from the first step on; "
    "layers with fewer than four stay as they are.",
)
@click.option("--begin", type=float, help="Share of all steps after which zeros begin to become more.  [default: 0]")
@click.option("--end", type=float, help="Share of all steps after which they are all there.  [default: 0.6]")
@click.option("--learning-rate", type=float, help="Highest rate of every step.  [default: 0.0005, magnitude 0.0001]")
@click.option("--batch", type=int, help="Pictures per step.  [default: 16]")
@click.option("--seed", type=int, help="Seed of order and augmentation.  [default: 0]")
@click.option(
    "--sweep",
    is_flag=True,
    help="Prune to several budgets, each from the one before, export all, measure them together on the validation part "
    "and draw accuracy and AUC against latency and size.",
)
@click.option(
    "--budgets",
    metavar="LIST",
    help="With --sweep: falling shares of the run's multiply-accumulates, or none to measure other runs only.  "
    "[default: 0.5,0.25,0.15,0.08,0.05]",
)
@click.option(
    "--with",
    "others",
    type=PATH,
    multiple=True,
    metavar="RUN",
    help="With --sweep: also measure this finished run of the same split.",
)
@click.option(
    "--references",
    metavar="LIST",
    help="With --sweep: also train these architectures as the run was trained, such as mobilenetv3small,resnet50.",
)
@click.option(
    "--out",
    type=PATH,
    help="The run folder to write.  [default: runs/ and the run's name with -pruned; with --sweep, sweeps/ and it]",
)
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option("--resume", is_flag=True, help="Go on with an unfinished pruning of the same output.")
@overwrite_option
def prune(
    *,
    run: Path | None,
    method: str,
    sweep: bool,
    out: Path | None,
    data_folder: Path | None,
    resume: bool,
    overwrite: bool,
    **options: Any,
) -> None:
    """Remove from a RUN what it can do without, and write the smaller run.

    RUN is a run folder; without one, the newest finished run under runs/ is taken. Channels, of a DenseNet, leave stem,
    layers and transitions together with all that reads them, in steps; after each the network learns again from the
    labels and from the unpruned run. By --method magnitude the smallest weights of any network become zero, more and
    more of them, while the others learn on. The result is exported and benched like any run, and may be pruned again.

    Kill it at any moment: --resume goes on from the last whole epoch. Until the end, NAME.partial/ holds the run of
    every finished step as step-1, step-2, …; they can be exported, but were not scored on the test part.

    With --sweep the output is a folder with the runs and bundles of all budgets, the bench of them, and sweep.json,
    sweep.md and sweep.png; nothing of it is scored on the test part. It names the smallest network whose int8 flips no
    validation image and whose validation log-loss is no worse than the unpruned run's.

    \b
    Examples:
      hemotk prune --macs 0.25
      hemotk prune runs/first --macs 0.15 --steps 5 --epochs 120 --out runs/first-small --resume
      hemotk prune runs/first --target-latency-ratio 0.2 --importance magnitude
      hemotk prune runs/first --method magnitude --sparsity 0.5
      hemotk prune runs/first --sweep --budgets 0.5,0.25,0.1 --with runs/cnn --references mobilenetv3small --resume
    """
    run = run_or_newest(run)
    given = {name: value for name, value in options.items() if value not in {None, ()}}
    _refuse_others(method, given)
    _refuse_with_or_without_sweep(sweep, method, given)
    teacher = given.pop("teacher", None)
    if sweep:
        _sweep(run, out, given, teacher=teacher, data=data_folder, resume=resume, overwrite=overwrite)
        return

    from hemotk.api.runs import PRUNED, RUNS

    out = RUNS / (run.resolve().name + PRUNED) if out is None else out
    places = {"teacher": teacher, "data": data_folder, "resume": resume, "overwrite": overwrite}
    _METHODS[method](run, out, given, **places)


def _refuse_others(method: str, given: Mapping[str, Any]) -> None:
    """Refuse options that only other methods have."""
    for other, names in OWN_OPTIONS.items():
        for name in names:
            if name in given and other != method and name not in OWN_OPTIONS[method]:
                option = "--" + name.replace("_", "-")
                raise HemotkError(f"{option}: belongs to --method {other}; leave it out, or choose that method.")


def _refuse_with_or_without_sweep(sweep: bool, method: str, given: Mapping[str, Any]) -> None:
    if sweep and method != "channels":
        raise HemotkError(f"--sweep: is for --method channels, not {method}; leave one of both out.")
    for name, option in SWEEP_OPTIONS.items():
        if name in given and not sweep:
            raise HemotkError(f"{option}: belongs to --sweep; add it, or leave {option} out.")
    for name, option in (("macs", "--macs"), ("target_latency_ratio", "--target-latency-ratio")):
        if name in given and sweep:
            raise HemotkError(f"{option}: is one budget, and --sweep takes several; give --budgets in its place.")


def _sweep(run: Path, out: Path | None, given: Mapping[str, Any], **options: Any) -> None:
    from hemotk.cli.sweep import SWEEPS, names, shares, sweep
    from hemotk.sweep.job import BUDGETS, SweepJob

    job = SweepJob(
        run,
        SWEEPS / run.resolve().name if out is None else out,
        shares(given.get("budgets", BUDGETS)),
        given.get("others", ()),
        names(given.get("references", "")),
        _settings({name: value for name, value in given.items() if name not in SWEEP_OPTIONS}),
        **options,
    )
    sweep(job)


def _channels(run: Path, out: Path, given: Mapping[str, Any], **options: Any) -> None:
    from hemotk.api.runs import prune as prune_run
    from hemotk.cli.train import report

    made = prune_run(run, out=out, **given, **options)
    for note in made.card.notes:
        click.echo(note)
    report(made)


_METHODS: Mapping[str, Callable[..., None]] = {"channels": _channels, "magnitude": prune_by_magnitude}


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as fields of `PruneConfig`."""
    from hemotk.training.config import DistillConfig

    names = {"target_latency_ratio": "latency_ratio"}
    teacher = {name: given[f"teacher_{name}"] for name in ("share", "temperature") if f"teacher_{name}" in given}
    settings = {names.get(name, name): value for name, value in given.items() if not name.startswith("teacher_")}
    return {**settings, "distill": DistillConfig(**teacher)}

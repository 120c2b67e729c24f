"""`hemotk prune`."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from hemotk.artifacts import SWEEP_FILE
from hemotk.cli.help import Command
from hemotk.cli.magnitude import prune_by_magnitude
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, overwrite_option, run_or_newest, says_finished
from hemotk.errors import HemotkError

# method → the options that are its own, without those that every method has
OWN_OPTIONS: Mapping[str, tuple[str, ...]] = {
    "channels": (
        "macs",
        "target_latency_ratio",
        "steps",
        "importance",
        "multiple",
        "drop_layers",
        "costs",
        "teacher",
        "teacher_share",
        "teacher_temperature",
    ),
    "magnitude": ("sparsity", "structure", "begin", "end"),
}
SWEEP_OPTIONS: Mapping[str, str] = {"budgets": "--budgets", "others": "--with", "references": "--references"}


@click.command(cls=Command)
@click.argument("run", type=PATH, required=False)
@click.option(
    "--method",
    type=click.Choice(list(OWN_OPTIONS)),
    default="channels",
    show_default=True,
    help="channels: remove whole channels, so the network gets smaller and faster. magnitude: set the smallest weights "
    "to zero, so the compressed file gets smaller; nothing gets faster.",
)
@click.option("--macs", type=float, help="Share of the run's multiply-accumulates (MACs) to keep, such as 0.25.")
@click.option(
    "--target-latency-ratio",
    type=float,
    help="In place of --macs: latency of the pruned network as a share of the unpruned network's. Both are timed in "
    "turns, as float32 .tflite on one thread of this machine.",
)
@click.option(
    "--steps", type=int, help="Number of cuts on the way to a budget. Each is fine-tuned.  [default: 4, in a sweep 2]"
)
@click.option(
    "--epochs",
    type=int,
    help="Epochs in all; of several --steps, the last gets half.  [default: 60, magnitude 20, sweep 40 per budget]",
)
@click.option(
    "--importance",
    type=click.Choice(["taylor", "magnitude"]),
    help="What estimates which channels matter. taylor: gradients on the training part; magnitude: weights alone.  "
    "[default: taylor]",
)
@click.option("--multiple", type=int, help="Every width that is cut becomes a multiple of this.  [default: 8]")
@click.option(
    "--drop-layers/--keep-layers",
    default=None,
    help="Whether a dense layer may be removed as a whole where that loses least, or keeps at least --multiple "
    "channels.  [default: keep]",
)
@click.option(
    "--costs",
    type=PATH,
    metavar="FILE",
    help="Remove what loses least per time saved on this machine, in place of per MAC. FILE is the table of what each "
    "part takes as int8; if it is not there, it is measured and written first (about a minute). A table of counted "
    "instructions is for another processor.",
)
@click.option(
    "--teacher",
    type=PATH,
    help="The run whose probabilities the network learns besides the labels.  [default: the unpruned run itself]",
)
@click.option("--teacher-share", type=float, help="Share of the teacher in the loss; 0 is no teacher.  [default: 0.8]")
@click.option(
    "--teacher-temperature", type=float, help="Both logits are divided by this in the teacher's loss.  [default: 3]"
)
@click.option("--sparsity", type=float, help="With --method magnitude: share of zeros in each kernel.  [default: 0.5]")
@click.option(
    "--structure",
    metavar="2:4",
    help="With --method magnitude: two zeros in every four weights along the input channels, from the first step on. "
    "Layers with fewer than four input channels stay as they are.",
)
@click.option(
    "--begin",
    type=float,
    help="With --method magnitude: share of all steps after which zeros begin to grow.  [default: 0]",
)
@click.option(
    "--end",
    type=float,
    help="With --method magnitude: share of all steps after which all zeros are there.  [default: 0.6]",
)
@click.option(
    "--learning-rate", type=float, help="Highest learning rate of every step.  [default: 0.0005, magnitude 0.0001]"
)
@click.option("--batch", type=int, help="Pictures per training step.  [default: 16]")
@click.option("--seed", type=int, help="Seed of order and augmentation.  [default: 0]")
@click.option(
    "--sweep",
    is_flag=True,
    help="Prune to several budgets, each from the one before. Export all, measure them together on the validation "
    "part, and draw accuracy and AUC against latency and size.",
)
@click.option(
    "--budgets",
    metavar="LIST",
    help="With --sweep: falling shares of the run's MACs, or none to measure other runs only.  "
    "[default: 0.5,0.25,0.15,0.08,0.05]",
)
@click.option(
    "--with",
    "others",
    type=PATH,
    multiple=True,
    metavar="RUN",
    help="With --sweep: also measure this finished run of the same split. May be given several times.",
)
@click.option(
    "--references",
    metavar="LIST",
    help="With --sweep: also train these architectures as the run was trained, such as mobilenetv3small,resnet50.",
)
@click.option(
    "--out",
    type=PATH,
    help="The folder to write.  [default: runs/NAME-pruned, with --sweep sweeps/NAME; NAME is the run's name]",
)
@click.option("--data", "data_folder", type=PATH, help="Where the split's images are now, if they were moved.")
@click.option("--resume", is_flag=True, help="Continue an unfinished pruning of the same output.")
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
    """Prune a RUN, and write the smaller run.

    RUN is a run folder. The default is the newest finished run under runs/. The result is exported and benched like any
    run. It may be pruned again.

    --method channels (the default) takes a DenseNet. It removes channels of the stem, the layers and the transitions,
    and the weights that read them, in steps. After each step the network learns again, from the labels and from the
    unpruned run. --method magnitude takes any network. It sets more and more of the smallest weights to zero, while the
    others go on learning.

    You may kill the command at any moment. --resume continues from the last whole epoch. Until the end,
    NAME.partial/ holds the run of every finished step: step-1, step-2, … You can export them, but they were not
    scored on the test part.

    With --sweep the output is a folder. It holds the runs and bundles of all budgets, their bench, and sweep.json,
    sweep.md and sweep.png. Nothing of it is scored on the test part. The sweep names the smallest network whose int8
    flips no validation image and whose validation log-loss is no worse than the unpruned run's.

    \b
    Examples:
      hemotk prune --macs 0.25
      hemotk prune runs/first --macs 0.15 --out runs/first-small --resume
      hemotk prune runs/first --target-latency-ratio 0.2 --importance magnitude
      hemotk prune runs/first --method magnitude --sparsity 0.5
      hemotk prune runs/first --sweep --budgets 0.5,0.25,0.1 --with runs/cnn
    """
    run = run_or_newest(run)
    given = {name: value for name, value in options.items() if value not in {None, ()}}
    _refuse_others(method, given)
    _refuse_with_or_without_sweep(sweep, method, given)
    teacher = given.pop("teacher", None)
    if sweep:
        costs = given.pop("costs", None)
        _sweep(run, out, given, teacher=teacher, costs=costs, data=data_folder, resume=resume, overwrite=overwrite)
        return

    from hemotk.api.prunings import SUFFIX
    from hemotk.api.runs import RUNS

    out = RUNS / (run.resolve().name + SUFFIX) if out is None else out
    if resume and not overwrite and says_finished(out, "prunes"):
        return
    places = {"teacher": teacher, "data": data_folder, "resume": resume, "overwrite": overwrite}
    _METHODS[method](run, out, given, **places)


def _refuse_others(method: str, given: Mapping[str, Any]) -> None:
    """Refuse options that only other methods have."""
    for other, names in OWN_OPTIONS.items():
        for name in names:
            if name in given and other != method and name not in OWN_OPTIONS[method]:
                option = "--" + name.replace("_", "-")
                raise HemotkError(
                    f"{option} {given[name]}: belongs to --method {other}, not {method}; leave it out, or choose that "
                    "method."
                )


def _refuse_with_or_without_sweep(sweep: bool, method: str, given: Mapping[str, Any]) -> None:
    if sweep and method != "channels":
        raise HemotkError(f"--sweep: is for --method channels, not {method}; leave one of both out.")
    for name, option in SWEEP_OPTIONS.items():
        if name in given and not sweep:
            value = given[name] if isinstance(given[name], str) else ", ".join(map(str, given[name]))
            raise HemotkError(f"{option} {value}: belongs to --sweep; add it, or leave {option} out.")
    for name, option in (("macs", "--macs"), ("target_latency_ratio", "--target-latency-ratio")):
        if name in given and sweep:
            raise HemotkError(
                f"{option} {given[name]:g}: is one budget, and --sweep takes several; give --budgets in its place."
            )


def _sweep(run: Path, out: Path | None, given: Mapping[str, Any], **options: Any) -> None:
    from hemotk.api.sweeps import SWEEPS, prune_sweep
    from hemotk.cli.sweep import names, say, shares
    from hemotk.sweep.job import BUDGETS

    out = SWEEPS / run.resolve().name if out is None else out
    if options["resume"] and not options["overwrite"] and says_finished(out, "prunes", SWEEP_FILE):
        return
    made = prune_sweep(
        run,
        budgets=shares(given.get("budgets", BUDGETS)),
        others=given.get("others", ()),
        references=names(given.get("references", "")),
        out=out,
        say=click.echo,
        **_settings({name: value for name, value in given.items() if name not in SWEEP_OPTIONS}),
        **options,
    )
    say(made)


def _channels(run: Path, out: Path, given: Mapping[str, Any], **options: Any) -> None:
    from hemotk.api.prunings import prune as prune_run
    from hemotk.cli.train import report

    made = prune_run(run, out=out, **given, **options)
    for note in made.card.notes:
        click.echo(note)
    report(made)
    say_next("export", made.folder)


_METHODS: Mapping[str, Callable[..., None]] = {"channels": _channels, "magnitude": prune_by_magnitude}


def _settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """The options as fields of `PruneConfig`."""
    from hemotk.training.config import DistillConfig

    names = {"target_latency_ratio": "latency_ratio"}
    teacher = {name: given[f"teacher_{name}"] for name in ("share", "temperature") if f"teacher_{name}" in given}
    settings = {names.get(name, name): value for name, value in given.items() if not name.startswith("teacher_")}
    return {**settings, "distill": DistillConfig(**teacher)}

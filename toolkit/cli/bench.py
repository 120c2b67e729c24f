"""`hemotk bench`: measure bundles, print the table, hold the limits."""

import dataclasses
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hemotk.api.benching import FORMS, Report
from hemotk.api.benching import bench as measure
from hemotk.artifacts import BenchReport
from hemotk.benchmarks.judge.limits import BenchLimits, setting_of
from hemotk.cli.foreign import foreign_options
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, bundle_or_newest, json_option, overwrite_option, threads_option
from hemotk.cli.standard_output import may_print
from hemotk.errors import CheckFailed, HemotkError
from hemotk.files import refuse_existing, write_bytes

# the parameters that name a file to write
OUTPUTS = ("json_file", *FORMS, "scores")

FRACTION = click.FloatRange(0, 1)
POSITIVE = click.FloatRange(0, min_open=True)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]


def _option(field: str) -> str:
    return f"--{setting_of(field).replace('_', '-')}"


def _limit(field: str, kind: click.ParamType, words: str) -> Decorator:
    """The option of a field of `BenchLimits`, with that field's default."""
    default = getattr(BenchLimits(), field)
    return click.option(_option(field), field, type=kind, default=default, show_default=default is not None, help=words)


def _output(name: str, words: str) -> Decorator:
    return click.option(
        f"--{name}",
        type=PATH,
        metavar="FILE",
        help=f"Also write {words} to FILE, or to the standard output if it is -.",
    )


@click.command(cls=Command)
@click.argument("bundles", nargs=-1, type=PATH, metavar="[BUNDLE|MODEL.tflite]...")
@click.option(
    "--images",
    type=click.Path(path_type=Path, exists=True),
    metavar="FOLDER|split.json",
    help="Score all pictures below FOLDER, or the test part of another split, in place of the bundle's test set.",
)
@click.option(
    "--data",
    "data_folder",
    type=PATH,
    metavar="FOLDER",
    help="Where the images of the split of --images are now, if they were moved.",
)
@click.option(
    "--by",
    multiple=True,
    metavar="COLUMN",
    help="Also give figures by this column of the table of labels of --images. May be given several times.",
)
@click.option(
    "--baseline",
    type=PATH,
    metavar="FILE",
    help="Hold this bench against an earlier one, whose --json is FILE. A variant that lost right decisions since then "
    "fails.",
)
@foreign_options
@click.option(
    "--import",
    "imported",
    type=PATH,
    multiple=True,
    metavar="FILE",
    help="Also show what a device measured. FILE was written by the app of `hemotk android` or the page of "
    "`hemotk web`.",
)
@click.option(
    "--device",
    type=click.Choice(("adb",)),
    help="Also bench on the phone that adb finds. The app must be installed there.",
)
@click.option(
    "--application-id",
    metavar="ID",
    default="org.hemotk.app",
    show_default=True,
    help="With --device adb: the app's id, if `hemotk android` was given another.",
)
@click.option("--serial", metavar="NAME", help="The phone to use, by its name in `adb devices`.")
@json_option
@_output("html", "the report as one HTML file")
@_output("markdown", "it as Markdown")
@_output("junit", "the checks as JUnit XML")
@_output("github", "annotations of GitHub Actions")
@_output("scores", "every score as CSV")
@overwrite_option
@_limit(
    "accuracy_drop",
    FRACTION,
    "Most accuracy that a variant may lose against float32, as a fraction. Without labels: the largest share of "
    "decisions that may differ.",
)
@_limit("sensitivity_drop", FRACTION, "Most sensitivity that a variant may lose against float32, as a fraction.")
@_limit("specificity_drop", FRACTION, "Most specificity that a variant may lose against float32, as a fraction.")
@_limit(
    "min_mcnemar_p",
    FRACTION,
    "Least p-value of McNemar's test, over patients where they are known. It counts only if a variant loses more "
    "right decisions than it gains; 0 turns it off.",
)
@_limit("flips", click.IntRange(0), "Largest number of images whose decision may differ from float32's.")
@_limit("score_drift", FRACTION, "Largest change of a probability against float32, on any image. 1 turns it off.")
@_limit(
    "logit_shift",
    FRACTION,
    "Largest mean change of the logit against float32, as a share of the standard deviation of float32's logits. "
    "1 turns it off.",
)
@_limit(
    "min_auc",
    FRACTION,
    "Least AUC of every variant, float32 included. The lower end of its interval must reach it, too.",
)
@_limit(
    "min_sensitivity", FRACTION, "Least sensitivity of every variant, float32 included. It is judged like --min-auc."
)
@_limit(
    "latency_ratio",
    POSITIVE,
    "Largest ratio of a variant's median latency to that of float32. Not for int16x8.",
)
@_limit("latency_ms", POSITIVE, "Largest median latency of a variant, in milliseconds. Not for float32 and int16x8.")
@_limit("size", POSITIVE, "Largest file of a variant, in MB (10⁶ bytes). Not for float32.")
@click.option(
    "--undecided",
    type=click.Choice(("pass", "fail")),
    default="pass",
    show_default=True,
    help="Whether a limit that these images, or this machine, cannot decide counts as passed or failed.",
)
@click.option("--no-timing", is_flag=True, help="Do not measure time, and check no limit on time.")
@threads_option(1)
@click.option(
    "--runtime", metavar="NAME", help="ai_edge_litert or tflite_runtime.  [default: the first that is installed]"
)
@click.option(
    "--delegate", metavar="PATH[:KEY=VALUE,…]", help="Run through this external delegate, with these options."
)
@click.option("--cpu", metavar="LIST", help="Pin the measured processes to these processors, such as 0 or 0,1.")
@click.option("--profile", is_flag=True, help="Also measure the time of each operator.")
@click.option(
    "--min-runs",
    type=click.IntRange(1),
    default=40,
    show_default=True,
    help="Least number of timed inferences per variant.",
)
@click.option(
    "--min-seconds",
    type=click.FloatRange(0),
    default=3.0,
    show_default=True,
    help="Least time of timed inferences per variant, in seconds.",
)
@may_print("json_file", "html", "markdown", "junit", "github", "scores")
@click.pass_context
def bench(context: click.Context, **given: Any) -> None:
    """Prove that a bundle still matches its float parent.

    Every .tflite in BUNDLE scores the test set beside the bundle. The default is the newest bundle under bundles/. Then
    all models are timed in turns, each in a process of its own. Several bundles share one table. Each variant is
    compared with its own float parent, and with that of the first bundle.

    PASS says that the variants decide as float32 does, within the limits. It does not say how good the classifier is. A
    red line says if the classifier cannot be told from chance, or if it is less often right than always saying one
    class.

    IMAGES. With --images FOLDER, the pictures of that folder are scored. They need no labels. Class subfolders or a
    labels.csv give labels. A note counts the pictures that a bundle was calibrated on. With --images split.json, the
    test part of that split is scored. It is refused if a bundle was calibrated on some of it, as only images of
    a training part are.

    PATIENTS. Patients are known from a column 'patient' of the table, from DICOM files, or from the groups of the test
    set. Then a second interval stands beside the one that takes images as independent. It draws whole groups again.

    SUBTYPES. With --by, figures are also given by a column of the table. In a column of yes and no, yes may stand on
    images with hemorrhage only. Then yes is a subtype: its sensitivity is given, against all images without
    hemorrhage. Any other column is divided by its values, the 12 commonest.

    SLICE LEVEL. The share of soft tissue tells how high in the head a slice lies. If this share alone orders the images
    better than chance, its AUC stands beside those of the models. The AUCs of the models are then also given within
    slices that show brain.

    BASELINE. With --baseline, every variant is compared with the same kind in an earlier report, on the images of both.
    It fails if it lost more right decisions than it gained, and McNemar's test (over patients where they are known)
    gives less than 0.05. Sizes and times of the earlier bench are shown and not judged: the
    models were not timed in turns.

    PHONES. --import takes files that a device measured on the test set (schema hemotk.device-bench/1). Of a device that
    ran the bundle's drawn pictures alone, times and the recorded answers are checked, nothing else. --device adb
    makes such a file on a phone that has the app of `hemotk android`. It pushes the bundle and the test set without
    names and labels, benches there with --threads, --min-runs and --min-seconds, and removes both again. For its
    memory, each model first runs alone in a new process. The app is stopped for it.

    MODELS FROM ELSEWHERE. A .tflite that another tool exported needs --images. It must take one gray or RGB picture and
    give class scores. Say with --normalization, --output and --positive-class what its file does not say. These options
    hold for all such files.

    Reports name images by their paths, so that you can look at them. Keep the reports in the house.

    A limit holds, fails, or cannot be told.

    \b
    - Accuracy, sensitivity, specificity, AUC: the limit fails if the measured
      value is beyond it. It holds if the whole 95 % interval keeps it (over
      patients where they are known). In between it cannot be told: there are
      too few patients. To show a drop of at most 0.01 takes some 380 patients.
    - Time: the limit fails if the whole interval is beyond it. It holds if the
      whole interval keeps it. In between it cannot be told. On a busy machine
      the interval is made a quarter wider at both ends.
    - All other limits hold or fail on these very images.

    The exit code is 0 if no limit fails, and 1 if one does. The outputs are written in both cases. On wrong use or bad
    input it is 2, and nothing is written. With --undecided fail, a limit that cannot be told counts as failed, so 0
    means that all limits hold. In the JSON, each verdict has an 'outcome': holds, fails or cannot tell. In JUnit,
    limits that cannot be told are skipped tests.

    \b
    Examples:
      hemotk bench
      hemotk bench bundles/first --json bench.json --html bench.html
      hemotk bench bundles/new bundles/old --max-flips 0
      hemotk bench --no-timing --undecided fail --junit bench.xml
      hemotk bench --images other-hospital --scores scores.csv
      hemotk bench --images other-hospital.json
      hemotk bench --images other-hospital --by subdural --by scanner
      hemotk bench theirs.tflite --images other-hospital --normalization torch
      hemotk bench bundles/first --import pixel-7.json
      hemotk bench bundles/first --device adb --threads 4
      hemotk bench --json new.json --baseline last.json
      hemotk bench --threads 2 --cpu 0,1 --min-runs 200
    """
    _check_outputs(given)
    _check_times(context, given)
    bundles = given["bundles"] or (bundle_or_newest(None),)
    same = ("images", "by", "imported", "device", "serial", "normalization", "output", "threads", "runtime", "delegate")
    more = ("baseline", "application_id", "profile", "min_runs", "min_seconds", "undecided", "scores", "overwrite")
    limits = {setting_of(field.name): given[field.name] for field in dataclasses.fields(BenchLimits)}
    report = measure(
        *bundles,
        data=given["data_folder"],
        positive_class=int(given["positive_class"]),
        cpus=_processors(given["cpu"]),
        timing=not given["no_timing"],
        command=_command(context, bundles),
        **{name: given[name] for name in (*same, *more)},
        **limits,
    )
    _print(report.found)
    _write(report, given)
    if given["images"] is None:
        flipped = any(row.paired is not None and row.paired.flips for row in report.found.variants)
        say_next("review", bundles[0], before="The flips, slice by slice" if flipped else "Next")
    if not report.passed:
        raise CheckFailed(_failure(report.found))


def _failure(report: BenchReport) -> str:
    """A sentence on the limits that do not hold."""
    failed = "; ".join(verdict.sentence for verdict in report.verdicts if not verdict.passed)
    names = ", ".join(bundle.name for bundle in report.bundles)
    remedy = (
        "export with other options, or"
        if report.outcomes("fails")
        else "bench more patients, or on a quiet machine, or"
    )
    return f"{names}: {failed}; {remedy} change the limits."


def _check_outputs(given: dict[str, Any]) -> None:
    """Refuse to replace what is there, and to write two outputs to one file."""
    outputs = {"--json": given["json_file"], **{f"--{name}": given[name] for name in (*FORMS, "scores")}}
    taken: dict[Path, str] = {}
    for option, path in outputs.items():
        if path is None:
            continue
        refuse_existing(path, given["overwrite"])
        other = taken.setdefault(path.resolve(), option)
        if other != option:
            raise HemotkError(f"{path}: is given with {other} and with {option}; give each output a file of its own.")


def _check_times(context: click.Context, given: dict[str, Any]) -> None:
    """Refuse limits on time where nothing is to be timed; those of a settings file are then just not held."""
    asked = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)
    for field in ("latency_ratio", "latency_ms"):
        if given["no_timing"] and context.get_parameter_source(field) in asked:
            raise HemotkError(
                f"{_option(field)} {given[field]:g}: needs times, which --no-timing leaves out; leave one of both out."
            )


def _write(report: Report, given: dict[str, Any]) -> None:
    if given["json_file"] is not None:
        report.found.write(given["json_file"], overwrite=given["overwrite"])
    for form in FORMS:
        if given[form] is not None:
            write_bytes(given[form], report.rendered(form).encode(), overwrite=given["overwrite"])
    for name in OUTPUTS:
        if given[name] is not None:
            click.echo(f"wrote {given[name]}")


def _command(context: click.Context, bundles: tuple[Path, ...]) -> str:
    """The command that makes this bench again: the bundles, and every option that has not its default."""
    words = ["hemotk", "bench", *map(str, bundles)]
    for parameter in context.command.params:
        value, source = context.params.get(parameter.name or ""), context.get_parameter_source(parameter.name or "")
        if not isinstance(parameter, click.Option) or source is click.core.ParameterSource.DEFAULT:
            continue
        for item in value if parameter.multiple and value else (value,):
            words += [parameter.opts[0]] if parameter.is_flag else [parameter.opts[0], str(item)]
    return shlex.join(words)


def _print(report: BenchReport) -> None:
    from rich.console import Console

    from hemotk.benchmarks.report.terminal import show

    show(report, Console())


def _processors(text: str | None) -> tuple[int, ...]:
    try:
        return () if text is None else tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise HemotkError(f"--cpu {text}: is no list of processor numbers; write it as 0 or 0,1.") from error

"""Help that begins with what most people need: `-h` is one screen, `--help` is all.

Both begin with the usage, a sentence and examples. Options of commands with many stand under headings. The details come
last.
"""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import click

from hemotk.cli.wrong_values import with_its_value
from hemotk.errors import HemotkError

SHORT = "-h"
EXAMPLES = re.compile(r"Examples?:$")
OTHER = "Options"

# command → heading → its options, each by its longest name. Those that are not named stand under OTHER, at the end.
# The short help shows the options of the first heading.
HEADINGS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "train": {
        "Most used options": ("arch", "out", "size", "epochs", "weights", "threshold", "folds", "resume"),
        "Network and recipe": ("recipe", "window", "precision", "strategy", "seed", "batch"),
        "Learning": (
            "learning-rate",
            "rate-decay",
            "head-epochs",
            "head-views",
            "appearance",
            "draw",
            "label-smoothing",
        ),
        "Decision": ("min-sensitivity", "calibrate"),
        "Images": ("data", "classes", "patient", "hu-offset"),
    },
    "prune": {
        "Most used options": ("macs", "epochs", "out", "sweep", "method", "resume"),
        "Channels": ("target-latency-ratio", "steps", "importance", "multiple", "drop-layers", "costs"),
        "Teacher": ("teacher", "teacher-share", "teacher-temperature"),
        "With --method magnitude": ("sparsity", "structure", "begin", "end"),
        "With --sweep": ("budgets", "with", "references"),
        "Learning": ("learning-rate", "batch", "seed"),
    },
    "export": {
        "Most used options": ("quantize", "out", "cam", "data"),
        "How int8 is made": ("calibration", "outputs", "without", "auto", "max-accuracy-drop", "max-score-drift"),
        "What the files say": ("author", "license"),
    },
    "bench": {
        "Most used options": ("images", "baseline", "html", "json", "max-flips", "max-accuracy-drop", "no-timing"),
        "Images": ("data", "by"),
        "Outputs": ("markdown", "junit", "github", "scores", "overwrite"),
        "Limits against float32": (
            "max-sensitivity-drop",
            "max-specificity-drop",
            "min-mcnemar-p",
            "max-score-drift",
            "max-logit-shift",
        ),
        "Limits on every variant": ("min-auc", "min-sensitivity", "max-size"),
        "Limits on time": ("max-latency-ratio", "max-latency-ms", "undecided"),
        "How it is timed": ("threads", "runtime", "delegate", "cpu", "profile", "min-runs", "min-seconds"),
        "Models from elsewhere": ("normalization", "output", "positive-class"),
        "Phones": ("import", "device", "application-id", "serial"),
    },
    "predict": {
        "Most used options": ("variant", "json", "csv", "heatmap", "series"),
        "Series": ("top-k", "strip"),
        "Models from elsewhere": ("normalization", "output", "positive-class"),
    },
    "plan": {"Most used options": ("accuracy", "target", "arch", "size", "epochs", "no-timing")},
    "import": {"Most used options": ("data", "normalization", "expect", "head", "output", "out")},
    "data split": {
        "Most used options": ("out", "test", "validation", "seed", "folds"),
        "Patients and groups": ("groups", "patient", "patients"),
    },
}


class Command(click.Command):
    """A command with two helps, -h for the first screen and --help for all, and errors that name its options."""

    def __init__(self, *args: object, **given: object) -> None:
        super().__init__(*args, **given)  # type: ignore[arg-type]
        self.params.append(short_option(Command.short_help_page))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what is wrong with a value is said by its option."""
        try:
            return super().invoke(ctx)
        except HemotkError as error:
            raise with_its_value(error, ctx) from error

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Usage, what the command does, examples, options, details."""
        self.format_usage(ctx, formatter)
        paragraphs = _paragraphs(self.help or "")
        _write(formatter, paragraphs[:1])
        _write(formatter, [each for each in paragraphs[1:] if _is_examples(each)])
        self.format_options(ctx, formatter)
        details = [each for each in paragraphs[1:] if not _is_examples(each)]
        if details:
            formatter.write_paragraph()
            formatter.write_heading("Details")
            formatter.indent()
            _write(formatter, details, apart=False)
            formatter.dedent()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options under their headings."""
        for heading, rows in self._sections(ctx):
            with formatter.section(heading):
                formatter.write_dl(rows)

    def short_help_page(self, ctx: click.Context) -> str:
        """The first screen: usage, what it does, examples, and the most used options, a sentence each."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        paragraphs = _paragraphs(self.help or "")
        _write(formatter, paragraphs[:1])
        _write(formatter, [each for each in paragraphs[1:] if _is_examples(each)])
        sections = list(self._sections(ctx))
        heading, rows = sections[0]
        with formatter.section(heading):
            formatter.write_dl([(name, first_sentence(text)) for name, text in rows])
        more = f"Everything: {ctx.command_path} --help"
        hidden = sum(len(others) for _, others in sections[1:])
        formatter.write_paragraph()
        formatter.write_text(f"{more} ({hidden} more options)" if hidden else more)
        return formatter.getvalue().rstrip("\n")

    def _sections(self, ctx: click.Context) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Each heading with its options as they are shown; headings without options are left out."""
        path = ctx.command_path.partition(" ")[2]
        options = {long_name(each): each for each in self.get_params(ctx) if isinstance(each, click.Option)}
        rest = dict(options)
        for heading, names in HEADINGS.get(path, {}).items():
            here = [rest.pop(name) for name in names if name in rest]
            if rows := _records(here, ctx):
                yield heading, rows
        if rows := _records(list(rest.values()), ctx):
            yield OTHER if len(rest) == len(options) else "Other options", rows


def short_option(page: Callable[[Any, click.Context], str]) -> click.Option:
    """`-h`, which shows the `page` of the command that it is asked of."""

    def show(ctx: click.Context, option: click.Parameter, asked: bool) -> None:
        if asked and not ctx.resilient_parsing:
            click.echo(page(ctx.command, ctx))
            ctx.exit()

    return click.Option(
        [SHORT],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=show,
        help="Show the first screen of this help and exit.",
    )


def long_name(option: click.Parameter) -> str:
    """The longest name of an option, without its hyphens."""
    return max(option.opts, key=len).lstrip("-")


def first_sentence(text: str) -> str:
    """The first sentence of the help of an option, and its default."""
    default = re.search(r"\s*(\[[^\[]*\])$", text)
    body = text if default is None else text[: default.start()]
    sentence = re.split(r"(?<=[a-z)\]])\. (?=[A-Z])", body, maxsplit=1)[0].rstrip(".") + "."
    return f"{sentence}  {default[1]}" if default else sentence


def _records(options: list[click.Option], ctx: click.Context) -> list[tuple[str, str]]:
    return [record for option in options if (record := option.get_help_record(ctx)) is not None]


def _paragraphs(text: str) -> list[str]:
    return [each for each in re.split(r"\n\s*\n", inspect.cleandoc(text).partition("\f")[0]) if each.strip()]


def _is_examples(paragraph: str) -> bool:
    lines = [line for line in paragraph.splitlines() if line != "\b"]
    return EXAMPLES.match(lines[0]) is not None


def _write(formatter: click.HelpFormatter, paragraphs: list[str], *, apart: bool = True) -> None:
    """Write paragraphs; those that begin with \\b keep their lines."""
    for number, paragraph in enumerate(paragraphs):
        if number or apart:
            formatter.write_paragraph()
        if apart:
            formatter.indent()
        formatter.write_text(paragraph)
        if apart:
            formatter.dedent()

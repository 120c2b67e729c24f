"""The `hemotk` command: finds a subcommand without importing the others, and turns errors into exit codes."""

import difflib
import errno
import importlib
import inspect
import os
import sys
import traceback
from pathlib import Path
from typing import Any

import click
from click.shell_completion import shell_complete

from hemotk._version import VERSION
from hemotk.cli.console import typed, write_what_can_be_written
from hemotk.cli.help import short_option
from hemotk.cli.terminal import for_people, unwrapped
from hemotk.errors import HemotkError
from hemotk.progress import QUIET, VERBOSE, remark, talking

EXIT_WRONG_USE = 2
EXIT_BUG = 70
EXIT_INTERRUPTED = 130

# module → the extra that installs it
EXTRAS = {
    "filelock": "train",
    "h5py": "train",
    "litert_quantizer": "train",
    "matplotlib": "train",
    "pydicom": "dicom",
    "scipy": "train",
    "sklearn": "train",
    "tensorflow": "train",
    "tensorflow_model_optimization": "train",
    "tf_keras": "train",
}

# settings that their options are not called after
OPTIONS = {"imported": "--import", "others": "--with"}

REMEDIES = {
    errno.ENOENT: "check the path",
    errno.ENOSPC: "free some space or choose another disk",
    errno.EDQUOT: "free some space or choose another disk",
    errno.EACCES: "check its rights or choose another path",
    errno.EPERM: "check its rights or choose another path",
    errno.EROFS: "choose a path that you may write to",
}

# name → (module:command, help line). The help lines stand here so that `hemotk --help` imports no stage.
COMMANDS: dict[str, tuple[str, str]] = {
    "data": ("hemotk.cli.data:data", "Audit, split or draw images."),
    "plan": ("hemotk.cli.plan:plan", "Say what images can prove, and how long training takes."),
    "train": ("hemotk.cli.train:train", "Train a classifier on a split."),
    "import": ("hemotk.cli.importing:import_model", "Import a classifier of Keras or PyTorch."),
    "runs": ("hemotk.cli.runs:runs", "List runs, compare them, or look closely at one."),
    "prune": ("hemotk.cli.prune:prune", "Remove channels or weights from a run."),
    "export": ("hemotk.cli.export:export", "Turn a run into a bundle of .tflite files."),
    "bench": ("hemotk.cli.bench:bench", "Prove that a bundle still matches its float parent."),
    "predict": ("hemotk.cli.predict:predict", "Score images with a bundle."),
    "review": ("hemotk.cli.review:review", "Write a page for looking at what goes wrong."),
    "android": ("hemotk.cli.android:android", "Write the Android app with a bundle in it."),
    "web": ("hemotk.cli.web:web", "Write a web page that runs a bundle in the browser."),
    "snippet": ("hemotk.cli.snippet:snippet", "Print the code that runs a bundle in an app of yours."),
    "verify": ("hemotk.cli.verify:verify", "Say which step of an app differs from a bundle."),
    "card": ("hemotk.cli.card:card", "Write the model card of a run."),
    "info": ("hemotk.cli.info:info", "Say what a file or folder of hemotk is."),
    "config": ("hemotk.cli.config:config", "Keep the options of commands in a file."),
    "completion": ("hemotk.cli.completion:completion", "Print a script that completes commands in your shell."),
    "demo": ("hemotk.cli.demo:demo", "Run the whole path on phantoms."),
}


# A command keeps the names of its help from the first context that it is used in.
CONTEXT: dict[str, Any] = {"help_option_names": ["-h", "--help"]}

# commands with --resume
RESUMABLE = ("train", "prune")

# flags of all commands → their names
FLAGS = {"-q": "quiet", "--quiet": "quiet", "-v": "verbose", "--verbose": "verbose"}

# commands that a settings file has no section of
NOT_SET = ("config", "completion")


def option_of(setting: str) -> str:
    """The option that gives a setting of the library: 'max_flips' is --max-flips."""
    return OPTIONS.get(setting) or f"--{setting.replace('_', '-')}"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used; without any, it shows the first screen of its help."""

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.params.append(short_option(LazyGroup.short_help_page))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As click does, but for no words at all."""
        if not args and not ctx.resilient_parsing:
            click.echo(self.short_help_page(ctx), err=True)
            ctx.exit(EXIT_WRONG_USE)
        return super().parse_args(ctx, args)

    def short_help_page(self, ctx: click.Context) -> str:
        """What this is, five commands to begin with, and the list of all."""
        formatter = ctx.make_formatter()
        self.format_usage(ctx, formatter)
        *shown, _, caution = inspect.cleandoc(self.help or "").split("\n\n")
        for paragraph in shown:
            formatter.write_paragraph()
            with formatter.indentation():
                formatter.write_text(paragraph)
        self.format_commands(ctx, formatter)
        formatter.write_paragraph()
        formatter.write_text(caution)
        formatter.write_text(f"Everything: {ctx.command_path} --help; of a command: {ctx.command_path} COMMAND --help")
        return formatter.getvalue().rstrip("\n")

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the path."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        return load_command(cmd_name) if cmd_name in COMMANDS else None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command and give it the settings of the file; a misspelt name gets the nearest right one."""
        if args and args[0] not in COMMANDS and (near := difflib.get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"No such command '{args[0]}'. (Did you mean '{near[0]}'?)")
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and command is not None:
            rest = _take_common(ctx, rest)
            _apply_settings(ctx, name, command)
        return name, command, rest

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def load_command(name: str) -> click.Command:
    """Import one command."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    command: click.Command = getattr(importlib.import_module(module), attribute)
    return command


def settable_commands() -> dict[str, click.Command]:
    """Every command that a settings file may have a section of, by the section's name."""
    commands: dict[str, click.Command] = {}
    for name in COMMANDS:
        command = load_command(name)
        if name not in NOT_SET:
            commands |= command.commands if isinstance(command, click.Group) else {name: command}
    return commands


def _take_common(context: click.Context, words: list[str]) -> list[str]:
    """The words after the command without the options of all commands, which count as if they stood before it."""
    rest: list[str] = []
    taken = iter(words)
    for word in taken:
        if word == "--":
            return [*rest, word, *taken]
        name, given, value = word.partition("=")
        if word in FLAGS:
            context.params[FLAGS[word]] = True
            continue
        if name != "--config":
            rest.append(word)
            continue
        path = value if given else next(taken, None)
        if path is None:
            context.fail("Option '--config' requires an argument.")
        option = next(each for each in cli.params if each.name == "config")
        said = context.params.get("config")
        if said is not None:
            context.fail(f"Option '--config' is given twice: {said} and {path}.")
        context.params["config"] = option.type.convert(path, option, context)
    return rest


def _apply_settings(context: click.Context, name: str, command: click.Command) -> None:
    """Make the values of the settings file the defaults of the command that was called."""
    from hemotk.cli.settings import SETTINGS_FILE, keys_of, read_settings

    given = context.params.get("config")
    path = Path(SETTINGS_FILE) if given is None else given
    if name in NOT_SET or (given is None and not path.is_file()):
        return
    values = read_settings(path, settable_commands())
    inner = tuple(command.commands) if isinstance(command, click.Group) else (name,)
    mine = {key: values[key] for key in inner if values.get(key)}
    if mine:
        context.default_map = {name: mine if isinstance(command, click.Group) else mine[name]}
        commands = command.commands if isinstance(command, click.Group) else {name: command}
        said = "; ".join(f"[{key}] {', '.join(keys_of(commands[key], mine[key]))}" for key in mine)
        if not context.params["quiet"]:
            remark(f"settings from {path}: {said}")


@click.group(cls=LazyGroup, context_settings={**CONTEXT, "auto_envvar_prefix": "HEMOTK"})
@click.option(
    "--config",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    metavar="FILE",
    help="A file with settings.  [default: hemotk.toml, if there is one here]",
)
@click.option("-q", "--quiet", is_flag=True, help="Print only results and errors. It may also stand after the command.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Also print times, and what other libraries say. It may stand there, too."
)
@click.version_option(VERSION, "-V", "--version", prog_name="hemotk")
@click.pass_context
def cli(context: click.Context, config: Path | None, quiet: bool, verbose: bool) -> None:
    """Head CT hemorrhage classifiers: train, quantize, prove, embed.

    \b
    Five commands from a folder of images to a checked int8 model:
      hemotk data split head_ct --out split.json
      hemotk train split.json --out runs/first
      hemotk export --quantize int8
      hemotk bench
      hemotk predict slice.png

    No pictures yet? `hemotk demo` runs these steps on drawn slices.

    Exit codes: 0 good; 1 a limit or a check failed; 2 wrong use or bad input; 70 a bug, please report it; 130
    interrupted.

    Research, not for diagnosis.
    """
    # What stood after the command is in the context alone.
    quiet, verbose = context.params["quiet"], context.params["verbose"]
    if quiet and verbose:
        raise HemotkError("--quiet and --verbose: contradict each other; leave one of both out.")
    if quiet or verbose:
        context.with_resource(talking(QUIET if quiet else VERBOSE))


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 a gate failed, 2 wrong use or bad input, 70 a bug, 130 interrupted."""
    sys.exit(run(argv))


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        write_what_can_be_written(stream)
    with for_people():
        return _run(sys.argv[1:] if argv is None else argv)


def _run(words: list[str]) -> int:
    try:
        if asked := os.environ.get("_HEMOTK_COMPLETE"):
            return shell_complete(cli, {}, "hemotk", "_HEMOTK_COMPLETE", asked)
        code = _invoke(words)
        sys.stdout.flush()
        return code
    except HemotkError as error:
        return _say(error.worded(option_of), error.exit_code)
    except click.ClickException as error:
        error.show()
        return EXIT_WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        return _say(f"interrupted; finished files are whole. {_again(words)}", EXIT_INTERRUPTED)
    except BrokenPipeError:
        _let_go_of_output()
        return EXIT_INTERRUPTED
    except Exception as error:
        if isinstance(error, OSError):
            _let_go_of_output()
        if (sentence := _explain(error)) is not None:
            return _say(sentence, EXIT_WRONG_USE)
        traceback.print_exc(file=unwrapped(sys.stderr))
        return _say(f"this is a bug in hemotk {VERSION}; please report it with the lines above.", EXIT_BUG)


def _invoke(argv: list[str]) -> int:
    # Not `cli.main`: that would end with 1, the code of a failed gate, when the reader of our output goes away.
    try:
        with cli.make_context("hemotk", list(argv)) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    return result if isinstance(result, int) else 0


def _explain(error: Exception) -> str | None:
    """What the system or a missing package said, as a sentence; None if `error` is neither, which makes it a bug."""
    if isinstance(error, ModuleNotFoundError):
        module = (error.name or "").partition(".")[0]
        extra = EXTRAS.get(module)
        return extra and f"{module}: is needed for this but not installed; run `pip install 'hemotk[{extra}]'`."
    if not isinstance(error, OSError) or error.errno is None:
        return None
    where = "the system" if error.filename is None else os.fsdecode(error.filename)
    remedy = REMEDIES.get(error.errno, "check the path and its disk")
    return f"{where}: {(error.strerror or os.strerror(error.errno)).lower()}; {remedy}."


def _again(words: list[str]) -> str:
    """The command that goes on where this one was interrupted."""
    resumable = any(word in RESUMABLE for word in words)
    more = ["--resume"] if resumable and "--resume" not in words else []
    return f"To go on: {typed(['hemotk', *words, *more])}" if words else "Start the command again to go on."


def _let_go_of_output() -> None:
    """Leave alone what cannot be written any more: at exit Python would try it again, and end with 120."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - it stays open to the end


def _say(message: str, code: int) -> int:
    click.echo(f"hemotk: {message}", err=True)
    return code

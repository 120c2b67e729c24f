"""The `hemotk` command: finds a subcommand without importing the others, and turns errors into exit codes."""

import errno
import importlib
import os
import sys
import traceback

import click

from hemotk._version import VERSION
from hemotk.errors import HemotkError

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
    "train": ("hemotk.cli.train:train", "Train a classifier on a split."),
    "import": ("hemotk.cli.importing:import_model", "Import a Keras DenseNet that was trained elsewhere."),
    "prune": ("hemotk.cli.prune:prune", "Remove channels or weights from a run."),
    "export": ("hemotk.cli.export:export", "Turn a run into a bundle of .tflite files."),
    "bench": ("hemotk.cli.bench:bench", "Prove that a bundle still matches its float parent."),
    "predict": ("hemotk.cli.predict:predict", "Score images with a bundle."),
    "android": ("hemotk.cli.android:android", "Write the Android app with a bundle in it."),
    "web": ("hemotk.cli.web:web", "Write a web page that runs a bundle in the browser."),
    "card": ("hemotk.cli.card:card", "Write the model card of a run."),
    "info": ("hemotk.cli.info:info", "Say what a file or folder of hemotk is."),
    "demo": ("hemotk.cli.demo:demo", "Run the whole path on phantoms."),
}


def option_of(setting: str) -> str:
    """The option that gives a setting of the library: 'max_flips' is --max-flips."""
    return OPTIONS.get(setting) or f"--{setting.replace('_', '-')}"


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names in the order of the path."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="hemotk")
def cli() -> None:
    """Head CT hemorrhage classifiers: train, quantize, prove, embed.

    \b
    Five commands from a folder of images to a checked int8 model:
      hemotk data split head_ct --out split.json
      hemotk train split.json --out runs/first
      hemotk export --quantize int8
      hemotk bench
      hemotk predict slice.png

    Research, not for diagnosis.
    """


def main(argv: list[str] | None = None) -> None:
    """Run the command line and exit: 0 good, 1 a gate failed, 2 wrong use or bad input, 70 a bug, 130 interrupted."""
    sys.exit(run(argv))


def run(argv: list[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    try:
        code = _invoke(sys.argv[1:] if argv is None else argv)
        sys.stdout.flush()
        return code
    except HemotkError as error:
        return _say(error.worded(option_of), error.exit_code)
    except click.ClickException as error:
        error.show()
        return EXIT_WRONG_USE
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted; finished files are whole, start the command again to go on.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the reader of our output has gone
        return EXIT_INTERRUPTED
    except Exception as error:
        if (sentence := _explain(error)) is not None:
            return _say(sentence, EXIT_WRONG_USE)
        traceback.print_exc()
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


def _say(message: str, code: int) -> int:
    click.echo(f"hemotk: {message}", err=True)
    return code

"""The `hemotk` command: finds a subcommand without importing the others, and turns errors into exit codes."""

import importlib
import os
import sys
import traceback

import click

from hemotk._version import VERSION
from hemotk.errors import HemotkError

EXIT_BUG = 70
EXIT_INTERRUPTED = 130

# name → (module:command, help line). The help lines stand here so that `hemotk --help` imports no stage.
COMMANDS: dict[str, tuple[str, str]] = {
    "data": ("hemotk.cli.data:data", "Split an image folder, or draw phantoms."),
    "train": ("hemotk.cli.train:train", "Train a classifier on a split."),
    "import": ("hemotk.cli.importing:import_model", "Take in a Keras DenseNet that was trained elsewhere."),
    "export": ("hemotk.cli.export:export", "Turn a run into a bundle of .tflite files."),
    "bench": ("hemotk.cli.bench:bench", "Prove that a bundle still matches its float parent."),
    "predict": ("hemotk.cli.predict:predict", "Score images with a bundle."),
    "info": ("hemotk.cli.info:info", "Say what a run, bundle, split or model is."),
    "demo": ("hemotk.cli.demo:demo", "Run the whole path on phantoms."),
}


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
        result = cli.main(args=argv, prog_name="hemotk", standalone_mode=False)
    except HemotkError as error:
        return _say(str(error), error.exit_code)
    except click.exceptions.Abort:
        return _say("interrupted; finished files are whole, start the command again to go on.", EXIT_INTERRUPTED)
    except click.ClickException as error:
        error.show()
        return 2
    except KeyboardInterrupt:
        return _say("interrupted; finished files are whole, start the command again to go on.", EXIT_INTERRUPTED)
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 - the reader of our output has gone
        return 0
    except Exception:
        traceback.print_exc()
        return _say(f"this is a bug in hemotk {VERSION}; please report it with the lines above.", EXIT_BUG)
    return result if isinstance(result, int) else 0


def _say(message: str, code: int) -> int:
    click.echo(f"hemotk: {message}", err=True)
    return code

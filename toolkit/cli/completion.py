"""`hemotk completion`."""

import click
from click.shell_completion import get_completion_class

from hemotk.cli.help import Command
from hemotk.cli.terminal import echo_as_it_is

VARIABLE = "_HEMOTK_COMPLETE"


@click.command(cls=Command)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print a script that completes commands, options and files in your shell.

    \b
    Examples:
      eval "$(hemotk completion bash)"
      eval "$(hemotk completion zsh)"
      hemotk completion fish > ~/.config/fish/completions/hemotk.fish
    """
    from hemotk.cli.main import cli

    made = get_completion_class(shell)
    if made is not None:
        echo_as_it_is(made(cli, {}, "hemotk", VARIABLE).source())

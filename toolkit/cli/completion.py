"""`hemotk completion`."""

import click
from click.shell_completion import get_completion_class

VARIABLE = "_HEMOTK_COMPLETE"


@click.command()
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
        click.echo(made(cli, {}, "hemotk", VARIABLE).source())

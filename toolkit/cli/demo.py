"""`hemotk demo`: the README's commands, on phantoms, one after the other."""

import importlib.util
import time
from pathlib import Path

import click

from hemotk.cli.console import typed
from hemotk.cli.help import Command
from hemotk.cli.options import PATH, arch_option
from hemotk.errors import HemotkError


@click.command(cls=Command)
@click.option(
    "--out", type=PATH, default=Path("demo"), show_default=True, help="The folder for everything that the demo makes."
)
@arch_option("The network to train")
@click.option(
    "--size",
    type=click.IntRange(16, 1024),
    default=64,
    show_default=True,
    help="Width and height of the network's picture, in pixels.",
)
@click.option(
    "--epochs", type=click.IntRange(1), default=12, show_default=True, help="Number of passes over the training part."
)
@click.option(
    "--count", type=click.IntRange(2, 100_000), default=200, show_default=True, help="Number of phantoms to draw."
)
def demo(out: Path, arch: str, size: int, epochs: int, count: int) -> None:
    """Run the whole path on phantoms: draw, split, train, export, bench.

    The demo takes some minutes on two cores. It prints each step as the command that does it. If you stop it and start
    it again, it continues where it was.

    \b
    Examples:
      hemotk demo
      hemotk demo --arch densenet-tiny --size 64 --epochs 5 --out quick
    """
    from hemotk.cli.main import cli

    for library in ("tensorflow", "tf_keras"):  # before the minute that drawing takes
        if importlib.util.find_spec(library) is None:
            raise HemotkError(f"{library}: is not installed; run `pip install 'hemotk[train]'`.")
    started = time.monotonic()
    for made, command in steps(out, arch, size, epochs, count):
        if made is not None and made.exists():
            click.echo(f"{made}: is there already")
            continue
        click.secho(f"\n$ {typed(['hemotk', *command])}", bold=True)
        cli.main(command, prog_name="hemotk", standalone_mode=False)
    click.echo(f"\nthe demo took {time.monotonic() - started:.0f} s; everything it made is in {out}/")


def steps(out: Path, arch: str, size: int, epochs: int, count: int) -> list[tuple[Path | None, list[str]]]:
    """The commands in order, each with what it makes (None: always run)."""
    images, split = out / "phantoms", out / "split.json"
    run, bundle = out / "runs" / arch, out / "bundles" / arch
    training = ["--arch", arch, "--size", str(size), "--epochs", str(epochs)]
    return [
        (images, ["data", "phantom", str(images), "--count", str(count)]),
        (split, ["data", "split", str(images), "--out", str(split)]),
        (run, ["train", str(split), *training, "--out", str(run), "--resume"]),
        (bundle, ["export", str(run), "--quantize", "int8", "--out", str(bundle)]),
        (None, ["bench", str(bundle)]),
    ]

"""`hemotk card`."""

from pathlib import Path

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, overwrite_option, run_or_newest
from hemotk.cli.terminal import echo_as_it_is
from hemotk.files import write_bytes


@click.command(cls=Command)
@click.argument("run", type=PATH, required=False)
@click.option(
    "--bundle", type=PATH, help="The bundle that was exported from the run. The card then has a section on its models."
)
@click.option(
    "--audit",
    type=PATH,
    help="The file of `hemotk data audit --json` on the images. The card then has a section on shortcuts.",
)
@click.option("--out", type=PATH, help="The Markdown file to write.  [default: print it]")
@overwrite_option
def card(*, run: Path | None, bundle: Path | None, audit: Path | None, out: Path | None, overwrite: bool) -> None:
    """Write the model card of a RUN in Markdown.

    The card says what the run was made from, what it does and what it is not for. It has the data, figures with
    intervals, the operating point, what quantization changed, the intended use and the limits. It names no patient and
    no path. `hemotk export` writes a card into every bundle.

    RUN is a run folder. The default is the newest finished run under runs/.

    \b
    Examples:
      hemotk card runs/first
      hemotk card runs/first --bundle bundles/first --out MODEL_CARD.md
    """
    from hemotk.api.describing import card as card_of

    text = card_of(run_or_newest(run), bundle=bundle, audit=audit)
    if out is None:
        echo_as_it_is(text)
        return
    write_bytes(out, text.encode(), overwrite=overwrite)
    click.echo(f"wrote {out}")

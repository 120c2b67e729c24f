"""`hemotk data`: split a folder, draw phantoms."""

from pathlib import Path

import click

from hemotk.cli.options import PATH, Decorator, Progress, overwrite_option
from hemotk.errors import HemotkError


@click.group()
def data() -> None:
    """Split an image folder, or draw phantoms."""


# Passed on as `classes`, one string with a comma.
classes_option: Decorator = click.option(
    "--classes",
    default="normal,hemorrhage",
    show_default=True,
    metavar="A,B",
    help="Names of the class without and with hemorrhage.",
)


def two_classes(text: str) -> tuple[str, str]:
    """'a,b' as a pair.

    Raises:
        HemotkError: not two names.
    """
    names = [name.strip() for name in text.split(",")]
    if len(names) != 2 or not all(names):
        raise HemotkError(f"--classes {text}: must be two names with a comma, such as normal,hemorrhage.")
    return names[0], names[1]


@data.command()
@click.argument("folder", type=PATH)
@click.option("--test", default=0.2, show_default=True, help="Share of all images kept for the test.")
@click.option("--validation", default=0.2, show_default=True, help="Share of the rest kept for validation.")
@click.option("--seed", default=0, show_default=True, help="Another seed, another split.")
@click.option("--out", type=PATH, default=Path("split.json"), show_default=True, help="The split file to write.")
@classes_option
@overwrite_option
def split(*, folder: Path, test: float, validation: float, seed: int, out: Path, classes: str, overwrite: bool) -> None:
    """Divide FOLDER into training, validation and test.

    FOLDER holds the subfolders normal/ and hemorrhage/, or images with a labels.csv (columns id or path, then
    hemorrhage or label, optionally patient). Classes are balanced over the parts; patients and copies of one picture
    stay together.

    \b
    Examples:
      hemotk data split head_ct --out split.json
      hemotk data split slices --test 0.3 --seed 7 --classes healthy,bleed
    """
    from hemotk.artifacts import PARTS
    from hemotk.data.scan import scan
    from hemotk.data.splits import SplitConfig, make_split
    from hemotk.files import refuse_existing

    refuse_existing(out, overwrite)
    config = SplitConfig(test, validation, seed)
    found = scan(folder, two_classes(classes))
    with Progress("reading images", len(found.images)) as progress:
        manifest = make_split(found, config, lambda done, total: progress.advance())
    manifest.write(out, overwrite=overwrite)
    for part in PARTS:
        items = manifest.part(part)
        positives = sum(item.label for item in items)
        click.echo(f"{part:10} {len(items):6} images, {positives} of class {manifest.classes[1]}")
    if found.unlabelled:
        click.echo(f"left out   {found.unlabelled:6} images that labels.csv does not name")
    if manifest.grouping == "none":
        click.echo("patients are not known: neighbouring slices of one patient may lie in different parts.")
    click.echo(f"wrote {out}")


@data.command()
@click.argument("folder", type=PATH)
@click.option("--count", default=200, show_default=True, help="How many slices, half of them with hemorrhage.")
@click.option("--seed", default=0, show_default=True, help="Another seed, other heads.")
@overwrite_option
def phantom(folder: Path, count: int, seed: int, overwrite: bool) -> None:
    """Draw synthetic head CT slices into FOLDER, so that everyone has data.

    \b
    Example:
      hemotk data phantom phantoms --count 200 --seed 0
    """
    from hemotk.data.phantom import PhantomConfig, write_phantoms

    with Progress("drawing", count) as progress:
        config = PhantomConfig(count=count, seed=seed)
        write_phantoms(folder, config, overwrite=overwrite, progress=lambda done, total: progress.advance())
    click.echo(f"wrote {count} phantoms to {folder}")

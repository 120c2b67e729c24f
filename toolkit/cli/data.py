"""`hemotk data`: audit a folder, split it, draw phantoms."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.cli.options import PATH, Decorator, Progress, overwrite_option
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from hemotk.artifacts import SplitManifest


@click.group()
def data() -> None:
    """Audit or split an image folder, or draw phantoms."""


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
@click.option(
    "--groups",
    type=click.Choice(["auto", "patient", "none"]),
    default="auto",
    show_default=True,
    help="What stays together besides equal pictures: patients and near duplicates, patients, or nothing.",
)
@click.option("--folds", type=int, help="Write this many folds for cross-validation, each tested once.")
@click.option("--out", type=PATH, help="What to write: a file (split.json), or with --folds a folder (folds).")
@classes_option
@overwrite_option
def split(
    *,
    folder: Path,
    test: float,
    validation: float,
    seed: int,
    groups: str,
    folds: int | None,
    out: Path | None,
    classes: str,
    overwrite: bool,
) -> None:
    """Divide FOLDER into training, validation and test.

    FOLDER holds the subfolders normal/ and hemorrhage/, or images with a labels.csv (columns id or path, then
    hemorrhage or label, optionally patient). Classes are balanced over the parts. Equal pictures always stay together;
    so do, by default, the images of a patient and near duplicates: one slice rescaled, windowed, compressed or
    mirrored, and neighbouring slices of a head. With --folds each fold is the test part of one split file.

    \b
    Examples:
      hemotk data split head_ct --out split.json
      hemotk data split slices --test 0.3 --seed 7 --classes healthy,bleed
      hemotk data split slices --groups patient --folds 5 --out folds
    """
    from hemotk.data.folds import make_folds, write_folds
    from hemotk.data.scan import scan
    from hemotk.data.splits import SplitConfig, make_split
    from hemotk.files import refuse_existing

    out = out or Path("folds" if folds is not None else "split.json")
    refuse_existing(out, overwrite)
    config = SplitConfig(test, validation, seed, groups)  # type: ignore[arg-type]
    found = scan(folder, two_classes(classes))
    with Progress("reading images", len(found.images)) as progress:
        if folds is None:
            manifests = (make_split(found, config, lambda done, total: progress.advance()),)
        else:
            manifests = make_folds(found, config, folds, lambda done, total: progress.advance())
    if folds is None:
        manifests[0].write(out, overwrite=overwrite)
    else:
        write_folds(out, manifests, overwrite=overwrite)
    _say_parts(manifests)
    if found.unlabelled:
        click.echo(f"left out   {found.unlabelled:6} images that labels.csv does not name")
    _say_groups(manifests[0], any(image.patient for image in found.images))
    click.echo(f"wrote {out}")


def _say_parts(manifests: tuple["SplitManifest", ...]) -> None:
    from hemotk.artifacts import PARTS

    for manifest in manifests:
        if manifest.fold is not None:
            click.echo(f"fold {manifest.fold} of {manifest.folds}")
        for part in PARTS:
            items = manifest.part(part)
            positives = sum(item.label for item in items)
            click.echo(f"{part:10} {len(items):6} images, {positives} of class {manifest.classes[1]}")


def _say_groups(manifest: "SplitManifest", patients: bool) -> None:
    words = {"patient": "of one patient", "exact": "of equal pictures", "near": "of near duplicates"}
    for reason, word in words.items():
        groups = [group for group in manifest.groups if reason in group.reasons]
        if groups:
            images = sum(group.images for group in groups)
            click.echo(f"kept together: {len(groups)} groups {word}, {images} images")
    if not patients:
        click.echo("patients are not known: slices of one patient that look different may lie in different parts.")
    elif manifest.grouping == "none":
        click.echo("patients are not heeded: slices of one patient lie in different parts.")


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

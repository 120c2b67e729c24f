"""`hemotk data`: audit a folder, split it, draw phantoms."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hemotk.cli.audit import audit
from hemotk.cli.classes import classes_option, two_classes
from hemotk.cli.folder import patient_option, say_reading
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, overwrite_option
from hemotk.cli.window import hu_offset_option

if TYPE_CHECKING:
    from hemotk.artifacts import SplitManifest


@click.group()
def data() -> None:
    """Audit, split or draw images."""


data.add_command(audit)


@data.command(cls=Command)
@click.argument("folder", type=PATH)
@click.option("--test", default=0.2, show_default=True, help="Share of all images that is kept for the test part.")
@click.option(
    "--validation", default=0.2, show_default=True, help="Share of the remaining images that is kept for validation."
)
@click.option(
    "--seed", default=0, show_default=True, help="Seed of the random split. Another seed gives another split."
)
@click.option(
    "--groups",
    type=click.Choice(["auto", "patient", "none"]),
    default="auto",
    show_default=True,
    help="What stays in one part, besides equal pictures. auto: patients and near duplicates; patient: patients; none: "
    "nothing.",
)
@click.option("--patients", type=PATH, metavar="FILE", help="RSNA 2019 only: a table with the columns id,patient.")
@patient_option
@hu_offset_option
@click.option("--resplit", is_flag=True, help="Make new parts, even if the table or the folders give parts.")
@click.option("--folds", type=int, help="Write this many folds for cross-validation. Each fold is the test part once.")
@click.option(
    "--out", type=PATH, help="The file to write, or with --folds the folder.  [default: split.json, with --folds folds]"
)
@classes_option
@overwrite_option
def split(
    *,
    folder: Path,
    test: float,
    validation: float,
    seed: int,
    groups: str,
    patients: Path | None,
    patient: str | None,
    hu_offset: int | None,
    resplit: bool,
    folds: int | None,
    out: Path | None,
    classes: str,
    overwrite: bool,
) -> None:
    """Divide FOLDER into training, validation and test.

    FOLDER holds the subfolders normal/ and hemorrhage/, or images with a table labels.csv. The table has the columns id
    or path, then hemorrhage or label, and optionally patient. Other usual names, separators and spellings are
    understood. The first lines of the output say how the folder was read.

    A column 'split', or folders train/, val/ and test/, give the parts. They are kept. They are refused if a patient or
    a picture lies in two of them. --resplit makes new parts.

    Classes are balanced over the parts. Equal pictures always stay in one part. By default, so do the images of one
    patient, and near duplicates: one slice rescaled, windowed, compressed or mirrored, and neighbouring slices of a
    head. With --folds, each fold is the test part of one split file.

    FOLDER may also be the RSNA 2019 set: stage_2_train.csv beside the DICOM files in stage_2_train/. These pictures are
    too many to be compared, and they get no checksums. Patients come from --patients, else from FOLDER/patients.csv,
    else from the headers of all files, which takes minutes.

    \b
    Examples:
      hemotk data split head_ct --out split.json
      hemotk data split slices --test 0.3 --seed 7 --classes healthy,bleed
      hemotk data split slices --groups patient --folds 5 --out folds
      hemotk data split slices --patient CaseNumber
    """
    from hemotk.api import data as api

    out = out or Path("folds" if folds is not None else "split.json")
    options: dict[str, Any] = {"out": out, "seed": seed, "groups": groups, "overwrite": overwrite}
    options |= {"classes": two_classes(classes), "patient": patient, "hu_offset": hu_offset}
    options |= {"test": test, "validation": validation, "resplit": resplit, "patients": patients, "say": say_reading}
    made = (api.split(folder, **options),) if folds is None else api.folds(folder, folds, **options)
    found, first = made[0].found, made[0].manifest
    _say_parts(tuple(each.manifest for each in made))
    if found is not None:
        say_reading(found, first)
        if found.given and folds is not None:
            click.echo("the parts that are given are not kept: each fold is the test part once.")
        known = any(image.patient for image in found.images) or (found.unread and first.grouping == "patient")
        _say_groups(first, known)
        if found.unread:
            click.echo("pictures are not compared, so that copies may lie in different parts, and have no checksums.")
    click.echo(f"wrote {out}")
    say_next("train", out, *(() if folds is None else ("--folds", str(folds))))


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


@data.command(cls=Command)
@click.argument("folder", type=PATH)
@click.option("--out", type=PATH, default="patients.csv", show_default=True, help="The table to write.")
@overwrite_option
def patients(*, folder: Path, out: Path, overwrite: bool) -> None:
    """Write the patients of the RSNA 2019 set into a table.

    The command reads the header of every DICOM file in FOLDER once. After that, any number of splits can use the table.
    Patients are numbered. The table says nothing else about them. `hemotk data split` takes it with --patients, or
    finds it in FOLDER by itself. The command also finds uncompressed files that are shorter than their pixels.

    \b
    Example:
      hemotk data patients rsna --out rsna/patients.csv
    """
    from hemotk.api.data import read_patients

    people, images = read_patients(folder, out=out, overwrite=overwrite, say=say_reading)
    click.echo(f"wrote {people} patients of {images} images to {out}")


@data.command(cls=Command)
@click.argument("folder", type=PATH)
@click.option("--count", default=200, show_default=True, help="Number of slices. Half of them have a hemorrhage.")
@click.option("--seed", default=0, show_default=True, help="Seed of the drawings. Another seed gives other heads.")
@overwrite_option
def phantom(folder: Path, count: int, seed: int, overwrite: bool) -> None:
    """Draw synthetic head CT slices into FOLDER.

    With these slices you can try every command without a patient.

    \b
    Example:
      hemotk data phantom phantoms --count 200 --seed 0
    """
    from hemotk.api.data import draw_phantoms

    draw_phantoms(folder, count=count, seed=seed, overwrite=overwrite)
    click.echo(f"wrote {count} phantoms to {folder}")
    say_next("data", "audit", folder)


@data.command(cls=Command)
@click.argument("splits", type=PATH, nargs=-1, required=True, metavar="SPLIT...")
@click.option("--out", type=PATH, default=Path("merged.json"), show_default=True, help="The split file to write.")
@overwrite_option
def merge(*, splits: tuple[Path, ...], out: Path, overwrite: bool) -> None:
    """Make one split from several.

    The splits may come from two hospitals, for example. Every image keeps its part. A file that two of the splits hold
    is refused. If an image looks like one of another folder that is in a later part (validation or test), it is left
    out: nothing that is trained on may look like what is tested. Patients are not compared, since their numbers mean
    something in one folder only.

    \b
    Example:
      hemotk data merge ours.json theirs.json --out both.json
    """
    from hemotk.api.data import merge as merge_splits
    from hemotk.data.split.merge import swamped

    merged = merge_splits(splits, out=out, overwrite=overwrite)
    _say_parts((merged.manifest,))
    for line in merged.manifest.reading or ():
        click.echo(line)
    click.echo("patients were compared within each folder, not between them: one of two folders may be in two parts.")
    if (note := swamped(merged.manifest)) is not None:
        click.echo(note)
    click.echo(f"wrote {out}")
    say_next("train", out)

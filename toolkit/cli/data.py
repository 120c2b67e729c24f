"""`hemotk data`: audit a folder, split it, draw phantoms."""

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click
from click.core import ParameterSource

from hemotk.cli.columns import columns
from hemotk.cli.options import PATH, Decorator, Progress, json_option, overwrite_option
from hemotk.cli.progress import reading
from hemotk.cli.window import hu_offset_option
from hemotk.errors import HemotkError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hemotk.artifacts import AuditReport, SplitManifest
    from hemotk.data.found import FoundFolder


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


# Passed on as `patient`, None where nothing is said.
patient_option: Decorator = click.option(
    "--patient",
    metavar="COLUMN|folder|file-name|study",
    help="What names the patient: a column of the table, the folders, the files' names before the last number, or the "
    "study in DICOM headers.",
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


def check_classes(text: str, split: "SplitManifest", source: Path) -> None:
    """Check that `text`, from --classes, does not contradict the classes of the split in `source`.

    Raises:
        HemotkError: it is malformed, or was given and names other classes.
    """
    named, context = two_classes(text), click.get_current_context(silent=True)
    default = context is not None and context.get_parameter_source("classes") is ParameterSource.DEFAULT
    if named != split.classes and not default:
        raise HemotkError(
            f"--classes {text}: the classes of {source} are {','.join(split.classes)}; leave the option out, or split "
            "the folder anew with it."
        )


def keep_images(out: Path, folder: Path, split: "SplitManifest | None" = None) -> None:
    """Check that replacing `out` would not remove the images in `folder`, of which `split` may name some.

    Raises:
        HemotkError: `out` is that folder or holds it, or holds an image of the split.
    """
    source, target = folder.resolve(), out.resolve()
    if source.is_relative_to(target):
        raise HemotkError(f"--out {out}: is the image folder {folder} or holds it; choose another --out.")
    if split is not None and target.is_relative_to(source):
        start = f"{target.relative_to(source).as_posix()}/"
        if found := next((item.path for item in split.items if item.path.startswith(start)), None):
            raise HemotkError(f"--out {out}: holds the image {folder / found} of the split; choose another --out.")


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
@click.option("--patients", type=PATH, metavar="FILE", help="Table id,patient; only beside stage_2_train.csv.")
@patient_option
@hu_offset_option
@click.option("--resplit", is_flag=True, help="Deal the parts anew where the table or the folders give some.")
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

    FOLDER holds the subfolders normal/ and hemorrhage/, or images with a labels.csv (columns id or path, then
    hemorrhage or label, optionally patient). Other usual names, separators and spellings are understood; the first
    lines of the output say how. A column 'split' or folders train/, val/ and test/ give the parts: they are kept, and
    refused if a patient or a picture lies in two of them; --resplit deals anew.

    Classes are balanced over the parts. Equal pictures always stay together;
    so do, by default, the images of a patient and near duplicates: one slice rescaled, windowed, compressed or
    mirrored, and neighbouring slices of a head. With --folds each fold is the test part of one split file.

    FOLDER may also be the RSNA 2019 set: stage_2_train.csv beside the DICOM files in stage_2_train/. Its pictures are
    too many to be compared and get no checksums; patients are those of --patients, else of FOLDER/patients.csv, else
    of the headers of all files, which takes minutes.

    \b
    Examples:
      hemotk data split head_ct --out split.json
      hemotk data split slices --test 0.3 --seed 7 --classes healthy,bleed
      hemotk data split slices --groups patient --folds 5 --out folds
      hemotk data split slices --patient CaseNumber
    """
    from hemotk.data.folds import make_folds, write_folds
    from hemotk.data.scan import scan
    from hemotk.data.splits import SplitConfig, make_split
    from hemotk.files import refuse_existing

    out = out or Path("folds" if folds is not None else "split.json")
    keep_images(out, folder)
    refuse_existing(out, overwrite)
    config = SplitConfig(test, validation, seed, groups, resplit)  # type: ignore[arg-type]
    found = scan(folder, two_classes(classes), patients, patient, hu_offset)
    say_reading(found)
    with reading(found, groups) as progress:
        if folds is not None:
            manifests = make_folds(found, config, folds, progress)
        else:
            manifests = (make_split(found, config, progress),)
    if folds is not None:
        write_folds(out, manifests, overwrite=overwrite)
    else:
        manifests[0].write(out, overwrite=overwrite)
    _say_parts(manifests)
    say_reading(found, manifests[0])
    if found.given and folds is not None:
        click.echo("the parts that are given are not kept: each fold is the test part once.")
    known = any(image.patient for image in found.images) or (found.unread and manifests[0].grouping == "patient")
    _say_groups(manifests[0], known)
    if found.unread:
        click.echo("pictures are not compared, so that copies may lie in different parts, and have no checksums.")
    click.echo(f"wrote {out}")


def say_reading(found: "FoundFolder", split: "SplitManifest | None" = None) -> None:
    """Print how the folder was understood and what was left out; with `split`, what was seen after that."""
    lines = found.lines()
    for line in lines if split is None else (split.reading or ())[len(lines) :]:
        click.echo(line)


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
@click.option("--out", type=PATH, default="patients.csv", show_default=True, help="Table to write.")
@overwrite_option
def patients(*, folder: Path, out: Path, overwrite: bool) -> None:
    """Read once whose slices those of the RSNA 2019 set in FOLDER are, for many a split.

    Patients are numbered: the table says nothing else about them. `hemotk data split` takes it with --patients, or by
    itself where it lies in FOLDER. Uncompressed files shorter than their pixels are found here.

    \b
    Example:
      hemotk data patients rsna --out rsna/patients.csv
    """
    from hemotk.data.rsna import TABLE, is_rsna, scan_rsna
    from hemotk.data.rsna_patients import read_patients, table_of
    from hemotk.files import refuse_existing, write_bytes

    refuse_existing(out, overwrite)
    if not is_rsna(folder):
        raise HemotkError(f"{folder}: has no {TABLE}; other folders say patients in their labels.csv.")
    found = scan_rsna(folder, two_classes("normal,hemorrhage"))
    with Progress("reading headers", len(found.images)) as progress:
        numbers = read_patients(found, lambda done, total: progress.advance())
    write_bytes(out, table_of(found, numbers), overwrite=overwrite)
    say_reading(found)
    click.echo(f"wrote {len(set(numbers))} patients of {len(numbers)} images to {out}")


@data.command()
@click.argument("folder", type=PATH)
@click.option("--html", type=PATH, metavar="FILE", help="Also write a page to FILE; it shows no pictures.")
@json_option
@click.option("--sheet", type=PATH, metavar="FILE.png", help="Also draw the duplicates; shows pixels of patients.")
@click.option("--pictures", is_flag=True, help="Embed the duplicates in the page; shows pixels of patients.")
@classes_option
@overwrite_option
def audit(
    *,
    folder: Path,
    html: Path | None,
    json_file: Path | None,
    sheet: Path | None,
    pictures: bool,
    classes: str,
    overwrite: bool,
) -> None:
    """Look through FOLDER before anything is trained on it.

    Counts, sizes and unreadable files; equal pictures and near duplicates (rescaled, shifted, windowed, compressed or
    mirrored copies, and neighbouring slices of one head); and shortcuts: whether file size, picture size, aspect
    ratio, colour, corner text or border brightness alone predict the label better than chance.

    \b
    Examples:
      hemotk data audit head_ct
      hemotk data audit slices --html audit.html --json audit.json --sheet duplicates.png
    """
    from hemotk.data.audit import audit as look_through
    from hemotk.data.rsna import TABLE, is_rsna
    from hemotk.data.scan import scan
    from hemotk.files import refuse_existing, write_bytes

    if pictures and html is None:
        raise HemotkError("--pictures: needs the page they go into; add --html FILE.")
    for file in (html, json_file, sheet):
        if file is not None:
            refuse_existing(file, overwrite)
    if is_rsna(folder):
        raise HemotkError(
            f"{folder}: with {TABLE} it holds too many pictures to compare each with every other; copy some thousands "
            "of them into normal/ and hemorrhage/ of a new folder and audit that."
        )
    found = scan(folder, two_classes(classes))
    with Progress("reading images", len(found.images)) as progress:
        report = look_through(found, lambda done, total: progress.advance())
    for line in _audit_lines(report):
        click.echo(line)
    for file, content in _audit_files(report, folder, _Outputs(html, json_file, sheet, pictures)):
        write_bytes(file, content, overwrite=overwrite)
        shows = " (shows pixels of patients)" if file == sheet or (file == html and pictures) else ""
        click.echo(f"wrote {file}{shows}")


class _Outputs(NamedTuple):
    """Where an audit is written to, and whether the page embeds pictures."""

    html: Path | None
    json: Path | None
    sheet: Path | None
    pictures: bool


def _audit_lines(report: "AuditReport") -> "Iterator[str]":
    from hemotk.cli.audit_text import PROBE_HEADINGS, contents, findings, probe_rows

    yield from columns(list(contents(report)))
    for file in report.unreadable:
        yield f"  {file.path}: {file.why}"
    yield ""
    yield from columns([PROBE_HEADINGS, *probe_rows(report)])
    yield ""
    yield from (f"- {line}" for line in findings(report))


def _audit_files(report: "AuditReport", folder: Path, outputs: _Outputs) -> list[tuple[Path, bytes]]:
    """Every file to write, made before the first is written."""
    from hemotk.cli.audit_page import render
    from hemotk.data.audit_sheet import contact_sheet

    drawn = contact_sheet(report, folder) if outputs.sheet is not None or outputs.pictures else b""
    files = []
    if outputs.html is not None:
        files.append((outputs.html, render(report, drawn if outputs.pictures else None).encode()))
    if outputs.json is not None:
        files.append((outputs.json, report.to_json()))
    if outputs.sheet is not None:
        files.append((outputs.sheet, drawn))
    return files


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


@data.command()
@click.argument("splits", type=PATH, nargs=-1, required=True, metavar="SPLIT...")
@click.option("--out", type=PATH, default=Path("merged.json"), show_default=True, help="The split file to write.")
@overwrite_option
def merge(*, splits: tuple[Path, ...], out: Path, overwrite: bool) -> None:
    """Make one split of several, such as those of two hospitals; every image keeps its part.

    Patients, and pictures that are alike, are not looked for between the folders; a file that two of them have is
    refused.

    \b
    Example:
      hemotk data merge ours.json theirs.json --out both.json
    """
    from hemotk.artifacts import SplitManifest
    from hemotk.data.merge import merge_splits
    from hemotk.files import refuse_existing

    refuse_existing(out, overwrite)
    merged = merge_splits([SplitManifest.read(path) for path in splits])
    merged.write(out, overwrite=overwrite)
    _say_parts((merged,))
    click.echo(
        "patients and copies were compared within each folder, not between them: one that lies in two may be in "
        "different parts."
    )
    click.echo(f"wrote {out}")

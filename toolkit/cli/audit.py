"""`hemotk data audit`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from hemotk.cli.classes import classes_option, two_classes
from hemotk.cli.folder import patient_option
from hemotk.cli.options import PATH, json_option, overwrite_option
from hemotk.cli.window import hu_offset_option
from hemotk.errors import CheckFailed, HemotkError
from hemotk.progress import bars
from hemotk.render.columns import columns

if TYPE_CHECKING:
    from hemotk.artifacts import AuditReport


@click.command()
@click.argument("folder", type=PATH)
@click.option(
    "--html",
    type=PATH,
    metavar="FILE",
    help="Also write an HTML page to FILE. It shows no pictures unless you add --pictures.",
)
@json_option
@click.option(
    "--sheet",
    type=PATH,
    metavar="FILE.png",
    help="Also draw the duplicates into FILE.png. It shows pixels of patients.",
)
@click.option(
    "--pictures", is_flag=True, help="With --html: show the duplicates in the page. It then shows pixels of patients."
)
@click.option(
    "--fail-on",
    metavar="WORDS",
    default="",
    help="End with exit code 1 if one of these is found. WORDS are separated by commas: unreadable, blank, grays, "
    "duplicates, contradictions, patients, leaks, shortcuts, problems.",
)
@classes_option
@patient_option
@hu_offset_option
@overwrite_option
def audit(
    *,
    folder: Path,
    html: Path | None,
    json_file: Path | None,
    sheet: Path | None,
    pictures: bool,
    fail_on: str,
    classes: str,
    patient: str | None,
    hu_offset: int | None,
    overwrite: bool,
) -> int:
    """Look through FOLDER before anything is trained on it.

    \b
    The audit finds:
    - counts, sizes, unreadable and blank files, and pictures of 16 gray
      levels or fewer;
    - equal pictures, and near duplicates: rescaled, shifted, windowed,
      compressed or mirrored copies, and neighbouring slices of one head;
    - shortcuts: file size, picture size, aspect ratio, colour, corner text
      or border brightness, if one of them alone predicts the label better
      than chance, with an AUC of 0.6 or more.

    If a property only follows the slice level, the audit says so. FOLDER need not be one that can be split. With one
    class, or without labels, the audit does everything that needs no labels.

    \b
    With --fail-on, the exit code is 1 if one of the words applies:
    - problems: `hemotk data split` would refuse the folder, for example
      because a table contradicts the folders;
    - unreadable: files that cannot be read;
    - blank: blank pictures;
    - grays: pictures of 16 gray levels or fewer;
    - duplicates: equal pictures or near duplicates;
    - contradictions: equal pictures with different labels;
    - patients: pairs of duplicates from two patients;
    - leaks: duplicates or patients in two parts, if the folder gives parts;
    - shortcuts: as above.

    Without labels, the audit cannot look for shortcuts and contradictions. Then both words apply.

    \b
    Examples:
      hemotk data audit head_ct
      hemotk data audit slices --html audit.html --json audit.json --sheet duplicates.png
      hemotk data audit slices --fail-on unreadable,contradictions,shortcuts
    """
    from hemotk.data.audit.gate import failures, words_of
    from hemotk.data.audit.report import audit as look_through
    from hemotk.data.audit.scan import scan_for_audit
    from hemotk.data.scan.rsna import TABLE, is_rsna
    from hemotk.files import refuse_existing, write_bytes

    words = words_of(fail_on)
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
    with bars() as tell:
        report = look_through(scan_for_audit(folder, two_classes(classes), patient, hu_offset), tell)
    for line in _lines(report):
        click.echo(line)
    for file, content in _files(report, folder, _Outputs(html, json_file, sheet, pictures, hu_offset)):
        write_bytes(file, content, overwrite=overwrite)
        shows = " (shows pixels of patients)" if file == sheet or (file == html and pictures) else ""
        click.echo(f"wrote {file}{shows}")
    failed = failures(report, words)
    for sentence in failed:
        click.echo(f"failed: {sentence}")
    return CheckFailed.exit_code if failed else 0


class _Outputs(NamedTuple):
    """Where an audit is written to, and whether the page embeds pictures."""

    html: Path | None
    json: Path | None
    sheet: Path | None
    pictures: bool
    hu_offset: int | None


def _lines(report: "AuditReport") -> Iterator[str]:
    from hemotk.data.audit.text import PROBE_HEADINGS, contents, findings, probe_rows

    yield from report.reading or ()
    yield from columns(list(contents(report)))
    for file in report.unreadable:
        yield f"  {file.path}: {file.why}"
    yield ""
    if report.probes:
        yield from columns([PROBE_HEADINGS, *probe_rows(report)])
        yield ""
    yield from (f"- {line}" for line in findings(report))
    yield from (f"not checked: {line}" for line in report.unchecked or ())


def _files(report: "AuditReport", folder: Path, outputs: _Outputs) -> list[tuple[Path, bytes]]:
    """Every file to write, made before the first is written."""
    from hemotk.data.audit.page import render
    from hemotk.data.audit.sheet import contact_sheet

    drawn = contact_sheet(report, folder, outputs.hu_offset) if outputs.sheet is not None or outputs.pictures else b""
    files = []
    if outputs.html is not None:
        files.append((outputs.html, render(report, drawn if outputs.pictures else None).encode()))
    if outputs.json is not None:
        files.append((outputs.json, report.to_json()))
    if outputs.sheet is not None:
        files.append((outputs.sheet, drawn))
    return files

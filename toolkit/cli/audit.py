"""`hemotk data audit`."""

from collections.abc import Callable
from pathlib import Path

import click

from hemotk.cli.classes import classes_option, two_classes
from hemotk.cli.folder import patient_option
from hemotk.cli.help import Command
from hemotk.cli.next_step import say_next
from hemotk.cli.options import PATH, json_option, overwrite_option
from hemotk.cli.standard_output import may_print
from hemotk.cli.window import hu_offset_option
from hemotk.errors import CheckFailed, HemotkError


@click.command(cls=Command)
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
@may_print("json_file", "html")
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
      hemotk data audit slices --html audit.html --sheet duplicates.png
      hemotk data audit slices --fail-on unreadable,contradictions,shortcuts
    """
    from hemotk.api.data import audit as look_through
    from hemotk.data.audit.gate import words_of
    from hemotk.files import refuse_existing, write_bytes

    words = words_of(fail_on)
    if pictures and html is None:
        raise HemotkError("--pictures: needs the page they go into; add --html FILE.")
    for file in (html, json_file, sheet):
        if file is not None:
            refuse_existing(file, overwrite)
    audited = look_through(folder, classes=two_classes(classes), patient=patient, hu_offset=hu_offset)
    for line in audited.lines:
        click.echo(line)
    # Every file is made before the first is written.
    files: list[tuple[Path | None, Callable[[], bytes]]] = [
        (html, lambda: audited.page(pictures=pictures).encode()),
        (json_file, audited.report.to_json),
        (sheet, audited.sheet),
    ]
    for file, content in [(file, content()) for file, content in files if file is not None]:
        write_bytes(file, content, overwrite=overwrite)
        shows = " (shows pixels of patients)" if file == sheet or (file == html and pictures) else ""
        click.echo(f"wrote {file}{shows}")
    failed = audited.failures(words)
    for sentence in failed:
        click.echo(f"failed: {sentence}")
    if not failed:
        say_next("plan", folder)
    return CheckFailed.exit_code if failed else 0

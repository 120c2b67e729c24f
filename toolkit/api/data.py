"""Folders of images: split them, audit them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hemotk.api.common import CLASSES, PathLike, Progress, block, lines, maybe, table, telling
from hemotk.artifacts import PARTS, AuditReport, SplitManifest
from hemotk.data.audit.gate import failures, words_of
from hemotk.data.audit.page import render
from hemotk.data.audit.report import audit as look_through
from hemotk.data.audit.scan import scan_for_audit
from hemotk.data.audit.sheet import contact_sheet
from hemotk.data.audit.text import findings, text
from hemotk.data.phantom.draw import PhantomConfig, write_phantoms
from hemotk.data.scan.folder import scan
from hemotk.data.scan.found import FoundFolder
from hemotk.data.scan.rsna import TABLE, is_rsna, scan_rsna
from hemotk.data.scan.rsna_patients import read_patients as patients_of
from hemotk.data.scan.rsna_patients import table_of
from hemotk.data.split.folds import make_folds, read_folds, refold, write_folds
from hemotk.data.split.likeness import without_copies
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.data.split.merge import merge_splits
from hemotk.errors import HemotkError
from hemotk.files import keep_out, refuse_existing, write_bytes

Groups = Literal["auto", "patient", "none"]


@dataclass(frozen=True)
class Split:
    """Training, validation and test part of a folder; `manifest` lists every image.

    `path` is the file that it was read from or written to, None while it is in memory alone. `found` is what the folder
    holds, None for a split that was read from a file.
    """

    manifest: SplitManifest
    path: Path | None = None
    found: FoundFolder | None = field(default=None, repr=False, compare=False)

    @classmethod
    def open(cls, path: PathLike) -> "Split":
        """Read the split file at `path`.

        Raises:
            HemotkError: it cannot be read.
        """
        return cls(SplitManifest.read(Path(path)), Path(path))

    @property
    def reading(self) -> tuple[str, ...]:
        """The folder as it was understood, a line each."""
        return tuple(self.manifest.reading or ())

    def save(self, path: PathLike, *, overwrite: bool = False) -> "Split":
        """Write the split to the file `path`, and give it back with that path.

        Raises:
            HemotkError: the file exists and `overwrite` is false, or it cannot be written.
        """
        self.manifest.write(Path(path), overwrite=overwrite)
        return Split(self.manifest, Path(path), self.found)

    def counts(self) -> dict[str, tuple[int, int]]:
        """Images of each part, and how many of them have label 1."""
        items = {part: self.manifest.part(part) for part in PARTS}
        return {part: (len(each), sum(item.label for item in each)) for part, each in items.items()}

    def __repr__(self) -> str:
        counts = ", ".join(f"{part} {images}" for part, (images, _) in self.counts().items())
        return f"<hemotk.Split {counts}>"

    def _repr_html_(self) -> str:
        rows = [(part, str(count), str(positives)) for part, (count, positives) in self.counts().items()]
        headings = ("part", "images", self.manifest.classes[1])
        return block("Split", table(headings, rows), lines(self.reading))


@dataclass(frozen=True)
class Audit:
    """The audit of `folder`, whose 16-bit pictures were read with `hu_offset`; `report` has all figures."""

    report: AuditReport
    folder: Path
    hu_offset: int | None = None

    @property
    def findings(self) -> tuple[str, ...]:
        """The findings that stand out, a sentence each."""
        return tuple(findings(self.report))

    @property
    def lines(self) -> tuple[str, ...]:
        """The audit as text for a terminal."""
        return tuple(text(self.report))

    def failures(self, words: Sequence[str]) -> tuple[str, ...]:
        """A sentence for each of the `words` that applies, such as 'leaks' or 'shortcuts'.

        Raises:
            HemotkError: there is no such word.
        """
        return tuple(failures(self.report, words_of(",".join(words))))

    def sheet(self) -> bytes:
        """The duplicates side by side, as a PNG: it shows pixels of patients."""
        return contact_sheet(self.report, self.folder, self.hu_offset)

    def page(self, *, pictures: bool = False) -> str:
        """The audit as an HTML page. With `pictures` it shows the duplicates, which are pixels of patients."""
        return render(self.report, self.sheet() if pictures else None)

    def save(self, path: PathLike, *, pictures: bool = False, overwrite: bool = False) -> None:
        """Write the report to `path`: .json, .html (with `pictures` or without), or .png for the sheet of duplicates.

        Raises:
            HemotkError: another ending, or the file exists and `overwrite` is false.
        """
        content: dict[str, Callable[[], bytes]] = {
            ".json": self.report.to_json,
            ".html": lambda: self.page(pictures=pictures).encode(),
            ".png": self.sheet,
        }
        ending = Path(path).suffix.lower()
        if ending not in content:
            raise HemotkError(f"{path}: ends in none of {', '.join(content)}; name such a file.")
        refuse_existing(Path(path), overwrite)
        write_bytes(Path(path), content[ending](), overwrite=overwrite)

    def __repr__(self) -> str:
        return f"<hemotk.Audit of {self.report.folder}: {len(self.findings)} findings>"

    def _repr_html_(self) -> str:
        return block("Audit", lines([*(self.report.reading or ()), *self.findings]))


def split(
    folder: PathLike,
    *,
    out: PathLike | None = None,
    test: float = 0.2,
    validation: float = 0.2,
    seed: int = 0,
    groups: Groups = "auto",
    resplit: bool = False,
    classes: tuple[str, str] = CLASSES,
    patient: str | None = None,
    patients: PathLike | None = None,
    hu_offset: int | None = None,
    overwrite: bool = False,
    progress: Progress = True,
    say: Callable[[FoundFolder], None] = lambda found: None,
) -> Split:
    """Divide the images of `folder` into training, validation and test part.

    `test` is the share of all images that is kept for the test, `validation` the share of the rest. Equal pictures stay
    together; so do, by `groups`, patients and near duplicates ('auto'), patients ('patient'), or nothing ('none').
    `classes` are the words for label 0 and 1. `patient` says what names patients: a column, 'folder', 'file-name' or
    'study'; `patients` is a table for the RSNA 2019 set. With `hu_offset` values of 16-bit pictures are Hounsfield
    units plus that number. `out` is a file to write the split to. `say` is told how the folder was understood, before
    the pictures are compared.

    Raises:
        HemotkError: a folder that cannot be understood or split, or `out` exists and `overwrite` is false.
    """
    config = SplitConfig(test, validation, seed, groups, resplit)
    if out is not None:
        keep_out(Path(out), Path(folder))
        refuse_existing(Path(out), overwrite)
    scanned = scan(Path(folder), classes, maybe(patients), patient, hu_offset)
    say(scanned)
    with telling(progress) as tell:
        made = Split(make_split(scanned, config, tell), found=scanned)
    return made if out is None else made.save(out, overwrite=overwrite)


def folds(
    source: PathLike | Split,
    count: int = 5,
    *,
    out: PathLike | None = None,
    test: float = 0.2,
    validation: float = 0.2,
    seed: int = 0,
    groups: Groups = "auto",
    resplit: bool = False,
    classes: tuple[str, str] = CLASSES,
    patient: str | None = None,
    patients: PathLike | None = None,
    hu_offset: int | None = None,
    overwrite: bool = False,
    progress: Progress = True,
    say: Callable[[FoundFolder], None] = lambda found: None,
) -> tuple[Split, ...]:
    """Divide images into `count` folds, of which each is the test part of one split.

    `source` is a folder of images, a folder of folds, or a split whose images are dealt anew; the other arguments are
    those of `split`. `out` is a folder to write the folds to.

    Raises:
        HemotkError: images that cannot be divided into so many folds, or `out` exists and `overwrite` is false.
    """
    config = SplitConfig(test, validation, seed, groups, resplit)
    if out is not None:
        if not isinstance(source, Split):
            keep_out(Path(out), Path(source))
        refuse_existing(Path(out), overwrite)
    scanned = None
    if isinstance(source, Split):
        made = refold(source.manifest, count)
    elif (Path(source) / "fold1.json").is_file():
        made = read_folds(Path(source))
        if len(made) != count:
            raise HemotkError(f"‹folds› {count}: {source} holds {len(made)} folds; give ‹folds› {len(made)}.")
    elif Path(source).is_dir():
        scanned = scan(Path(source), classes, maybe(patients), patient, hu_offset)
        say(scanned)
        with telling(progress) as tell:
            made = make_folds(scanned, config, count, tell)
    else:
        made = refold(SplitManifest.read(Path(source)), count)
    if out is not None:
        write_folds(Path(out), made, overwrite=overwrite)
    return tuple(Split(each, found=scanned) for each in made)


def merge(
    splits: Sequence[PathLike | Split],
    *,
    out: PathLike | None = None,
    overwrite: bool = False,
    progress: Progress = True,
) -> Split:
    """Make one split of several, such as those of two hospitals; every image keeps its part.

    An image that looks like one of another folder in a later part is left out, so that nothing that is trained on
    looks like what is tested. `manifest.reading` says which, and what could not be compared.

    Raises:
        HemotkError: splits that do not fit together, an image that cannot be read, or `out` exists and `overwrite` is
            false.
    """
    if out is not None:
        refuse_existing(Path(out), overwrite)
    read = [each.manifest if isinstance(each, Split) else SplitManifest.read(Path(each)) for each in splits]
    merged = merge_splits(read)  # refuses what does not fit before any picture is read
    with telling(progress) as tell:
        kept, said = without_copies(read, tell)
    if kept != tuple(read):
        merged = merge_splits(kept)
    made = Split(replace(merged, reading=said or None))
    return made if out is None else made.save(out, overwrite=overwrite)


def audit(
    folder: PathLike,
    *,
    classes: tuple[str, str] = CLASSES,
    patient: str | None = None,
    hu_offset: int | None = None,
    progress: Progress = True,
) -> Audit:
    """Look through a folder before anything is trained on it: duplicates, leaks, shortcuts, files that cannot be read.

    The folder need not be one that can be split. The arguments are those of `split`.

    Raises:
        HemotkError: there is no picture that can be read, or there are more than 10,000.
    """
    place = Path(folder)
    if is_rsna(place):
        raise HemotkError(
            f"{place}: with {TABLE} it holds too many pictures to compare each with every other; copy some thousands "
            "of them into normal/ and hemorrhage/ of a new folder and audit that."
        )
    with telling(progress) as tell:
        return Audit(look_through(scan_for_audit(place, classes, patient, hu_offset), tell), place, hu_offset)


def draw_phantoms(
    out: PathLike, *, count: int = 200, seed: int = 0, overwrite: bool = False, progress: Progress = True
) -> Path:
    """Draw `count` synthetic head CT slices into the new folder `out`, half of them with a hemorrhage.

    With them every function can be tried without a patient. Another `seed` gives other heads.

    Raises:
        HemotkError: `out` exists and `overwrite` is false.
    """
    with telling(progress) as tell:
        write_phantoms(Path(out), PhantomConfig(count=count, seed=seed), overwrite=overwrite, tell=tell)
    return Path(out)


def read_patients(
    folder: PathLike,
    *,
    out: PathLike = "patients.csv",
    overwrite: bool = False,
    progress: Progress = True,
    say: Callable[[FoundFolder], None] = lambda found: None,
) -> tuple[int, int]:
    """Write the patients of the RSNA 2019 set in `folder` into the table `out`; return patients and images, counted.

    The header of every DICOM file is read once. Then any number of splits can use the table. Patients are numbered; the
    table says nothing else about them. `say` is told how the folder was understood.

    Raises:
        HemotkError: `folder` is no RSNA 2019 set, a file cannot be read, or `out` exists and `overwrite` is false.
    """
    refuse_existing(Path(out), overwrite)
    if not is_rsna(Path(folder)):
        raise HemotkError(f"{folder}: has no {TABLE}; other folders say patients in their labels.csv.")
    scanned = scan_rsna(Path(folder), CLASSES)
    with telling(progress) as tell:
        numbers = patients_of(scanned, tell)
    write_bytes(Path(out), table_of(scanned, numbers), overwrite=overwrite)
    say(scanned)
    return len(set(numbers)), len(numbers)

"""Every row's scores: of the test split, one row after the other, or of a folder, some pictures at a time."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.artifacts import ImageRef
from hemotk.benchmarks.measure.rows import Keep, Row
from hemotk.benchmarks.measure.runners import Runner
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.measure.unseen import check_unseen, note_seen
from hemotk.data.read.tissue import soft_tissue_share
from hemotk.errors import HemotkError
from hemotk.progress import Tell
from hemotk.stats.groups import group_numbers
from hemotk.store.bundle import read_image

if TYPE_CHECKING:
    from hemotk.stats.strata import Cells


@dataclass(frozen=True)
class Scored:
    """The scored images in the order of every row's scores; the last `last` of them are still in array files.

    `skipped` gives the reason for each picture that could not be read; `left_out` counts pictures that a table does not
    name. `origin` names the other split whose test part they are, or says that bundles were calibrated on some pictures
    of a folder; `split_sha256` is the checksum of that split. `reading` says in sentences how a folder was understood.
    `tissue` is the share of soft tissue of each image, empty where none was asked for; `cells` are the cells of the
    columns that divide the figures, by the image's path.
    """

    images: tuple[ImageRef, ...]
    last: int
    skipped: tuple[str, ...] = ()
    left_out: int = 0
    origin: str = ""
    split_sha256: str = ""
    reading: tuple[str, ...] = ()
    tissue: tuple[float, ...] = ()
    cells: "Mapping[str, Cells]" = field(default_factory=dict)


@dataclass(frozen=True)
class Tools:
    """The helpers of scoring: the process of each row, who is told the progress, and who is given the scores."""

    runner_of: Callable[[Row], Runner]
    tell: Tell
    keep: Keep


def score_split(rows: Sequence[Row], tools: Tools) -> Scored:
    """Load each row and let it score every image of its bundle's test split."""
    items = rows[0].bundle.items
    groups = group_numbers([item.group for item in items])
    images = tuple(ImageRef(item.id, item.label, group) for item, group in zip(items, groups, strict=True))
    several = len({row.bundle.name for row in rows}) > 1
    for row in rows:
        what = f"scoring {row.bundle.name} {row.variant.kind}" if several else f"scoring {row.variant.kind}"
        _load(row, tools.runner_of(row))
        _score(row, images, tools, what)
    return Scored(images, len(images), tissue=_tissue(rows[0], images))


def score_folder(rows: Sequence[Row], tools: Tools, subject: Subject, scratch: Path) -> Scored:
    """Let every row score every picture that `subject` names in place of the test split.

    Array files of a few of them at a time lie in `scratch`.

    Raises:
        HemotkError: as `find_pictures`, `check_unseen` and `read_cells`, or none of the pictures can be read.
    """
    # What reads folders takes a moment to load.
    from hemotk.benchmarks.measure.pictures import Chunks, find_pictures
    from hemotk.data.scan.cells import read_cells

    source = subject.pictures()
    pictures = find_pictures(source, rows[0].bundle.card.labels, subject.data)
    bundles = list({row.bundle.name: row.bundle for row in rows}.values())
    origin = note_seen(pictures, bundles) if pictures.split is None else check_unseen(pictures, source, bundles)
    labels = rows[0].bundle.card.labels
    cells = read_cells(pictures.folder, pictures.images, subject.by, labels) if subject.by else {}
    chunks = Chunks(pictures, [row.bundle.card.preprocess for row in rows], scratch)
    images: list[ImageRef] = []
    tissue: list[float] = []
    last = 0
    for chunk in chunks:
        for row in rows:
            if not images:
                row.bundle = dataclasses.replace(row.bundle, images=chunks.files[row.bundle.card.preprocess])
                _load(row, tools.runner_of(row))
            _score(row, chunk, tools)
        images += chunk
        tissue += _tissue(rows[0], chunk)
        last = len(chunk)
        tools.tell("scoring", len(images) + len(chunks.skipped), len(pictures.images))
    if not images:
        raise HemotkError(f"{source}: none of its pictures can be read; the first says: {chunks.skipped[0]}")
    return Scored(
        images=tuple(images),
        last=last,
        skipped=tuple(chunks.skipped),
        left_out=pictures.left_out,
        origin=origin,
        split_sha256=pictures.split_sha256,
        reading=pictures.reading,
        tissue=tuple(tissue),
        cells=cells,
    )


def _tissue(row: Row, images: Sequence[ImageRef]) -> tuple[float, ...]:
    """The share of soft tissue of each labelled image, which lies in the array file of `row`; else nothing."""
    if any(image.label is None for image in images):
        return ()
    return tuple(soft_tissue_share(read_image(row.bundle.images, place)) for place in range(len(images)))


def _load(row: Row, runner: Runner) -> None:
    with row.surviving():
        bundle = row.bundle
        row.loaded = runner.load(bundle.path(row.variant), bundle.images, bundle.card.preprocess, bundle.foreign)


def _score(row: Row, images: Sequence[ImageRef], tools: Tools, what: str = "") -> None:
    """Add the scores of `images`, which lie in the array file that was loaded, unless the row has failed.

    With `what`, the progress is reported under this name.
    """
    before, runner = len(row.scores), tools.runner_of(row)
    with row.surviving():
        for place in range(0 if row.failure else len(images)):
            if what:
                tools.tell(what, place, len(images))
            row.scores.append(runner.score(place))
    scores = row.scores[before:]
    tools.keep(row, images[: len(scores)], scores)
    if what:
        tools.tell(what, len(images), len(images))

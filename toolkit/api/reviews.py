"""Reviews: one page on which a reader looks at what a run or a bundle gets wrong."""

import dataclasses
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePath

from hemotk.api.common import PathLike, Progress, maybe, telling
from hemotk.api.experiments import PARTS, found_run
from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, TESTSET_CARD, AuditReport, BenchReport, Part, SplitManifest
from hemotk.artifacts.codec import schema_of
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, write_bytes
from hemotk.reviewing.bundle import review_of_bundle
from hemotk.reviewing.page import render
from hemotk.reviewing.pictures import MOST_PICTURES, looks_of
from hemotk.reviewing.run import review_of_run
from hemotk.reviewing.subject import Reviewed, worth_a_look
from hemotk.store.bundle import StoredBundle
from hemotk.store.cards import bundle_card, run_card
from hemotk.store.run import StoredRun

BUNDLES = Path("bundles")
NEAR = 0.1


@dataclass(frozen=True)
class Review:
    """A page at `place` that lists `slices` of `images`, of each kind as many as `kinds` says; some are of several.

    `pictures` of them are shown, `maps` with a heat map. `notes` say what is not shown.
    """

    place: Path
    what: str
    name: str
    part: Part
    images: int
    slices: int
    kinds: dict[str, int]
    pictures: int = 0
    maps: int = 0
    notes: tuple[str, ...] = ()


def review(
    source: PathLike | StoredRun | StoredBundle,
    out: PathLike,
    *,
    part: Part = "test",
    near: float = NEAR,
    pictures: bool = False,
    data: PathLike | None = None,
    variant: str | None = None,
    bench: PathLike | None = None,
    audit: PathLike | None = None,
    overwrite: bool = False,
    progress: Progress = True,
) -> Review:
    """Write the page `out` on which a reader looks at what a run or a bundle gets wrong.

    It lists every miss, every slice whose probability is at most `near` away from the threshold, and for a bundle every
    flip between float32 and `variant`, by default int8. A slider moves the threshold: sensitivity, specificity and
    their intervals follow. Notes on slices are saved as CSV. The page loads nothing and sends nothing.

    It names images by their paths. With `pictures` it shows them, too, as the network saw them, and heat maps where the
    network has such. `data` is where the images are now; a table of labels there tells the kinds of hemorrhage. `bench`
    is the report of a bench of the bundle, whose scores are then taken; else its models score the test set. `audit` is
    the JSON file of an audit of the images, whose findings the page then has.

    Raises:
        HemotkError: neither a run with scores nor a bundle with its test set; an option of the other kind; pictures
            that are not there or were changed; or `out` exists and `overwrite` is false.
    """
    place, given = Path(out), _checked(source, part, near)
    refuse_existing(place, overwrite)
    audited = None if audit is None else AuditReport.read(Path(audit))
    with telling(progress) as tell:
        if (given / BUNDLE_CARD).is_file():
            reviewed = review_of_bundle(
                given, part, maybe(data), pictures=pictures, variant=variant, bench=maybe(bench), tell=tell
            )
        else:
            _only_of_bundles(given, variant=variant, bench=bench)
            reviewed = review_of_run(given, part, maybe(data), pictures=pictures)
        if audited is not None:
            reviewed = _with_audit(reviewed, audited, maybe(audit))
        found = worth_a_look(reviewed, near)
        looks = {} if reviewed.album is None else looks_of(reviewed.album, found, tell)
    if reviewed.album is not None:
        reviewed = dataclasses.replace(reviewed, notes=(*reviewed.notes, *_of_pictures(reviewed, len(found))))
    write_bytes(place, render(reviewed, found, near, looks).encode(), overwrite=overwrite)
    kinds = Counter[str](kind for one in found for kind in one.kinds)
    maps = sum(look.map is not None for look in looks.values())
    return Review(
        place, reviewed.what, reviewed.name, part, len(reviewed.paths), len(found), dict(kinds), len(looks), maps,
        reviewed.notes,
    )  # fmt: skip


def _checked(source: PathLike | StoredRun | StoredBundle, part: Part, near: float) -> Path:
    """The folder of a run or bundle.

    Raises:
        HemotkError: it is something else, or a value that cannot be.
    """
    if part not in PARTS:
        raise HemotkError(f"‹part› {part}: must be validation or test.")
    if not 0 <= near < 1:
        raise HemotkError(f"‹near› {near:g}: must be a probability, from 0 to below 1; change the value.")
    if isinstance(source, (StoredRun, StoredBundle)):
        return source.folder
    place = found_run(source)
    if not place.exists() and (BUNDLES / place).exists():
        place = BUNDLES / place
    if place.is_file():
        raise HemotkError(f"{place}: {_of_file(place)}")
    if (place / RUN_CARD).is_file() or (place / BUNDLE_CARD).is_file():
        return place
    if not place.exists():
        raise HemotkError(f"{place}: no such run or bundle; see `hemotk runs` for those below runs/.")
    # What else it is says the store, each with the next step.
    (bundle_card if (place / TESTSET_CARD).is_file() else run_card)(place)
    return place


def _of_file(path: Path) -> str:
    """What a file is instead of a run or bundle, and the remedy."""
    if path.name in (RUN_CARD, BUNDLE_CARD):
        return f"is a card; name its folder, {path.parent}."
    if path.suffix == ".tflite":
        return "is a model alone; name the bundle that it is of."
    schema = schema_of(path)
    if schema.startswith(SplitManifest.SCHEMA.partition("/")[0]):
        return "is a split, which has no scores; train on it with `hemotk train`, then review the run."
    if schema.startswith(BenchReport.SCHEMA.partition("/")[0]):
        return "is a bench report; name the bundle, and give the report with ‹bench›."
    return "is a file; name the folder of a run or of a bundle."


def _only_of_bundles(folder: Path, **options: object) -> None:
    for name, value in options.items():
        if value is not None:
            raise HemotkError(
                f"‹{name}› {value}: is for a bundle, and {folder} is a run; leave it out, or name its bundle."
            )


def _with_audit(reviewed: Reviewed, report: AuditReport, path: Path | None) -> Reviewed:
    from hemotk.data.audit.text import findings

    audited, split = (PurePath(folder).name for folder in (report.folder, reviewed.images))
    if reviewed.images and audited != split:
        raise HemotkError(f"‹audit› {path}: is of the folder {audited}, the run's images are of {split}; audit that.")
    lines = list(findings(report)) or ["Nothing was found."]
    said = tuple(f"Audit of {report.folder}: {line}" for line in lines)
    return dataclasses.replace(reviewed, known=(*reviewed.known, *said))


def _of_pictures(reviewed: Reviewed, slices: int) -> list[str]:
    """What is not shown of the pictures."""
    said = []
    if reviewed.album is not None and reviewed.album.why_no_maps:
        said.append(reviewed.album.why_no_maps)
    if slices > MOST_PICTURES:
        said.append(
            f"Pictures are of the first {MOST_PICTURES} of {slices} slices; with a smaller `near` there are fewer."
        )
    return said

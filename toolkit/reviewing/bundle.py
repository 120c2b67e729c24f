"""A bundle to review: what its models say of the test set beside it, measured now or in a bench."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import PARENTS, BenchReport, Part, Variant
from hemotk.errors import HemotkError
from hemotk.predict.classify import model_of_bundle
from hemotk.progress import Tell, silent
from hemotk.reviewing.subject import Album, Reviewed
from hemotk.reviewing.subtypes import subtypes_in
from hemotk.store.bundle import StoredBundle, open_with_testset, read_image
from hemotk.tflite.scorer import Scorer

_READING = "How the folder was read is in the run's split: review the run to see it."


def review_of_bundle(
    folder: Path,
    part: Part,
    data: Path | None,
    *,
    pictures: bool,
    variant: str | None = None,
    bench: Path | None = None,
    tell: Tell = silent,
) -> Reviewed:
    """The model `variant` of the bundle in `folder` beside its float model, on the test set that lies beside it.

    By default that is the model that `hemotk predict` takes, int8 first. With `bench` the scores are those of that
    report. `data` is the folder of the images, for its table of labels alone.

    Raises:
        HemotkError: no readable bundle with its test set, another part than test, no such variant, a report of
            something else, or a model that cannot be used.
    """
    if part != "test":
        raise HemotkError(f"‹part› {part}: a bundle keeps its test part alone; review the run for another.")
    if data is not None and not data.is_dir():
        raise HemotkError(f"‹data› {data}: no such folder; name the one with the images and their table.")
    bundle = open_with_testset(folder)
    card = bundle.card
    kind = model_of_bundle(folder, variant).kind
    parent = next(each.kind for each in card.variants if each.kind in PARENTS)
    kinds = list(dict.fromkeys((kind, parent)))
    logits = _measured(bundle, kinds, tell) if bench is None else _read(bundle, kinds, bench)
    labels = {item.id: item.label for item in bundle.items}
    compared = kind != parent
    return Reviewed(
        what="bundle",
        name=card.name,
        folder=folder,
        arch=card.arch,
        model=kind,
        part=part,
        classes=card.labels,
        threshold=card.threshold,
        temperature=card.temperature,
        paths=tuple(item.id for item in bundle.items),
        labels=np.array([item.label for item in bundle.items], np.int_),
        groups=tuple(item.group for item in bundle.items),
        logits=logits[0],
        parent=logits[1] if compared else None,
        subtypes={} if data is None else subtypes_in(data, labels, card.labels),
        known=(_READING,),
        notes=tuple(_notes(kind, compared=compared, data=data)),
        album=_album(bundle, kind) if pictures else None,
    )


_NO_TABLE = (
    "Kinds of hemorrhage are not shown: a bundle does not know the table of labels; name its folder (--data, in Python "
    "data=)."
)


def _notes(kind: str, *, compared: bool, data: Path | None) -> Sequence[str]:
    flips = () if compared else (f"There are no flips: {kind} is the float model itself.",)
    return (*flips, *(() if data is not None else (_NO_TABLE,)))


def _variant(bundle: StoredBundle, kind: str) -> Variant:
    return next(each for each in bundle.card.variants if each.kind == kind)


def _measured(bundle: StoredBundle, kinds: Sequence[str], tell: Tell) -> list[NDArray[np.float64]]:
    found = []
    for kind in kinds:
        path = bundle.path(_variant(bundle, kind))
        scorer = Scorer(path, bundle.card.preprocess)
        logits = []
        for row in range(len(bundle.items)):
            logits.append(scorer.score(read_image(bundle.images, row)).logit)
            tell(f"scoring {kind}", row + 1, len(bundle.items))
        found.append(_finite(np.array(logits), path))
    return found


def _finite(logits: NDArray[np.float64], where: Path) -> NDArray[np.float64]:
    broken = int((~np.isfinite(logits)).sum())
    if broken:
        raise HemotkError(
            f"{where}: gives NaN or infinity for {broken} of {len(logits)} images: the model is broken; export it "
            "again."
        )
    return logits


def _read(bundle: StoredBundle, kinds: Sequence[str], path: Path) -> list[NDArray[np.float64]]:
    """The logits of `kinds` in the report at `path`, measured here on the bundle's own test set."""
    report = BenchReport.read(path)
    name = next((each.name for each in report.bundles if each.sha256 == bundle.sha256), None)
    if name is None:
        raise HemotkError(f"‹bench› {path}: is of another bundle than {bundle.folder}; bench that, or leave it out.")
    if report.folder:
        raise HemotkError(
            f"‹bench› {path}: scored the pictures of {report.folder} in place of the test set; bench without ‹images›, "
            "or leave it out."
        )
    if [image.id for image in report.images] != [item.id for item in bundle.items]:
        raise HemotkError(f"‹bench› {path}: scored other images than the bundle's test set; bench again.")
    found = []
    for kind in kinds:
        row = report.variant(kind, name)
        if row is None or row.scores is None:
            raise HemotkError(f"‹bench› {path}: has no scores of {kind}; bench again, or leave it out.")
        given = [float("nan") if each is None else each for each in row.scores.logit]
        found.append(_finite(np.array(given, np.float64), bundle.path(_variant(bundle, kind))))
    return found


def _album(bundle: StoredBundle, kind: str) -> Album:
    def view(place: int) -> NDArray[np.uint8]:
        return read_image(bundle.images, place)

    scorer = Scorer(bundle.path(_variant(bundle, kind)), bundle.card.preprocess)
    if not scorer.has_cam:
        return Album(view, why_no_maps="There are no heat maps: the bundle was exported without --cam.")

    def mapped(place: int) -> NDArray[np.float64]:
        scorer.score(view(place))
        return scorer.cam()

    return Album(view, mapped)

"""A finished run to review: its scores, its split, and the pictures where they are asked for."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import Part, SplitManifest
from hemotk.data.read.preprocess import load_pixels, normalize
from hemotk.errors import HemotkError
from hemotk.experiments.scored import ScoredPart, open_scored
from hemotk.files import check_sha256
from hemotk.models.shape import DenseNetShape
from hemotk.render.numbers import with_interval
from hemotk.reviewing.subject import Album, Mapper, Reviewed, View
from hemotk.reviewing.subtypes import subtypes_in
from hemotk.store.cards import run_card
from hemotk.store.run import StoredRun
from hemotk.training.scores import SCORES_FILE

_JOINED = {"patient": "one patient", "exact": "equal pictures", "near": "near duplicates"}


def review_of_run(folder: Path, part: Part, data: Path | None, *, pictures: bool) -> Reviewed:
    """The run in `folder` on `part`; its images are in `data` where that is given.

    Raises:
        HemotkError: no readable run with scores of that part; the images are not there and `pictures` or `data` need
            them; or the table beside them says other labels.
    """
    card = run_card(folder)
    if SCORES_FILE not in card.files:
        raise HemotkError(
            f"{folder}: keeps no scores of single images, as runs that were imported or made by an early hemotk; "
            "export it, then review the bundle."
        )
    scored = open_scored(folder, part)
    root = scored.split.root(data)
    there = root.is_dir()
    if not there and (pictures or data is not None):
        raise HemotkError(f"{root}: no such folder; name the one that holds the run's images with ‹data›.")
    labels = {item.path: item.label for item in scored.items}
    missing = () if there else (f"The images are not in {root} now, so kinds of hemorrhage are not looked up.",)
    return Reviewed(
        what="run",
        name=card.name,
        folder=folder,
        arch=card.arch,
        model="the network",
        part=part,
        classes=scored.split.classes,
        threshold=card.threshold,
        temperature=card.temperature,
        paths=tuple(item.path for item in scored.items),
        labels=scored.labels,
        groups=tuple(item.group for item in scored.items),
        logits=scored.logits,
        joined={group.name: " and ".join(_JOINED[reason] for reason in group.reasons) for group in scored.split.groups},
        subtypes=subtypes_in(root, labels, scored.split.classes, _folders(scored.split)) if there else {},
        images=scored.split.folder,
        known=(*known_of_split(scored.split), *_level(scored)),
        notes=missing,
        album=_album(scored, root) if pictures else None,
    )


def known_of_split(split: SplitManifest) -> Iterator[str]:
    """What the split knows of its images, a sentence or line each: how the folder was read, and what was joined."""
    if split.reading is None:
        yield "The split is from before hemotk kept how the folder was read."
    yield from split.reading or ()
    near = [group for group in split.groups if "near" in group.reasons]
    if near:
        images = sum(group.images for group in near)
        yield f"{images} images are in {len(near)} groups with near duplicates, each group in one part of the split."
    elif split.grouping != "auto":
        yield f"Near duplicates were not joined: the split was made with grouping '{split.grouping}'."
    else:
        yield "No near duplicates were joined."


def _level(scored: ScoredPart) -> Iterator[str]:
    level = (scored.card.slice_level or {}).get(scored.part)
    if level is not None:
        yield (
            f"AUC of the network on this part: {with_interval(scored.metrics.auc)}. AUC that the share of soft tissue "
            f"alone reaches: {with_interval(level.baseline)}. Intervals count groups."
        )


def _folders(split: SplitManifest) -> tuple[str, ...]:
    return tuple(sorted({item.set for item in split.items})) if split.merged else ("",)


def _album(scored: ScoredPart, root: Path) -> Album:
    def view(place: int) -> NDArray[np.uint8]:
        item = scored.items[place]
        path = root / item.path
        if item.sha256 is not None:
            check_sha256(path, item.sha256)
        return load_pixels(path, scored.card.preprocess)

    run = StoredRun.open(scored.folder)
    if not isinstance(run.shape, DenseNetShape) or run.shape.hidden:
        return Album(view, why_no_maps="There are no heat maps: this network has no class-activation map.")
    if find_spec("tf_keras") is None:
        return Album(view, why_no_maps="There are no heat maps: those of a run need TensorFlow, as in hemotk[train].")
    return Album(view, _mapper(run, run.shape, view))


def _mapper(run: StoredRun, shape: DenseNetShape, view: View) -> Mapper:
    """The contributions to the logit, before the global average: what `hemotk export --cam` gives, in float32."""
    from hemotk.quiet import import_tensorflow

    import_tensorflow()
    import tf_keras as keras

    from hemotk.models.build import build_model, set_arrays

    model = build_model(shape)
    set_arrays(model, run.weights)
    features = keras.Model(model.input, model.get_layer("relu").output)
    kernel, bias = (array.astype(np.float64) for array in model.get_layer("logit").get_weights())

    def mapped(place: int) -> NDArray[np.float64]:
        pixels = normalize(view(place), run.card.preprocess)[np.newaxis, :, :, np.newaxis]
        found = np.asarray(features(pixels, training=False), np.float64)[0]
        return np.asarray((found @ kernel + bias)[:, :, 0], np.float64)

    return mapped

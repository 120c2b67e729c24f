"""From a picture to a probability and a verdict, with a bundle or a bare .tflite; needs no TensorFlow."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import (
    BUNDLE_CARD,
    BundleCard,
    PreprocessSpec,
    SeriesPoint,
    Variant,
)
from hemotk.artifacts.bundle import PREFERRED
from hemotk.artifacts.foreign import ForeignOptions
from hemotk.artifacts.pixels import Window
from hemotk.artifacts.predictions import ScoredPicture, SeriesVerdict, VerifiedModel
from hemotk.data.read.plausible import judge, measure
from hemotk.data.read.preprocess import load_with_colours, to_pixels
from hemotk.data.series import series_score
from hemotk.errors import HemotkError, UnreadablePicture
from hemotk.files import check_sha256, sha256_file
from hemotk.stats.metrics import calibrated, decide
from hemotk.store.cards import bundle_card
from hemotk.tflite.facts import read_facts
from hemotk.tflite.foreign import foreign_of
from hemotk.tflite.foreign_scorer import open_scorer


def model_of_bundle(folder: Path, kind: str | None = None) -> VerifiedModel:
    """The variant `kind` of the bundle in `folder`; by default the quantized one, int8 first.

    Raises:
        HemotkError: no readable bundle, no such variant, or a file that is not the recorded one.
    """
    card = bundle_card(folder)
    kinds = [variant.kind for variant in card.variants]
    wanted = next(name for name in PREFERRED if name in kinds) if kind is None else kind
    variant = card.variant(wanted)
    if variant is None:
        raise HemotkError(f"‹variant› {kind}: is not in {folder}; choose one of {', '.join(kinds)}.")
    return _recorded(folder, card, variant)


def model_of_file(path: Path, asked: ForeignOptions | None = None) -> VerifiedModel:
    """The .tflite at `path` with the bundle card beside it; without one, what the file and `asked` say of it.

    Raises:
        HemotkError: no readable model, one that the card beside it does not name, or not the recorded file.
    """
    if not path.is_file():
        raise HemotkError(f"{path}: no such file; check the path.")
    if not (path.parent / BUNDLE_CARD).is_file():
        foreign = foreign_of(path, asked or ForeignOptions())
        size = read_facts(path).inputs[0].shape[1] if foreign is None else foreign.size
        return VerifiedModel(path.as_posix(), sha256_file(path), PreprocessSpec(size), foreign=foreign)
    if asked is not None and asked.anything:
        raise HemotkError(
            f"{path}: lies in a bundle, whose card says how it is fed and read; leave the normalization and the output "
            "out."
        )
    card = bundle_card(path.parent)
    for variant in card.variants:
        if variant.file == path.name:
            return _recorded(path.parent, card, variant)
    raise HemotkError(
        f"{path}: is not named in the {BUNDLE_CARD} beside it; name the bundle folder, or move the file elsewhere to "
        "use it without a card."
    )


def seen_through(model: VerifiedModel, window: Window) -> VerifiedModel:
    """The model, with DICOM seen through another window, which its scores and threshold were not made for."""
    preprocess = replace(model.preprocess, window_level=window.level, window_width=window.width)
    return replace(model, preprocess=preprocess)


class PictureClassifier:
    """A model that is loaded and ready.

    Raises:
        HemotkError: the model is not of the pixel contract, or no interpreter is installed.
    """

    def __init__(self, model: VerifiedModel, *, threads: int = 1) -> None:
        self.model = model
        self._scorer = open_scorer(Path(model.path), model.preprocess, model.foreign, threads=threads)
        self.runtime = str(self._scorer.runtime)
        self.has_cam = self._scorer.has_cam
        self._gray: NDArray[np.uint8] | None = None

    def classify(self, picture: Path) -> ScoredPicture:
        """Score the picture at that path.

        Raises:
            UnreadablePicture: the picture cannot be read; another may be.
            HemotkError: the model is broken.
        """
        try:
            gray, colours = load_with_colours(picture, self.model.preprocess.window, self.model.preprocess.hu_offset)
            doubts = judge(measure(gray, colours))
        except HemotkError as error:
            raise UnreadablePicture(error.sentence) from error
        self._gray = gray
        pixels = to_pixels(gray, self.model.preprocess.size)
        logit = self._scorer.score(pixels).logit
        if not math.isfinite(logit):
            raise HemotkError(f"{self.model.path}: gives {logit} for {picture}: the model is broken; export it again.")
        label = int(decide(logit, self.model.threshold, self.model.temperature))
        probability = float(calibrated(logit, self.model.temperature))
        return ScoredPicture(picture.as_posix(), logit, probability, label, self.model.labels[label], doubts)

    @property
    def gray(self) -> NDArray[np.uint8]:
        """The picture that was classified last, uint8 [height, width], before the pixel contract."""
        if self._gray is None:
            raise ValueError("no picture was classified yet")
        return self._gray

    def cam(self) -> NDArray[np.float64]:
        """The class-activation map [h, w] of the picture that was classified last, in units of the logit.

        Raises:
            HemotkError: the model gives none.
        """
        return self._scorer.cam()


def series_verdict(labels: tuple[str, str], predictions: Sequence[ScoredPicture], point: SeriesPoint) -> SeriesVerdict:
    """The verdict for the series whose slices `predictions` are; `labels` are the words for class 0 and 1.

    Raises:
        ValueError: no predictions.
    """
    probability = series_score([prediction.probability for prediction in predictions], point.k)
    label = int(probability >= point.threshold)
    count = len(predictions)
    return SeriesVerdict(count, min(point.k, count), point.threshold, probability, label, labels[label])


def _recorded(folder: Path, card: BundleCard, variant: Variant) -> VerifiedModel:
    path = folder / variant.file
    check_sha256(path, variant.sha256)
    return VerifiedModel(
        path=path.as_posix(),
        sha256=variant.sha256,
        preprocess=card.preprocess,
        threshold=card.threshold,
        temperature=card.temperature,
        labels=card.labels,
        bundle=card.name,
        kind=variant.kind,
        study=card.study,
    )

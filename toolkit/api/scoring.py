"""Scoring pictures: a classifier that takes them as people have them."""

import io
import math
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.api.common import PathLike, block, lines, table
from hemotk.artifacts import SeriesPoint
from hemotk.artifacts.foreign import ForeignOptions
from hemotk.artifacts.pixels import Window
from hemotk.artifacts.predictions import INTENDED_USE, ScoredPicture, ScoredPictures, SeriesVerdict, VerifiedModel
from hemotk.data.read.dicom import is_dicom, was_wrapped
from hemotk.data.scan.found import left_out_lines
from hemotk.data.scan.listing import list_folder
from hemotk.data.series import in_order
from hemotk.errors import HemotkError, UnreadablePicture
from hemotk.predict import classify
from hemotk.predict.heatmap import overlay
from hemotk.predict.legend import with_legend
from hemotk.render.markup import Markup, element, picture
from hemotk.store.bundle import StoredBundle
from hemotk.tflite.facts import is_model

# A path, pixels, a PIL image or a pydicom dataset; or a folder, or a sequence of these.
Picture: TypeAlias = Any


@dataclass(frozen=True)
class Prediction(ScoredPicture):
    """A classifier's result for one picture; research, not for diagnosis.

    `probability` is that of `labels[1]`, `verdict` the word for `label`, `logit` the network's number before the
    temperature. `doubts` say why the picture may be no head CT slice. `gray` is the picture, uint8 [height, width];
    `cam` the class-activation map [h, w] in units of the logit, None where the model has none. `threshold` is the
    probability from which on the verdict is `labels[1]`.
    """

    gray: NDArray[np.uint8] | None = field(default=None, repr=False, compare=False)
    cam: NDArray[np.float64] | None = field(default=None, repr=False, compare=False)
    size: int = field(default=0, repr=False, compare=False)
    threshold: float = field(default=math.nan, repr=False, compare=False)

    def heat_map(self) -> Image.Image | None:
        """The picture with its class-activation map over it: red speaks for hemorrhage, blue against it.

        None where the model gives no map: export with `cam=True`.
        """
        if self.cam is None or self.gray is None:
            return None
        return Image.fromarray(overlay(self.gray, self.cam, self.size))

    def heat_map_png(self) -> bytes:
        """The heat map as a PNG, with score, scale and resolution below it.

        Raises:
            HemotkError: the model gives no map.
        """
        if self.cam is None or self.gray is None:
            raise HemotkError(f"{self.path}: has no heat map, since the model gives no class-activation map.")
        says = f"{self.probability:.4f}  {self.verdict}, threshold {self.threshold:.4g}"
        rows, columns = self.cam.shape
        stream = io.BytesIO()
        with_legend(overlay(self.gray, self.cam, self.size), says, (rows, columns), self.size).save(stream, "PNG")
        return stream.getvalue()

    def plain(self) -> ScoredPicture:
        """The result without picture and map, as it is written to files."""
        return ScoredPicture(**{each.name: getattr(self, each.name) for each in fields(ScoredPicture)})

    def _repr_html_(self) -> str:
        rows = [(f"{self.probability:.4f}", self.verdict, f"{self.logit:.3f}")]
        shown = self.heat_map() or (None if self.gray is None else Image.fromarray(self.gray))
        image = Markup("") if shown is None else picture(shown, self.path)
        doubts = [f"may be no head CT slice: it {doubt}" for doubt in self.doubts]
        note = element("p", INTENDED_USE)
        return block(self.path, table(("probability", "verdict", "logit"), rows), lines(doubts), image, note)


class Predictions(tuple[Prediction, ...]):
    """A classifier's results for several pictures, in their order."""

    __slots__ = ()

    def _repr_html_(self) -> str:
        rows = [(each.path, f"{each.probability:.4f}", each.verdict, "; ".join(each.doubts)) for each in self]
        return block(f"{len(self)} pictures", table(("picture", "probability", "verdict", "doubts"), rows))


class Classifier:
    """A model that is loaded and ready: call it with a picture, a folder, or several pictures.

    `threshold` and `temperature` are those of its bundle, `labels` the words for label 0 and 1. `remarks` say what its
    scores do not hold for. `has_cam` says whether predictions have a heat map, `runtime` which interpreter runs it.
    """

    def __init__(self, model: VerifiedModel, *, threads: int = 1, remarks: Sequence[str] = ()) -> None:
        self._classifier = classify.PictureClassifier(model, threads=threads)
        self.model = model
        self.remarks = tuple(remarks)
        self.has_cam = self._classifier.has_cam
        self.runtime = self._classifier.runtime
        self.labels = model.labels
        self.threshold = model.threshold
        self.temperature = model.temperature

    def __call__(self, picture: Picture) -> "Prediction | Predictions":
        """Score a picture: a path, uint8 pixels [height, width] or [height, width, 3], a PIL image, a pydicom dataset.

        A folder, or a sequence of pictures, gives `Predictions`.

        Raises:
            HemotkError: a picture that cannot be read, or something that is none.
        """
        if isinstance(picture, (list, tuple)):
            return Predictions(self._one(each) for each in picture)
        if isinstance(picture, (str, Path)) and Path(picture).is_dir():
            return Predictions(self._one(path) for path in pictures_in(Path(picture)))
        return self._one(picture)

    def each(self, pictures: Iterable[Path]) -> Iterator[tuple[Path, Prediction | UnreadablePicture]]:
        """Score files one after the other; a picture that cannot be read gives its error, and the next one follows."""
        for path in pictures:
            try:
                yield path, self._one(path)
            except UnreadablePicture as error:
                yield path, error

    def verdict(self, slices: Sequence[Prediction], point: SeriesPoint) -> SeriesVerdict:
        """One verdict for the predictions of the slices of one series, by the rule `point`."""
        return classify.series_verdict(self.labels, slices, point)

    def result(
        self,
        predictions: Sequence[Prediction],
        failures: Mapping[str, str],
        verdict: SeriesVerdict | None = None,
    ) -> ScoredPictures:
        """The results as an artefact to write; `failures` has a sentence for each picture that cannot be read."""
        plain = tuple(each.plain() for each in predictions)
        return ScoredPictures(self.model, self.runtime, plain, failures, study=verdict)

    def series(self, pictures: PathLike | Sequence[PathLike], k: int | None = None) -> SeriesVerdict:
        """One verdict for the slices of one series: a folder, or paths.

        The score is the mean of the `k` highest probabilities; by default `k` is the bundle's.

        Raises:
            HemotkError: slices of several series, or a bundle that does not say `k`.
        """
        paths = _paths(pictures)
        point = self.model.series_point(k)
        return self.verdict([self._one(path) for path in in_order(paths)], point)

    def _one(self, given: Picture) -> Prediction:
        with _as_file(given) as (path, name):
            scored = self._classifier.classify(path)
            gray = self._classifier.gray
            cam = self._classifier.cam() if self.has_cam else None
        return Prediction(
            path=name,
            logit=scored.logit,
            probability=scored.probability,
            label=scored.label,
            verdict=scored.verdict,
            doubts=scored.doubts,
            gray=gray,
            cam=cam,
            size=self.model.preprocess.size,
            threshold=self.threshold,
        )

    def __repr__(self) -> str:
        return f"<hemotk.Classifier {self.model.path}: threshold {self.threshold:g}>"


def load(
    bundle: PathLike | StoredBundle,
    variant: str | None = None,
    *,
    threads: int = 1,
    window: tuple[float, float] | None = None,
    normalization: str | None = None,
    output: int | None = None,
    positive_class: int = 1,
) -> Classifier:
    """Load a model that scores pictures: `variant` of a bundle, by default int8, or a .tflite file.

    `window` is level and width of the window for DICOM in Hounsfield units, in place of the bundle's. `normalization`,
    `output` and `positive_class` give the facts that a .tflite from elsewhere does not hold itself.

    Raises:
        HemotkError: no readable bundle or model, or it is not the file that was recorded.
    """
    path = bundle.folder if isinstance(bundle, StoredBundle) else Path(bundle)
    asked = ForeignOptions(normalization, output, positive_class)
    if is_model(path):
        if variant is not None:
            raise HemotkError(f"‹variant› {variant}: {path} is one model already; leave it out, or name the bundle.")
        model = classify.model_of_file(path, asked)
    elif asked.anything:
        raise HemotkError(
            "‹normalization›, ‹output› and ‹positive_class›: are for a bare .tflite, and a bundle says these itself; "
            "leave them out."
        )
    else:
        model = classify.model_of_bundle(path, variant)
    remarks = []
    if window is not None:
        made_for, model = model.preprocess.window, classify.seen_through(model, Window(*window))
        if model.preprocess.window != made_for:
            remarks.append(
                f"window {model.preprocess.window}: the model was made for {made_for}, so its scores and threshold do "
                "not hold for DICOM seen through another window."
            )
    return Classifier(model, threads=threads, remarks=remarks)


def _paths(pictures: PathLike | Sequence[PathLike]) -> list[Path]:
    if isinstance(pictures, (list, tuple)):
        return [Path(each) for each in pictures]
    return pictures_in(Path(pictures))  # type: ignore[arg-type]


def pictures_in(folder: Path, say: Callable[[str], None] = lambda line: None) -> list[Path]:
    """Every picture below `folder`, sorted by path; `say` is told what is left out.

    Raises:
        HemotkError: there is none.
    """
    listing = list_folder(folder)
    for line in left_out_lines(listing.left_out):
        say(f"{folder}: {' '.join(line.split())}")
    if not listing.files:
        raise HemotkError(f"{folder}: holds no pictures (PNG, JPEG, TIFF, DICOM and the like); check the path.")
    return [folder / name for name in listing.files]


def corrected(pictures: Iterable[Path]) -> int:
    """How many of the pictures are DICOM files whose wrapped negative Hounsfield units are put right when read."""
    return sum(is_dicom(path) and was_wrapped(path) for path in pictures)


class _as_file:
    """A picture as a file, so that whatever it is goes through the one reader of pixels."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> tuple[Path, str]:
        if isinstance(self._picture, (str, Path)):
            return Path(self._picture), str(self._picture)
        self._folder = tempfile.TemporaryDirectory()
        try:
            return self._written(Path(self._folder.name))
        except BaseException:
            self._folder.cleanup()
            raise

    def __exit__(self, *_: object) -> None:
        if self._folder is not None:
            self._folder.cleanup()

    def _written(self, folder: Path) -> tuple[Path, str]:
        given = self._picture
        if hasattr(given, "save_as") and hasattr(given, "PixelData"):
            given.save_as(folder / "picture.dcm", enforce_file_format=True)
            return folder / "picture.dcm", "dataset"
        if isinstance(given, Image.Image):
            return _png(given, folder), getattr(given, "filename", "") or "image"
        if isinstance(given, np.ndarray):
            return _png(Image.fromarray(_checked(given)), folder), "array"
        raise HemotkError(
            f"picture: is {type(given).__name__}; give a path, uint8 pixels, a PIL image, a pydicom dataset, a folder, "
            "or a list of these."
        )


def _checked(pixels: NDArray[Any]) -> NDArray[np.uint8]:
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] != 3):
        raise HemotkError(
            f"picture: is {pixels.dtype} of shape {list(pixels.shape)}; give uint8 gray [height, width] or colours "
            "[height, width, 3]. Hounsfield units need a window: give the pydicom dataset or the file."
        )
    return pixels


def _png(image: Image.Image, folder: Path) -> Path:
    path = folder / "picture.png"
    try:
        image.save(path)
    except OSError as error:
        raise HemotkError(f"picture: is an image of mode {image.mode}; convert it to 'L' or 'RGB'.") from error
    return path

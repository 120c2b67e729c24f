"""The features that a frozen backbone gives, computed once and kept: a file for each view of the training pictures.

A training that was killed begins again with the view in work.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hemotk.artifacts import Part, PreprocessSpec
from hemotk.data.read.lazy import prefetch
from hemotk.errors import HemotkError
from hemotk.files import new_file
from hemotk.training.augment import random_contrast, random_transforms
from hemotk.training.config import MOST_VIEWS, TrainConfig
from hemotk.training.fit import Data
from hemotk.training.listener import Listener
from hemotk.training.steps import augmented_input, pixel_signature

_PLAIN = "features-validation.npy"
_VIEWS = tuple(f"features-view{view}.npy" for view in range(MOST_VIEWS))
FEATURE_FILES = (_PLAIN, *_VIEWS)
# Ends the seeds of views: no epoch of the whole network has these.
_STREAM = 1


@dataclass(frozen=True)
class Features:
    """The backbone's features of each view of the training pictures, float32 [n, features], and of `validation`."""

    views: Sequence[np.ndarray]
    validation: np.ndarray

    @property
    def width(self) -> int:
        """Features of a picture."""
        return int(self.validation.shape[1])

    def of(self, chosen: np.ndarray, epoch: int) -> np.ndarray:
        """Features [m, features] of the training pictures `chosen`: a picture shows another view in the next epoch."""
        count = len(self.views)
        return np.stack([self.views[(epoch + index) % count][index] for index in chosen])


class Backbone:
    """A frozen network from pictures to features (BatchNorm in inference mode)."""

    def __init__(self, network: keras.Model, config: TrainConfig, spec: PreprocessSpec) -> None:
        self.width = int(network.output.shape[-1])
        self._config = config
        rows = [tf.TensorSpec((None, width), tf.float32) for width in (8, 2)]

        def run(pixels: tf.Tensor, transforms: tf.Tensor, contrast: tf.Tensor) -> tf.Tensor:
            return tf.cast(network(augmented_input(pixels, transforms, contrast, spec), training=False), tf.float32)

        self._run = tf.function(run, [pixel_signature(spec.size), *rows], autograph=False)

    def features(self, data: Data, folder: Path, listener: Listener) -> Features:
        """All views of the training part and the plain validation part, taken from `folder` where they lie there.

        Raises:
            HemotkError: features that are no finite numbers, or files that cannot be written.
        """
        train, validation = (len(data.labels[part]) for part in ("train", "validation"))
        total = validation + self._config.head_views * train
        done = 0

        def tell(more: int) -> None:
            nonlocal done
            done += more
            listener.features(done, total)

        names = _VIEWS[: self._config.head_views]
        plain = self._kept(folder / _PLAIN, data, "validation", _unchanged(validation), tell)
        views = [
            self._kept(folder / name, data, "train", _view(self._config, view, train), tell)
            for view, name in enumerate(names)
        ]
        return Features(views, plain)

    def _kept(
        self, path: Path, data: Data, part: Part, changes: tuple[np.ndarray, np.ndarray], tell: Callable[[int], None]
    ) -> np.ndarray:
        """The features in `path`, memory-mapped; written first where they are not there yet."""
        count = len(data.labels[part])
        if path.exists():
            tell(count)
        else:
            self._write(path, data, part, changes, tell)
        return np.load(path, mmap_mode="r")

    def _write(
        self, path: Path, data: Data, part: Part, changes: tuple[np.ndarray, np.ndarray], tell: Callable[[int], None]
    ) -> None:
        """Write the features to `path` as they come: a full disk is an error, but would end a process with a map."""
        count = len(data.labels[part])
        descr = np.lib.format.dtype_to_descr(np.dtype(np.float32))
        chunks = [slice(at, at + self._config.batch) for at in range(0, count, self._config.batch)]
        pixels = data.pixels[part]
        header = {"descr": descr, "fortran_order": False, "shape": (count, self.width)}
        with new_file(path) as stream:
            np.lib.format.write_array_header_1_0(stream, header)
            for chunk, pictures in zip(chunks, prefetch(pixels[chunk] for chunk in chunks), strict=True):
                stream.write(self._finite(pictures, *(change[chunk] for change in changes)).tobytes())
                tell(len(pictures))

    def _finite(self, *batch: np.ndarray) -> np.ndarray:
        features: np.ndarray = self._run(*batch).numpy()
        if not np.isfinite(features).all():
            raise HemotkError(
                f"‹weights› {self._config.weights}: the backbone's features are no finite numbers; give other weights."
            )
        return features


def remove_features(folder: Path) -> None:
    """Remove what `Backbone.features` wrote."""
    for name in FEATURE_FILES:
        (folder / name).unlink(missing_ok=True)


def _view(config: TrainConfig, view: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Transforms float32 [count, 8] and contrast [count, 2] of one view."""
    rng = np.random.default_rng([config.seed, view, _STREAM])
    transforms = random_transforms(config.augment, rng, count, config.size)
    return transforms, random_contrast(config.augment, rng, count)


def _unchanged(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Transforms and contrast that leave every byte as it is."""
    transforms = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], np.float32)
    return transforms.repeat(count, 0), np.array([[1, 0]], np.float32).repeat(count, 0)

"""Opening a finished run folder, its network told on hemotk's own pixel grid. Needs no TensorFlow."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, SPLIT_FILE, WEIGHTS_FILE, Learned, RunCard, SplitManifest
from hemotk.artifacts.pixels import NETWORK_MEAN_BYTE, NETWORK_SCALE
from hemotk.files import check_files, sha256_file
from hemotk.models.shape import DenseNetShape, Shape
from hemotk.models.weights import Weights, read_shape, read_weights
from hemotk.store.cards import run_card
from hemotk.store.learned_from import learned_in

if TYPE_CHECKING:
    from typing_extensions import Self

TOLD_ANEW = (
    "Imported by an earlier hemotk, whose pixel grid could not hold this network's normalization in int8: it is told "
    "on another grid, with the same logits but for float rounding. Export again what was exported before."
)


@dataclass(frozen=True)
class StoredRun:
    """A finished run folder whose files are what its card says.

    `sha256` is the checksum of the card, `split` the split it was trained on. Card and shape are those that
    `on_own_grid` returns.
    """

    folder: Path
    card: RunCard
    sha256: str
    split: SplitManifest
    shape: Shape

    @classmethod
    def open(cls, folder: str | Path) -> "Self":
        """Check every file of the run in `folder` against its card, and read card, shape and split.

        Raises:
            HemotkError: it is no finished run, or a file was changed or cut short.
        """
        place = Path(folder)
        card, shape = read_run(place)
        return cls(place, card, sha256_file(place / RUN_CARD), SplitManifest.read(place / SPLIT_FILE), shape)

    @cached_property
    def weights(self) -> Weights:
        """The arrays of the network by name."""
        return read_weights(self.folder / WEIGHTS_FILE, self.shape)

    @cached_property
    def learned(self) -> Learned:
        """All that the network has learned from: in this run, and before."""
        return learned_in(self.folder, self.card, self.sha256, self.split)


def read_run(folder: Path) -> tuple[RunCard, Shape]:
    """Read card and shape of the finished run in `folder`, checked against its card, as `on_own_grid` tells them.

    Raises:
        HemotkError: a file is missing, is not the recorded one, or cannot be read.
    """
    card = run_card(folder)
    check_files(folder, card.files)
    return on_own_grid(card, read_shape(folder / SHAPE_FILE))


def on_own_grid(card: RunCard, shape: Shape) -> tuple[RunCard, Shape]:
    """The same function of a pixel's byte, with hemotk's own pixel spec where the network has its own normalization.

    Runs that were imported before this have another spec, whose grid int8 cannot keep the constants of such a
    normalization on. A run that is told anew has the note `TOLD_ANEW`; every other comes back as it is.
    """
    spec = card.preprocess
    if not isinstance(shape, DenseNetShape) or shape.gray_mean is None or shape.gray_std is None:
        return card, shape
    if (spec.scale, spec.zero_point) == (NETWORK_SCALE, NETWORK_MEAN_BYTE):
        return card, shape
    ratio = spec.scale / NETWORK_SCALE  # the old input is ratio · h + offset
    offset = spec.scale * (NETWORK_MEAN_BYTE - spec.zero_point)
    red, green, blue = ((mean - offset) / ratio for mean in shape.gray_mean)
    stds = shape.gray_std
    return (
        replace(
            card,
            preprocess=replace(spec, scale=NETWORK_SCALE, zero_point=NETWORK_MEAN_BYTE),
            notes=(*card.notes, TOLD_ANEW),
        ),
        replace(shape, gray_mean=(red, green, blue), gray_std=(stds[0] / ratio, stds[1] / ratio, stds[2] / ratio)),
    )


def told_anew(card: RunCard) -> tuple[str, ...]:
    """The note that a run made from that of `card` keeps of it."""
    return (TOLD_ANEW,) if TOLD_ANEW in card.notes else ()

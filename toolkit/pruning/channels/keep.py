"""The channels of a DenseNet that stay."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from hemotk.artifacts import Artifact, require
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.groups import groups

Channels = tuple[int, ...]


@dataclass(frozen=True)
class LayerKeep:
    """The channels that stay of one dense layer, counted from 0, ascending; none of both where the layer vanishes."""

    bottleneck: Channels
    growth: Channels

    def __post_init__(self) -> None:
        if not self.vanishes:
            _require_channels("bottleneck", self.bottleneck)
            _require_channels("growth", self.growth)

    @property
    def vanishes(self) -> bool:
        """Whether nothing of the layer stays."""
        return not self.bottleneck and not self.growth


@dataclass(frozen=True)
class KeepSet(Artifact):
    """The channels that stay of a whole network, counted from 0 within the convolution that makes them, ascending.

    Layers may vanish, but not all of them: a block without layers hands on what enters it.
    """

    SCHEMA: ClassVar[str] = "hemotk.keep/1"

    stem: Channels
    blocks: tuple[tuple[LayerKeep, ...], ...]
    transitions: tuple[Channels, ...]

    def __post_init__(self) -> None:
        _require_channels("stem", self.stem)
        for index, channels in enumerate(self.transitions):
            _require_channels(f"transitions[{index}]", channels)
        layers = [layer for block in self.blocks for layer in block]
        require(not all(layer.vanishes for layer in layers), "blocks", "such that at least one dense layer stays")

    @classmethod
    def whole(cls, shape: DenseNetShape) -> "KeepSet":
        """Every channel of the network."""
        return cls.of(shape, [range(group.width) for group in groups(shape)])

    @classmethod
    def of(cls, shape: DenseNetShape, channels: Iterable[Iterable[int]]) -> "KeepSet":
        """The keep-set with the given channels of each group, in the order of `groups(shape)`."""
        rest: Iterator[Channels] = iter([tuple(sorted(map(int, kept))) for kept in channels])
        stem, blocks, transitions = next(rest), [], []
        for index, block in enumerate(shape.blocks):
            blocks.append(tuple(LayerKeep(next(rest), next(rest)) for _ in block))
            if index < len(shape.transitions):
                transitions.append(next(rest))
        return cls(stem, tuple(blocks), tuple(transitions))

    def flat(self) -> tuple[Channels, ...]:
        """The channels that stay of each group, in the order of `groups`."""
        kept = [self.stem]
        for index, block in enumerate(self.blocks):
            for layer in block:
                kept += [layer.bottleneck, layer.growth]
            kept += self.transitions[index : index + 1]
        return tuple(kept)

    def check(self, shape: DenseNetShape) -> None:
        """Check that the network has all these channels.

        Raises:
            HemotkError: it has other blocks, or fewer channels somewhere.
        """
        mine, its = [len(block) for block in self.blocks], [len(block) for block in shape.blocks]
        if mine != its or len(self.transitions) != len(shape.transitions):
            raise HemotkError(
                f"keep-set: is for blocks of {mine} layers with {len(self.transitions)} transitions, the network has "
                f"{its} with {len(shape.transitions)}; choose the channels of this network."
            )
        for group, channels in zip(groups(shape), self.flat(), strict=True):
            if channels and channels[-1] >= group.width:
                raise HemotkError(
                    f"keep-set: keeps channel {channels[-1]} of {group.producer}, which has {group.width} counted from "
                    "0; choose the channels of this network."
                )


def _require_channels(field: str, channels: Sequence[int]) -> None:
    require(len(channels) > 0, field, "at least one channel: only a dense layer as a whole can be empty")
    require(channels[0] >= 0, field, "channel numbers from 0 on")
    require(all(low < high for low, high in pairwise(channels)), field, "ascending, without repeats")

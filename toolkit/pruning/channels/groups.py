"""The channels that can only be removed together with everything that reads them: DenseNets of any widths."""

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from hemotk.models.shape import DenseNetShape, LayerShape

NORM_PARTS = ("gamma", "beta", "moving_mean", "moving_variance")
INPUTS, OUTPUTS = -2, -1  # axes of every kernel, convolution or dense


@dataclass(frozen=True)
class ChannelSpan:
    """The place of a group's channels in an array: channel c is index `start` + c along `axis`."""

    array: str
    axis: int
    start: int


@dataclass(frozen=True)
class Consumer:
    """A BatchNorm `norm` and the `kernel` array behind it; channel c of the group is channel `start` + c of both."""

    norm: str
    kernel: str
    start: int


@dataclass(frozen=True)
class Group:
    """The `width` output channels of one convolution and all that reads them.

    `producer` is the name of the convolution, `norm` that of a BatchNorm before the concatenation (the stem's), if any.
    """

    kind: Literal["stem", "bottleneck", "growth", "transition"]
    producer: str
    width: int
    consumers: tuple[Consumer, ...]
    norm: str = ""

    @property
    def kernel(self) -> str:
        """The name of the producer's array."""
        return f"{self.producer}/kernel"

    def places(self) -> Iterator[ChannelSpan]:
        """Every place of every array that the channels occupy."""
        yield ChannelSpan(self.kernel, OUTPUTS, 0)
        for part in NORM_PARTS if self.norm else ():
            yield ChannelSpan(f"{self.norm}/{part}", OUTPUTS, 0)
        for consumer in self.consumers:
            for part in NORM_PARTS:
                yield ChannelSpan(f"{consumer.norm}/{part}", OUTPUTS, consumer.start)
            yield ChannelSpan(consumer.kernel, INPUTS, consumer.start)


def groups(shape: DenseNetShape) -> tuple[Group, ...]:
    """All groups of a network: the stem; per block the bottleneck and growth of each layer, then the transition.

    Within a block this is the order in which the channels lie in the concatenations.
    """
    all_groups = [Group("stem", "conv1/conv", shape.stem, _consumers(shape, 0), "conv1/bn")]
    for b, (block, widths) in enumerate(zip(shape.blocks, shape.widths(), strict=True)):
        for i, layer in enumerate(block):
            name = f"conv{b + 2}_block{i + 1}"
            inner = Consumer(f"{name}_1_bn", f"{name}_2_conv/kernel", 0)
            all_groups.append(Group("bottleneck", f"{name}_1_conv", layer.bottleneck, (inner,)))
            all_groups.append(Group("growth", f"{name}_2_conv", layer.growth, _consumers(shape, b, i + 1, widths[i])))
        if b < len(shape.transitions):
            all_groups.append(Group("transition", f"pool{b + 2}_conv", shape.transitions[b], _consumers(shape, b + 1)))
    return tuple(all_groups)


def with_widths(shape: DenseNetShape, widths: Iterable[int]) -> DenseNetShape:
    """The same network with other widths, given in the order of `groups(shape)`; a layer of widths 0 is left out."""
    rest: Iterator[int] = iter(widths)
    stem, blocks, transitions = next(rest), [], []
    for index, block in enumerate(shape.blocks):
        pairs = [(next(rest), next(rest)) for _ in block]
        blocks.append(tuple(LayerShape(*pair) for pair in pairs if pair != (0, 0)))
        if index < len(shape.transitions):
            transitions.append(next(rest))
    return dataclasses.replace(shape, stem=stem, blocks=tuple(blocks), transitions=tuple(transitions))


def _consumers(shape: DenseNetShape, block: int, first: int = 0, start: int = 0) -> tuple[Consumer, ...]:
    """The consumers of channels from `start` on in a block: its layers from `first` on, then what follows it."""
    names = [f"conv{block + 2}_block{i + 1}" for i in range(first, len(shape.blocks[block]))]
    inside = tuple(Consumer(f"{name}_0_bn", f"{name}_1_conv/kernel", start) for name in names)
    if block < len(shape.transitions):
        return (*inside, Consumer(f"pool{block + 2}_bn", f"pool{block + 2}_conv/kernel", start))
    return (*inside, Consumer("bn", f"{'hidden1' if shape.hidden else 'logit'}/kernel", start))

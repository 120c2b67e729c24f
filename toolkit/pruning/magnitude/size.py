"""The number of zeros and the saving: room in a compressed file, and nothing else. Needs no TensorFlow."""

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from hemotk.models.weights import Weights

KERNEL = "/kernel"
NOT_PRUNED = "not pruned (BatchNorm, bias, depthwise)"


@dataclass(frozen=True)
class Zeros:
    """The number of zeros among `count` weights."""

    zeros: int
    count: int

    @property
    def share(self) -> float:
        """A fraction; 0 where there are no weights."""
        return self.zeros / self.count if self.count else 0.0


@dataclass(frozen=True)
class SparseSize:
    """Zeros per kind of layer, and the bytes of all weights as float32, plain and deflated."""

    zeros: Mapping[str, Zeros]
    plain: int
    deflated: int

    @property
    def pruned(self) -> Zeros:
        """The zeros of all kinds that pruning may make sparse."""
        some = [count for name, count in self.zeros.items() if name != NOT_PRUNED]
        return Zeros(sum(count.zeros for count in some), sum(count.count for count in some))


def kernels(weights: Weights) -> dict[str, np.ndarray]:
    """The arrays that pruning may make sparse: the kernels of convolutions and dense layers.

    They are those that tensorflow-model-optimization's `PruneRegistry` names: no bias, no BatchNorm, and no kernel of a
    depthwise convolution.
    """
    return {name: array for name, array in weights.items() if name.endswith(KERNEL)}


def zeros(arrays: Iterable[np.ndarray]) -> Zeros:
    """The zeros of all `arrays` together."""
    listed = list(arrays)
    return Zeros(
        sum(array.size - int(np.count_nonzero(array)) for array in listed), sum(array.size for array in listed)
    )


def kind(name: str, shape: tuple[int, ...]) -> str:
    """The kind of layer that the array `name` belongs to, such as '3×3 convolution'."""
    if not name.endswith(KERNEL):
        return NOT_PRUNED
    return f"{shape[0]}×{shape[1]} convolution" if len(shape) == 4 else "dense"


def sparse_size(weights: Weights) -> SparseSize:
    """Count the zeros of `weights` (float32 arrays) and measure the compressed size."""
    kinds: dict[str, list[np.ndarray]] = {}
    for name, array in weights.items():
        kinds.setdefault(kind(name, array.shape), []).append(array)
    shares = {name: zeros(arrays) for name, arrays in sorted(kinds.items())}
    return SparseSize(shares, sum(array.nbytes for array in weights.values()), deflated_bytes(weights.values()))


def deflated_bytes(arrays: Iterable[np.ndarray]) -> int:
    """Bytes of `arrays` one after another, deflated (RFC 1951, level 6) as in a .zip, an .apk or a web download."""
    squeeze = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # without the head and checksum of a zlib stream
    return sum(len(squeeze.compress(np.ascontiguousarray(array).data)) for array in arrays) + len(squeeze.flush())


def said(size: SparseSize, before: SparseSize) -> str:
    """The savings by the zeros, and what they do not save, in one sentence for a run's card."""
    return (
        f"{size.pruned.share:.4f} of the kernels' weights are zero: deflated, all weights in float32 take "
        f"{size.deflated:,} bytes instead of {before.deflated:,}; as they are they take {size.plain:,} as before, and "
        "latency does not change, because TensorFlow Lite stores and multiplies zeros like any other weight."
    )

"""The DenseNet in a foreign model: recognized by its structure, layer by layer, whatever its layers are called."""

from itertools import count

import numpy as np

from hemotk.importing.layers import KerasLayer
from hemotk.importing.stored import Arrays
from hemotk.importing.walk import Walk, norm_arrays
from hemotk.models.shape import LAYER_KERNEL, STEM_KERNEL, DenseNetShape, LayerShape


def read_backbone(walk: Walk, arrays: Arrays) -> tuple[DenseNetShape, dict[str, np.ndarray]]:
    """Walk to the ReLU before the pooling; the shape, without hidden layers, and the arrays under hemotk's names.

    Raises:
        HemotkError: naming the first layer that is not that of a DenseNet.
    """
    collected = _Found(walk)
    collected.stem()
    depths = collected.blocks()
    epsilon = collected.norms["bn"].config["epsilon"]
    weights = {f"{name}/kernel": arrays.read(layer, "kernel")[0] for name, layer in collected.convs.items()}
    for name, layer in collected.norms.items():
        if layer.config["epsilon"] != epsilon:
            raise walk.graph.refuse(layer, f"has another epsilon than the last BatchNormalization ({epsilon})")
        weights.update({f"{name}/{part}": array for part, array in norm_arrays(arrays, layer).items()})
    return _shape(weights, depths, epsilon), weights


def _shape(weights: dict[str, np.ndarray], depths: list[int], epsilon: float) -> DenseNetShape:
    def width(name: str) -> int:
        return int(weights[f"{name}/kernel"].shape[-1])

    return DenseNetShape(
        stem=width("conv1/conv"),
        blocks=tuple(
            tuple(
                LayerShape(width(f"conv{b}_block{i}_1_conv"), width(f"conv{b}_block{i}_2_conv"))
                for i in range(1, depth + 1)
            )
            for b, depth in enumerate(depths, 2)
        ),
        transitions=tuple(width(f"pool{b}_conv") for b in range(2, len(depths) + 1)),
        channels=1 if weights["conv1/conv/kernel"].shape[2] == 1 else 3,
        bn_epsilon=epsilon,
    )


class _Found:
    """Convolutions and BatchNormalizations under hemotk's names, collected on a walk."""

    def __init__(self, walk: Walk) -> None:
        self._walk = walk
        self.convs: dict[str, KerasLayer] = {}
        self.norms: dict[str, KerasLayer] = {}

    def stem(self) -> None:
        walk, pad = self._walk, STEM_KERNEL // 2
        walk.next("ZeroPadding2D", padding=[[pad, pad], [pad, pad]])
        self.convs["conv1/conv"] = walk.conv(STEM_KERNEL, 2, "valid")
        self.norms["conv1/bn"] = walk.norm()
        walk.relu()
        walk.next("ZeroPadding2D", padding=[[1, 1], [1, 1]])
        walk.next("MaxPooling2D", pool_size=[3, 3], strides=[2, 2], padding="valid")

    def blocks(self) -> list[int]:
        """Walk through all blocks and transitions to the last ReLU; returns the number of layers of each block."""
        walk, depths = self._walk, []
        for block in count(2):
            depth = 0
            while walk.at_fork():
                depth += 1
                self._layer(f"conv{block}_block{depth}")
            norm = walk.norm()
            if not depth:
                raise walk.graph.refuse(norm, "stands where a dense layer is expected")
            depths.append(depth)
            walk.relu()
            if not walk.leads_to("Conv2D", "AveragePooling2D"):
                self.norms["bn"] = norm
                break
            self.norms[f"pool{block}_bn"] = norm
            self.convs[f"pool{block}_conv"] = walk.conv(1, 1, "same")
            walk.next("AveragePooling2D", pool_size=[2, 2], strides=[2, 2], padding="valid")
        return depths

    def _layer(self, name: str) -> None:
        walk, fork = self._walk, self._walk.at
        self.norms[f"{name}_0_bn"] = walk.into_branch()
        walk.relu()
        self.convs[f"{name}_1_conv"] = walk.conv(1, 1, "same")
        self.norms[f"{name}_1_bn"] = walk.norm()
        walk.relu()
        self.convs[f"{name}_2_conv"] = walk.conv(LAYER_KERNEL, 1, "same")
        walk.join(fork)

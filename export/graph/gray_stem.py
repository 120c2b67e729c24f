"""Sum the stem's kernel over its equal input channels: a gray picture needs one."""

from dataclasses import replace

import numpy as np

from hemotk.artifacts.pixels import NETWORK_SCALE, PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.exporting.graph.ir import Affine, Conv, Graph

# A whole number of steps of our own pixel grid, so that an int8 input tensor holds the constant plane exactly.
PLANE = 64 * NETWORK_SCALE
_OFF_GRID = 1e-6  # steps


def gray_stem(graph: Graph) -> Graph:
    """The same network with a stem that reads h alone, or h and a constant plane.

    With channel j = m_j · h + c_j, the kernels sum to Σ m_j k_j for h. What the c_j add differs at the border, where
    the padding is 0 after the shift: a second channel that is constant inside and 0 in the padding, with kernel
    Σ c_j k_j, keeps that exact. It is left out where all c_j are 0.
    """
    lift, kernel = graph.stem.lift, graph.stem.conv.kernel
    summed = [np.einsum("ijco,c->ijo", kernel, lift.scale)]
    if lift.shift.any():
        summed.append(np.einsum("ijco,c->ijo", kernel, lift.shift) / PLANE)
    new_lift = Affine(np.array([1.0, 0.0][: len(summed)]), np.array([0.0, PLANE][: len(summed)]))
    conv = Conv(np.stack(summed, axis=2), graph.stem.conv.bias)
    return replace(graph, stem=replace(graph.stem, lift=new_lift, conv=conv))


def check_plane(graph: Graph, spec: PreprocessSpec) -> None:
    """Check that the pixels' grid holds the constant planes of the stem, which int8 keeps in one tensor with them.

    Raises:
        HemotkError: a plane lies off the grid or beyond its ends, where int8 would compute with another constant.
    """
    lift = graph.stem.lift
    for plane in lift.shift[lift.scale == 0].tolist():
        byte = spec.zero_point + plane / spec.scale
        if abs(byte - round(byte)) > _OFF_GRID or not 0 <= round(byte) <= 255:
            low, high = ((end - spec.zero_point) * spec.scale for end in (0, 255))
            raise HemotkError(
                f"export: the network's normalization ('gray_mean') needs the constant {plane:.4g} beside the picture, "
                f"which is no pixel of scale {spec.scale:.4g} and zero point {spec.zero_point} (from {low:.4g} to "
                f"{high:.4g}); import the network again."
            )

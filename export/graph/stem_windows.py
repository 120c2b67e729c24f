"""Let the stem read windows of 2×4 pixels as channels: its 7×7 convolution of stride 2 becomes one of 4×2 windows.

Integer kernels take four or eight channels at a time, and a gray picture has one. Windows begin at every second row and
column, so they overlap; each is read with the one two windows to its right, which begins where it ends.
"""

from dataclasses import replace

import numpy as np

from hemotk.exporting.graph.ir import Conv, Graph


def stem_windows(graph: Graph) -> Graph:
    """The same network with `stem.windows` set and the kernel rearranged.

    Exact: what the convolution reads begins three pixels before an even one, and an eighth row and column of the
    kernel, of zeros, come before it.
    """
    stem = graph.stem
    if stem.windows:
        return graph
    *_, channels, out = stem.conv.kernel.shape
    kernel = np.pad(stem.conv.kernel, ((1, 0), (1, 0), (0, 0), (0, 0)))
    kernel = kernel.reshape(4, 2, 2, 4, channels, out).transpose(0, 2, 1, 3, 4, 5)
    conv = Conv(kernel.reshape(4, 2, 8 * channels, out), stem.conv.bias)
    return replace(graph, stem=replace(stem, conv=conv, windows=True))

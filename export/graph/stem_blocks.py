"""Let the stem read 2×2 blocks of pixels as channels: its 7×7 convolution of stride 2 becomes a 4×4 one of stride 1.

The padding comes behind the blocks: a picture of one channel is padded byte by byte, which took as long as the
convolution of a small network, and four channels of half the size are not.
"""

from dataclasses import replace

import numpy as np

from hemotk.exporting.graph.ir import Conv, Graph


def stem_blocks(graph: Graph) -> Graph:
    """The same network with `stem.blocks` set and the kernel rearranged.

    A gray picture has one channel where integer kernels work on four at a time; four pixels of a block fill them.
    Exact: what the convolution reads begins three pixels before an even one, and an eighth row and column of the
    kernel, of zeros, come before it.
    """
    stem = graph.stem
    if stem.blocks:
        return graph
    size, _, channels, out = stem.conv.kernel.shape
    half = (size + 1) // 2
    kernel = np.pad(stem.conv.kernel, ((2 * half - size, 0), (2 * half - size, 0), (0, 0), (0, 0)))
    kernel = kernel.reshape(half, 2, half, 2, channels, out).transpose(0, 2, 1, 3, 4, 5)
    conv = Conv(kernel.reshape(half, half, 4 * channels, out), stem.conv.bias)
    return replace(graph, stem=replace(stem, conv=conv, blocks=True))

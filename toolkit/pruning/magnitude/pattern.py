"""The places of zeros and their wanted number. Needs no TensorFlow."""

import numpy as np


def zeros_asked(size: int, sparsity: float) -> int:
    """The zeros that the library makes in `size` weights: all but round(size · (1 − sparsity)); at least 1 is kept."""
    return size - max(round(size * (1 - sparsity)), 1)


def groups(kernel: np.ndarray, n: int) -> np.ndarray:
    """The weights of a kernel [..., inputs, outputs] in groups of `n` beside each other along the inputs, [groups, n].

    This is their order in a .tflite file. A last group with less than `n` weights is left out.
    """
    rows = np.moveaxis(kernel, -2, -1).reshape(-1, kernel.shape[-2])
    return rows[:, : rows.shape[1] // n * n].reshape(-1, n)


def can_hold(kernel_shape: tuple[int, ...], pattern: tuple[int, int]) -> bool:
    """Whether there is a group of n along the input channels; the stem's one or three channels hold no group of 4."""
    return kernel_shape[-2] >= pattern[1]


def holds(kernel: np.ndarray, pattern: tuple[int, int]) -> bool:
    """Whether at least m of the weights in each group of n are 0."""
    m, n = pattern
    return bool((np.count_nonzero(groups(kernel, n), axis=1) <= n - m).all())

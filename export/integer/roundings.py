"""Weights rounded with error feedback: each rounding makes up for the errors of those before it.

For weights w [in] of one output and rounded ones q, the squared error over all inputs x is (w − q)ᵀ H (w − q) with
H = E[x xᵀ]. With H = L Lᵀ, L lower triangular, it is the sum over i of (L_ii e_i + Σ_{j>i} L_ji e_j)², e = w − q; so
from the last to the first each e_i can be chosen to cancel what those behind it left. That is GPTQ (Frantar et al.
2022, arXiv 2210.17323) as Babai's nearest plane, without the inverse of H.
"""

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cholesky
from threadpoolctl import ThreadpoolController

from hemotk.exporting.graph.ir import Array

Gram = npt.NDArray[np.floating[Any]]

STEPS = 127
# Added to the diagonal, as a share of its mean: calibration images are few, and some inputs never change.
DAMPING = 0.01
# Inputs whose errors are summed up one by one, before a matrix product hands them on to all others.
BLOCK = 64
# Thousands of small products: where other work is going on, threads would wait for each other at every one.
_BLAS = ThreadpoolController()


def rounding_steps(weight: Array) -> Array:
    """The step [out] that the quantizer gives each output channel of weights [in, out]; 1 where all are zero."""
    greatest = np.abs(weight).max(axis=0)
    return np.where(greatest > 0, greatest / STEPS, 1.0)


def nearest(weight: Array) -> Array:
    """Weights [in, out], each rounded to the nearest multiple of its channel's step."""
    step = rounding_steps(weight)
    return np.asarray(np.rint(weight / step) * step)


@_BLAS.wrap(limits=1)
def error_feedback(weight: Array, gram: Gram, damping: float = DAMPING) -> Array:
    """Weights [in, out] rounded to multiples of their channel's step, for inputs with E[x xᵀ] = `gram` [in, in].

    The largest weight of each channel is kept: the quantizer takes the step from it. A channel whose error on these
    inputs, in the precision of `gram`, would not fall is rounded to the nearest.
    """
    step = rounding_steps(weight)
    order = np.argsort(np.diagonal(gram), kind="stable")  # inputs that matter most come last, so they are rounded first
    damped = gram[np.ix_(order, order)].astype(np.float64)
    damped[np.diag_indices_from(damped)] += max(damping * float(np.diagonal(gram).mean()), 1e-12)
    lower = cholesky(damped, lower=True, overwrite_a=True)
    wanted = weight[order] / step
    rounded = np.empty_like(weight)
    rounded[order] = np.rint(wanted - _errors(wanted, lower)) * step
    plain = nearest(weight)
    better = _error(weight - rounded, gram) < _error(weight - plain, gram)
    return np.asarray(np.where(better, rounded, plain), np.float64)


def _errors(wanted: Array, lower: Array) -> Array:
    """What is left of `wanted` [in, out], in steps, when each rounding makes up for those of the inputs behind it.

    What other blocks of inputs leave to a block is one matrix product, so only a block's own errors are summed up input
    by input.
    """
    free = np.arange(len(wanted))[:, np.newaxis] != np.abs(wanted).argmax(axis=0)
    errors = np.zeros_like(wanted)
    for end in range(len(wanted), 0, -BLOCK):
        block = slice(max(end - BLOCK, 0), end)
        spread = lower[block.start :, block] / np.diagonal(lower)[block]
        inside = np.ascontiguousarray(spread[:BLOCK].T)
        aims = wanted[block] + spread[end - block.start :].T @ errors[end:]
        mine = errors[block]
        for index in reversed(range(len(mine))):
            aim = aims[index] + inside[index, index + 1 : len(mine)] @ mine[index + 1 :]
            chosen = np.minimum(np.maximum(np.rint(aim), -STEPS), STEPS)
            np.multiply(wanted[block.start + index] - chosen, free[block.start + index], out=mine[index])
    return errors


def _error(difference: Array, gram: Gram) -> Array:
    """The mean squared error [out] of weights that differ by [in, out]."""
    moved = difference.astype(gram.dtype)
    return np.asarray((moved * (gram @ moved)).sum(axis=0))

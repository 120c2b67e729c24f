"""Weights rounded with error feedback: each rounding makes up for the errors of those before it.

For weights w [in] of one output and rounded ones q, the squared error over all inputs x is (w − q)ᵀ H (w − q) with
H = E[x xᵀ]. With H = R Rᵀ, R upper triangular, it is the sum over i of (R_ii e_i + Σ_{j<i} R_ji e_j)², e = w − q; so
each e_i can be chosen to cancel what the earlier ones left. That is GPTQ (Frantar et al. 2022, arXiv 2210.17323) as
Babai's nearest plane, without the inverse of H.
"""

import numpy as np

from hemotk.exporting.graph.ir import Array

STEPS = 127
# Added to the diagonal, as a share of its mean: calibration images are few, and some inputs never change.
DAMPING = 0.01


def rounding_steps(weight: Array) -> Array:
    """The step [out] that the quantizer gives each output channel of weights [in, out]; 1 where all are zero."""
    greatest = np.abs(weight).max(axis=0)
    return np.where(greatest > 0, greatest / STEPS, 1.0)


def nearest(weight: Array) -> Array:
    """Weights [in, out], each rounded to the nearest multiple of its channel's step."""
    step = rounding_steps(weight)
    return np.asarray(np.rint(weight / step) * step)


def error_feedback(weight: Array, gram: Array, damping: float = DAMPING) -> Array:
    """Weights [in, out] rounded to multiples of their channel's step, for inputs with E[x xᵀ] = `gram` [in, in].

    The largest weight of each channel is kept: the quantizer takes the step from it. A channel whose error on these
    inputs would not fall is rounded to the nearest.
    """
    step = rounding_steps(weight)
    order = np.argsort(-np.diagonal(gram), kind="stable")
    damped = gram + np.eye(len(gram)) * max(damping * float(np.diagonal(gram).mean()), 1e-12)
    upper = _upper(damped[np.ix_(order, order)])
    wanted = weight[order] / step
    largest = np.abs(wanted).argmax(axis=0)
    errors = np.zeros_like(wanted)
    for index, row in enumerate(wanted):
        aim = row + upper[:index, index] @ errors[:index] / upper[index, index]
        chosen = np.where(largest == index, row, np.clip(np.rint(aim), -STEPS, STEPS))
        errors[index] = row - chosen
    rounded = np.empty_like(weight)
    rounded[order] = np.rint(wanted - errors) * step
    plain = nearest(weight)
    better = _error(weight - rounded, gram) < _error(weight - plain, gram)
    return np.asarray(np.where(better, rounded, plain), np.float64)


def _upper(matrix: Array) -> Array:
    """R, upper triangular, with R Rᵀ = `matrix`."""
    return np.asarray(np.linalg.cholesky(matrix[::-1, ::-1])[::-1, ::-1], np.float64)


def _error(difference: Array, gram: Array) -> Array:
    """The mean squared error [out] of weights that differ by [in, out]."""
    return np.einsum("io,io->o", difference, gram @ difference)

"""Roundings by error feedback: on the quantizer's grid, never worse than the nearest, mostly much better."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.exporting.integer.roundings import BLOCK, DAMPING, STEPS, error_feedback, nearest, rounding_steps


def correlated(seed: int, inputs: int = 24, outputs: int = 6) -> tuple[np.ndarray, np.ndarray]:
    """Weights [in, out], and inputs [n, in] that have a few causes in common, as neighbouring channels have."""
    rng = np.random.default_rng(seed)
    causes = rng.normal(size=(400, 5)) @ rng.normal(size=(5, inputs))
    return rng.normal(size=(inputs, outputs)), np.maximum(causes + 0.2 * rng.normal(size=causes.shape), 0)


def errors(weight: np.ndarray, rounded: np.ndarray, x: np.ndarray) -> np.ndarray:
    """The mean squared error [out]."""
    return np.square(x @ (rounded - weight)).mean(axis=0)


def one_by_one(weight: np.ndarray, gram: np.ndarray) -> np.ndarray:
    """Error feedback as its definition says it: every input makes up for all that were rounded before it."""
    step = rounding_steps(weight)
    order = np.argsort(np.diagonal(gram), kind="stable")
    damping = DAMPING * np.diagonal(gram).mean() * np.eye(len(gram))
    lower = np.linalg.cholesky((gram + damping)[np.ix_(order, order)])
    wanted = weight[order] / step
    codes = wanted.copy()
    for i in reversed(range(len(wanted))):
        for out, row in enumerate(wanted.T):
            if i != np.abs(row).argmax():
                aim = row[i] + lower[i + 1 :, i] @ (row - codes[:, out])[i + 1 :] / lower[i, i]
                codes[i, out] = np.clip(np.rint(aim), -STEPS, STEPS)
    found = np.empty_like(weight)
    found[order] = np.rint(codes) * step
    plain = nearest(weight)
    before, after = (np.einsum("io,ij,jo->o", e, gram, e) for e in (weight - plain, weight - found))
    return np.where(after < before, found, plain)


@pytest.mark.parametrize("inputs", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 3 * BLOCK - 5])
def test_blocks_of_inputs_give_what_inputs_one_by_one_give(inputs: int) -> None:
    weight, x = correlated(inputs, inputs)
    gram = x.T @ x / len(x)
    np.testing.assert_allclose(error_feedback(weight, gram), one_by_one(weight, gram), atol=1e-12)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_output_gets_worse_and_all_together_get_much_better(seed: int) -> None:
    weight, x = correlated(seed)
    rounded = error_feedback(weight, x.T @ x / len(x))
    before, after = errors(weight, nearest(weight), x), errors(weight, rounded, x)
    assert (after <= before * (1 + 1e-9)).all()
    assert after.sum() < 0.6 * before.sum()


def test_it_is_better_on_inputs_that_it_has_not_seen() -> None:
    weight, x = correlated(1)
    seen, unseen = x[::2], x[1::2]
    rounded = error_feedback(weight, seen.T @ seen / len(seen))
    assert errors(weight, rounded, unseen).sum() < 0.6 * errors(weight, nearest(weight), unseen).sum()


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_quantizer_would_take_the_same_step_and_the_same_numbers(seed: int) -> None:
    weight, x = correlated(seed)
    step = rounding_steps(weight)
    rounded = error_feedback(weight, x.T @ x / len(x)).astype(np.float32).astype(np.float64)  # as files keep it
    np.testing.assert_allclose(rounding_steps(rounded), step, rtol=1e-6)
    codes = rounded / step
    np.testing.assert_allclose(codes, np.rint(codes), atol=1e-3)
    largest = np.abs(weight).argmax(axis=0), np.arange(weight.shape[1])
    np.testing.assert_allclose(np.abs(codes[largest]), STEPS, rtol=1e-6)
    assert np.abs(codes).max() <= STEPS * (1 + 1e-6)


@pytest.mark.parametrize("dead", [slice(0, 1), slice(3, 9), slice(None)])
def test_inputs_that_never_change_and_outputs_that_read_nothing(dead: slice) -> None:
    weight, x = correlated(3)
    x[:, dead], weight[:, 2] = 0, 0
    rounded = error_feedback(weight, x.T @ x / len(x))
    assert np.isfinite(rounded).all()
    assert not rounded[:, 2].any()
    assert (errors(weight, rounded, x) <= errors(weight, nearest(weight), x) * (1 + 1e-9)).all()


def test_one_image_alone() -> None:
    weight, x = correlated(4)
    assert np.isfinite(error_feedback(weight, x[:1].T @ x[:1])).all()

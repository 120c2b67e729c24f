"""The arithmetic of the studies: a scrambled network is the same function, and fidelity counts as it says."""

import sys
from pathlib import Path

import numpy as np
import pytest
from exportable_runs import make_run, make_split
from hypothesis import given
from hypothesis import strategies as st
from random_networks import graph_of, random_arrays, shapes

from hemotk.exporting.graph.evaluate import evaluate
from hemotk.exporting.source import open_run
from hemotk.models.shape import DenseNetShape, LayerShape

STUDIES = Path(__file__).parents[2] / "studies"


@pytest.fixture(scope="module", autouse=True)
def _importable():
    sys.path.insert(0, str(STUDIES))
    yield
    sys.path.remove(str(STUDIES))


@given(shapes(), st.integers(0, 1000))
def test_a_scrambled_network_is_the_same_function(shape, seed: int) -> None:
    from scramble import scrambled

    arrays = random_arrays(shape, seed)
    h = np.random.default_rng(seed).normal(size=(2, 33, 33, 1))
    before = evaluate(graph_of(shape, arrays), h).logit
    changed = scrambled(arrays, shape, seed)
    after = evaluate(graph_of(shape, changed), h).logit
    np.testing.assert_allclose(after, before, rtol=0, atol=1e-9 * max(abs(before).max(), 1))
    kernels = [name for name in arrays if name.endswith("_2_conv/kernel")]
    assert kernels and not any(np.allclose(changed[name], arrays[name]) for name in kernels)


def test_fidelity_by_hand() -> None:
    from export_study import fidelity

    found = fidelity(np.array([-2.0, 0.1, 2.0]), np.array([-2.0, -0.1, 2.0]), 0.5)
    assert found["flips"] == 1 and found["max_dlogit"] == pytest.approx(0.2)
    assert found["flipped"] == [pytest.approx([1 / (1 + np.exp(-0.1)), 1 / (1 + np.exp(0.1))])]
    assert found["max_dp"] == pytest.approx(2 * (1 / (1 + np.exp(-0.1)) - 0.5))
    variance = np.var([-2, 0.1, 2])
    assert found["sqnr_db"] == pytest.approx(10 * np.log10(variance / (0.04 / 3)))


def test_a_resized_run_takes_pictures_of_another_size(tmp_path: Path) -> None:
    from resize_run import resize_run

    shape = DenseNetShape(4, ((LayerShape(4, 2),),), ())
    run = make_run(tmp_path / "run", make_split(tmp_path / "images"), shape, random_arrays(shape, 0), 48)
    resize_run(run, 64, tmp_path / "other")
    assert open_run(tmp_path / "other").card.preprocess.size == 64
    assert open_run(run).card.preprocess.size != 64

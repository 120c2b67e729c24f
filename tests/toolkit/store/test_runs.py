"""Runs imported before networks were told on hemotk's own pixel grid."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from prunable_runs import make_run, split_of_squares

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, PreprocessSpec, RunCard
from hemotk.describe.facts import describe_run
from hemotk.errors import HemotkError
from hemotk.models.shape import CnnShape, DenseNetShape, densenet
from hemotk.pruning.channels.job import read_network
from hemotk.store.run import TOLD_ANEW, on_own_grid, read_run, told_anew

BYTES = np.arange(256.0)[:, np.newaxis]
SMALL = densenet((1, 1), growth=8)
OLD_SPEC = PreprocessSpec(16, 1 / 255, 0, window_level=50.0, window_width=100.0)
OLD_SHAPE = replace(SMALL, gray_mean=(0.485, 0.456, 0.406), gray_std=(0.229, 0.224, 0.225))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    return make_run(
        folder / "old",
        split_of_squares(folder / "images"),
        OLD_SHAPE,
        preprocess=OLD_SPEC,
        source="imported",
        notes=("Trained elsewhere.",),
    )


def seen(card: RunCard, shape: DenseNetShape) -> np.ndarray:
    """What the network's three channels are for each byte."""
    spec = card.preprocess
    return (spec.scale * (BYTES - spec.zero_point) - np.array(shape.gray_mean)) / np.array(shape.gray_std)


three = st.tuples(*[st.floats(-3, 3)] * 3)


@given(scale=st.floats(1e-3, 2), zero_point=st.integers(0, 255), mean=three, std=st.tuples(*[st.floats(0.05, 3)] * 3))
def test_the_network_sees_the_same_of_every_byte(
    scale: float, zero_point: int, mean: tuple[float, float, float], std: tuple[float, float, float], run: Path
) -> None:
    card = replace(RunCard.read(run / RUN_CARD), preprocess=replace(OLD_SPEC, scale=scale, zero_point=zero_point))
    shape = replace(SMALL, gray_mean=mean, gray_std=std)
    told, own = on_own_grid(card, shape)
    assert isinstance(own, DenseNetShape)
    assert told.preprocess == PreprocessSpec(16, window_level=50.0, window_width=100.0)
    before = seen(card, shape)
    assert np.allclose(seen(told, own), before, rtol=0, atol=1e-12 * np.abs(before).max())
    assert on_own_grid(told, own) == (told, own)


def test_every_reader_of_a_run_tells_it_alike_and_says_so(run: Path) -> None:
    card, shape = read_run(run)
    assert card.notes == ("Trained elsewhere.", TOLD_ANEW) and told_anew(card) == (TOLD_ANEW,)
    network, described = read_network(run), describe_run(run / RUN_CARD)
    assert (network.card, network.shape) == (described.card, described.shape) == (card, shape)
    assert RunCard.read(run / RUN_CARD).preprocess == OLD_SPEC, "the folder itself stays as it is"


@pytest.mark.parametrize("shape", [SMALL, replace(SMALL, channels=1), CnnShape(size=16)])
def test_a_network_without_a_normalization_of_its_own_stays_as_it_is(
    shape: DenseNetShape | CnnShape, run: Path
) -> None:
    card = RunCard.read(run / RUN_CARD)
    assert on_own_grid(card, shape) == (card, shape) and told_anew(card) == ()


def test_a_changed_file_is_refused(run: Path, tmp_path: Path) -> None:
    copy = make_run(tmp_path / "copy", split_of_squares(tmp_path / "images"))
    SMALL.write(copy / SHAPE_FILE)
    read_run(copy)
    OLD_SHAPE.write(copy / SHAPE_FILE)
    with pytest.raises(HemotkError, match=f"{copy / SHAPE_FILE}: checksum"):
        read_run(copy)

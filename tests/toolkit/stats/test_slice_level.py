import numpy as np
from sklearn.metrics import roc_auc_score

from hemotk.data.read.tissue import BRAIN, soft_tissue_share
from hemotk.stats.slice_level import slice_level


def test_the_share_of_soft_tissue_is_counted_over_the_square_that_the_network_sees() -> None:
    gray = np.zeros((256, 128), np.uint8)  # padded to 256×256: half of it is the picture
    gray[:128] = 120
    assert abs(soft_tissue_share(gray) - 0.25) < 0.01


def test_air_and_bone_are_no_soft_tissue() -> None:
    assert soft_tissue_share(np.zeros((64, 64), np.uint8)) == 0
    assert soft_tissue_share(np.full((64, 64), 255, np.uint8)) == 0
    assert soft_tissue_share(np.full((64, 64), 120, np.uint8)) == 1


def series(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """20 patients of 20 slices; bleeds lie where there is much tissue."""
    random = np.random.default_rng(seed)
    tissue = np.tile(np.linspace(0, 0.5, 20), 20)
    labels = (tissue + random.normal(0, 0.15, 400)) > 0.4
    return labels.astype(int), tissue, np.repeat(np.arange(20), 20)


def test_the_baseline_is_the_area_under_the_curve_of_the_share() -> None:
    labels, tissue, groups = series()
    found = slice_level(labels, tissue, tissue, groups, BRAIN)
    assert found.baseline.value is not None
    assert abs(found.baseline.value - roc_auc_score(labels, tissue)) < 1e-12
    assert found.exceeds_chance
    assert found.groups == 20


def test_brain_slices_alone_are_judged_in_the_second_figure() -> None:
    labels, tissue, groups = series()
    scores = np.random.default_rng(1).normal(size=400)
    found = slice_level(labels, scores, tissue, groups, BRAIN)
    inside = tissue >= BRAIN
    assert (found.brain_images, found.brain_positives) == (inside.sum(), labels[inside].sum())
    assert found.brain.value is not None
    assert abs(found.brain.value - roc_auc_score(labels[inside], scores[inside])) < 1e-12


def test_a_share_that_says_nothing_does_not_exceed_chance() -> None:
    random = np.random.default_rng(2)
    found = slice_level(random.integers(0, 2, 200), np.zeros(200), random.random(200), None, BRAIN)
    assert not found.exceeds_chance
    assert found.groups is None


def test_a_baseline_that_few_patients_cannot_show_is_shown_all_the_same() -> None:
    labels, tissue, _ = series()
    found = slice_level(labels, tissue, tissue, np.repeat(np.arange(4), 100), BRAIN)
    assert found.exceeds_chance and found.groups == 4


def test_without_brain_slices_the_second_figure_says_why_it_is_missing() -> None:
    found = slice_level([0, 1], [0.1, 0.2], [0.0, 0.1], None, BRAIN)
    assert found.brain.value is None
    assert found.brain.why
    assert found.brain_images == 0

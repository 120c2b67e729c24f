"""Cross-validation: killed, resumed, pooled, drawn."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from prunable_runs import split_of_squares

from hemotk.artifacts import RUN_CARD, Part, RunCard, SplitItem, SplitManifest
from hemotk.artifacts.cv import CV_FILE, CV_PLOT, CV_TABLE, CvFold, CvImage, CvReport
from hemotk.data.read.tissue import BRAIN
from hemotk.data.split.folds import read_folds, refold
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.stats.metrics import auc, calibrated, evaluate

pytest.importorskip("tf_keras")
from killed_trainings import Killed

from hemotk.store.lock import locked
from hemotk.training.config import TrainConfig, from_recipe
from hemotk.training.cv_report import markdown, roc, table
from hemotk.training.folds import SPLITS, FoldsJob, cross_validate, pool
from hemotk.training.listener import Listener
from hemotk.training.operating_point import OperatingConfig
from hemotk.training.scores import SCORES_FILE, read_tissue

FOLDS = 2


def config(epochs: int = 1) -> TrainConfig:
    operating = OperatingConfig("youden", calibrate=True)
    return from_recipe("hemotk", arch="cnn", size=32, batch=8, seed=1, epochs=epochs, operating=operating)


class KillInFold(Listener):
    def __init__(self, fold: int) -> None:
        self.words = f"fold {fold} "
        self.near = False

    def doing(self, what: str) -> None:
        self.near = what.startswith(self.words)

    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        if self.near and done == 2:
            raise Killed


@pytest.fixture(scope="module")
def splits(tmp_path_factory: pytest.TempPathFactory) -> tuple[SplitManifest, ...]:
    """Two folds of thirty pictures, of which the first two belong together."""
    split = split_of_squares(tmp_path_factory.mktemp("pictures"))
    joined = {item.path for item in split.items if item.path in ("hemorrhage/1.png", "hemorrhage/3.png")}
    items = (replace(item, group="pair" if item.path in joined else item.group, part="train") for item in split.items)
    return refold(_parted(split, tuple(items)), FOLDS)


def _parted(split: SplitManifest, items: tuple[SplitItem, ...]) -> SplitManifest:
    single = [item for item in items if item.group != "pair"]
    parts: dict[str, Part] = {single[0].path: "validation", single[1].path: "test"}
    return replace(split, items=tuple(replace(item, part=parts.get(item.path, "train")) for item in items))


@pytest.fixture(scope="module")
def out(splits: tuple[SplitManifest, ...], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cross-validation that was killed in its second fold, refused in several ways, and resumed."""
    out = tmp_path_factory.mktemp("runs") / "cv"
    with pytest.raises(Killed):
        cross_validate(FoldsJob(splits, out), config(), KillInFold(2))
    partial = out.with_name("cv.partial")
    assert not out.exists() and (partial / "fold-1" / RUN_CARD).exists() and (partial / "fold-2.partial").is_dir()
    first = sha256_file(partial / "fold-1" / RUN_CARD)
    with pytest.raises(HemotkError, match="add resume"):
        cross_validate(FoldsJob(splits, out), config())
    with pytest.raises(HemotkError, match="was begun with 2 folds, now there are 3"):
        cross_validate(FoldsJob(refold(splits[0], 3), out, resume=True), config())
    with pytest.raises(HemotkError, match="other images, groups or shares"):
        cross_validate(FoldsJob(refold(replace(splits[0], seed=9), FOLDS), out, resume=True), config())
    with pytest.raises(HemotkError, match="was trained with epochs 1, now it is 2"):
        cross_validate(FoldsJob(splits, out, resume=True), config(2))
    again = tuple(replace(split, created="2030-01-01T00:00:00+00:00") for split in splits)
    cross_validate(FoldsJob(again, out, resume=True), config())
    assert not partial.exists() and sha256_file(out / "fold-1" / RUN_CARD) == first
    return out


def test_every_fold_is_an_ordinary_run(out: Path, splits: tuple[SplitManifest, ...]) -> None:
    report = CvReport.read(out / CV_FILE)
    assert {path.name for path in out.iterdir()} == {"fold-1", "fold-2", SPLITS, CV_FILE, CV_PLOT, CV_TABLE}
    assert read_folds(out / SPLITS) == splits
    for number, (fold, split) in enumerate(zip(report.folds, splits, strict=True), 1):
        card = RunCard.read(out / fold.run / RUN_CARD)
        assert fold.run == card.name == f"fold-{number}" and fold.sha256 == sha256_file(out / fold.run / RUN_CARD)
        assert {name: sha256_file(out / fold.run / name) for name in card.files} == card.files
        assert card.parents["split"] == split.sha256()
        assert (fold.threshold, fold.temperature, fold.metrics) == (
            card.threshold,
            card.temperature,
            card.metrics["test"],
        )


def test_every_image_is_scored_once_by_a_network_that_did_not_know_it(
    out: Path, splits: tuple[SplitManifest, ...]
) -> None:
    report = CvReport.read(out / CV_FILE)
    assert sorted(image.path for image in report.images) == sorted(item.path for item in splits[0].items)
    for image in report.images:
        (item,) = [item for item in splits[image.fold - 1].items if item.path == image.path]
        assert (item.part, item.label, item.group) == ("test", image.label, image.group)
        learned = {other.group for other in splits[image.fold - 1].items if other.part != "test"}
        assert image.group not in learned


def test_pooled_figures_are_those_of_the_images(out: Path) -> None:
    report = CvReport.read(out / CV_FILE)
    right = []
    for image in report.images:
        fold = report.folds[image.fold - 1]
        right.append((calibrated(image.logit, fold.temperature) >= fold.threshold) == bool(image.label))
    pooled = report.pooled
    assert (pooled.count, pooled.positives, pooled.groups) == (30, 15, 29)
    assert pooled.accuracy.value == pytest.approx(np.mean(right))
    assert "groups" in pooled.accuracy.method
    assert report.slice_level is not None and list(report.slice_level) == ["fold-1", "fold-2", "pooled"]
    level = report.slice_level["pooled"]
    tissue: dict[str, float] = {}
    for fold in report.folds:
        tissue |= read_tissue(out / fold.run / SCORES_FILE, "test") or {}
    shares = [tissue[image.path] for image in report.images]
    assert level.groups == 29 and level.brain_images == sum(share >= BRAIN for share in shares)
    assert level.baseline.value == pytest.approx(auc([image.label for image in report.images], shares))
    by_hand = [fold.metrics.auc.value or 0 for fold in report.folds]
    pairs = [fold.metrics.positives * (fold.metrics.count - fold.metrics.positives) for fold in report.folds]
    assert pooled.fold_auc == pytest.approx(np.average(by_hand, weights=pairs))


def test_table_and_picture(out: Path) -> None:
    report = CvReport.read(out / CV_FILE)
    rows = table(report)
    assert [row[0] for row in rows] == ["fold", "fold-1", "fold-2", "pooled"] and {len(row) for row in rows} == {9}
    assert (out / CV_TABLE).read_text() == markdown(report)
    assert "29 groups" in markdown(report) and "other hospitals" in markdown(report)
    picture = Image.open(io.BytesIO((out / CV_PLOT).read_bytes()))
    assert picture.width > 1000 and picture.height > 500


def test_a_threshold_near_one_is_not_called_one(out: Path) -> None:
    report = CvReport.read(out / CV_FILE)
    near = replace(report, folds=tuple(replace(fold, threshold=0.9996) for fold in report.folds))
    assert [row[3] for row in table(near)] == ["threshold", "0.9996", "0.9996", ""]


def test_a_finished_one_is_kept(out: Path, splits: tuple[SplitManifest, ...]) -> None:
    with pytest.raises(HemotkError, match="overwrite"):
        cross_validate(FoldsJob(splits, out), config())


def test_a_second_one_on_the_same_output_is_refused(splits: tuple[SplitManifest, ...], tmp_path: Path) -> None:
    job = FoldsJob(splits, tmp_path / "cv")
    with locked(job.partial), pytest.raises(HemotkError, match="another hemotk holds it"):
        cross_validate(job, config())
    assert sorted(path.name for path in job.partial.iterdir()) == ["holder", "lock"]


def test_something_else_is_left_alone(splits: tuple[SplitManifest, ...], tmp_path: Path) -> None:
    other = tmp_path / "cv.partial" / "checkpoint.npz"
    other.parent.mkdir()
    other.write_text("work")
    with pytest.raises(HemotkError, match="something else than a cross-validation"):
        cross_validate(FoldsJob(splits, tmp_path / "cv", resume=True), config())
    assert other.read_text() == "work"


def test_each_fold_decides_at_its_own_threshold_and_temperature() -> None:
    metrics = evaluate([0, 1], [-1.0, 1.0], 0.5)
    folds = [CvFold("fold-1", "", 0.9, 1.0, metrics), CvFold("fold-2", "", 0.5, 4.0, metrics)]
    images = [
        CvImage("a", 1, "a", 1, 2.0),  # 0.88: missed
        CvImage("b", 0, "b", 1, 2.0),  # 0.88: right
        CvImage("c", 1, "c", 2, 0.4),  # right
        CvImage("d", 0, "d", 2, 9.0),  # 0.90: wrong
    ]
    pooled = pool(folds, images)
    assert (pooled.sensitivity.value, pooled.specificity.value, pooled.accuracy.value) == (0.5, 0.5, 0.5)
    assert pooled.auc.value == auc([1, 0, 1, 0], [2.0, 2.0, 0.1, 2.25]) == 0.125
    assert pooled.fold_auc == 1


def test_the_area_under_the_curve_that_is_drawn_is_the_auc() -> None:
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 80), random.integers(-9, 9, 80).astype(float)
    x, y = roc(labels.tolist(), scores.tolist())
    assert (x[0], y[0], x[-1], y[-1]) == (0, 0, 1, 1)
    area = float(np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2))
    assert area == pytest.approx(auc(labels, scores))


def test_cv_json_is_checked(out: Path, tmp_path: Path) -> None:
    body = json.loads((out / CV_FILE).read_text())
    body["images"][0]["fold"] = 7
    (tmp_path / CV_FILE).write_text(json.dumps(body))
    with pytest.raises(HemotkError, match="of folds that are there"):
        CvReport.read(tmp_path / CV_FILE)

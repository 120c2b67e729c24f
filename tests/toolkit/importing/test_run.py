"""An imported network as a run folder."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from keras_classifiers import SIZE, gray_pictures, model, predicted, save
from PIL import Image

from hemotk.artifacts import PARTS, RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, PreprocessSpec, RunCard, SplitManifest
from hemotk.data.read.pipeline import open_items
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import HemotkError
from hemotk.experiments.scored import open_scored
from hemotk.exporting.graph.evaluate import evaluate as evaluate_graph
from hemotk.exporting.graph.ir import read_graph
from hemotk.files import sha256_file
from hemotk.importing import run
from hemotk.importing.config import ImportConfig
from hemotk.importing.run import OPTIMISTIC, UPSIDE_DOWN, ImportJob, import_run
from hemotk.models.families import named_shape
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights
from hemotk.stats.metrics import evaluate, sigmoid

COUNT = 30


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> ImportJob:
    """A model of Keras 3 and pictures that it ranks perfectly: label 1 where it says more than the median."""
    folder = tmp_path_factory.mktemp("import")
    pixels = gray_pictures(COUNT, seed=3)
    says = predicted(model("keras", "flat"), pixels, "raw")[:, 1]
    for index, image in enumerate(pixels):
        path = folder / "data" / ("hemorrhage" if says[index] > np.median(says) else "normal") / f"{index}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    split = make_split(scan(folder / "data"), SplitConfig())
    return ImportJob(save("keras", "flat", ".keras", folder), split, folder / "run")


@pytest.fixture(scope="module")
def card(job: ImportJob) -> RunCard:
    return import_run(job, ImportConfig())


def test_the_card_says_where_the_network_came_from(job: ImportJob, card: RunCard) -> None:
    assert RunCard.read(job.out / RUN_CARD) == card
    assert card.source == "imported" and card.arch == "densenet" and card.notes == (OPTIMISTIC,)
    assert card.parents == {"model": sha256_file(job.model), "split": job.split.sha256()}
    assert card.settings["normalization"] == "auto" and card.settings["model"] == "keras-flat.keras"
    assert card.settings["format"].startswith("Keras 3")
    assert card.files == {name: sha256_file(job.out / name) for name in card.files}
    assert card.preprocess == PreprocessSpec(SIZE)


def test_a_run_from_elsewhere_can_be_looked_into_like_any_other(job: ImportJob, card: RunCard) -> None:
    assert {"scores.csv", "misses.csv"} <= set(card.files) and (job.out / "decisions.png").is_file()
    for part in PARTS:
        scored = open_scored(job.out, part)
        assert len(scored.logits) == card.metrics[part].count
        assert evaluate(scored.labels, scored.logits, 0.5) == card.metrics[part]
        assert card.slice_level[part].brain_images <= card.metrics[part].count


def test_every_part_is_judged_by_the_originals_own_scores(job: ImportJob, card: RunCard) -> None:
    for part in PARTS:
        metrics = card.metrics[part]
        items = job.split.part(part)
        pixels = np.stack([np.asarray(Image.open(job.split.root() / item.path)) for item in items])
        says = predicted(model("keras", "flat"), pixels, "raw")[:, 1].astype(np.float64)
        expected = evaluate([item.label for item in items], np.log(says / (1 - says)), 0.5)
        assert metrics.count == len(items) and metrics.auc == expected.auc and metrics.auc.value == 1
        assert metrics.accuracy == expected.accuracy
        assert metrics.loss == pytest.approx(expected.loss, abs=1e-5)


def test_pictures_that_do_not_fit_into_memory_are_judged_alike(
    job: ImportJob, card: RunCard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "open_items", partial(open_items, most=0))
    assert import_run(replace(job, out=tmp_path / "run"), ImportConfig()).metrics == card.metrics


def test_the_run_is_read_by_the_export_graph(job: ImportJob, card: RunCard) -> None:
    shape = DenseNetShape.read(job.out / SHAPE_FILE)
    read_weights(job.out / WEIGHTS_FILE, shape)
    pixels = gray_pictures(3)
    h = card.preprocess.scale * (pixels[..., None].astype(np.float64) - card.preprocess.zero_point)
    logits = evaluate_graph(read_graph(job.out), h).logit
    assert np.abs(sigmoid(np.ravel(logits)) - predicted(model("keras", "flat"), pixels, "raw")[:, 1]).max() <= 1e-5


def test_a_turned_around_class_is_noticed(job: ImportJob, tmp_path: Path) -> None:
    card = import_run(replace(job, out=tmp_path / "run"), ImportConfig(positive_class=0))
    assert card.metrics["train"].auc.value == 0 and card.notes == (OPTIMISTIC, UPSIDE_DOWN)


def test_nothing_is_overwritten_or_half_written(job: ImportJob, card: RunCard, tmp_path: Path) -> None:
    before = sorted(job.out.parent.rglob("*"))
    with pytest.raises(HemotkError, match=f"{job.out}: already exists.*overwrite"):
        import_run(job, ImportConfig())
    with pytest.raises(HemotkError, match="size 64"):
        import_run(replace(job, overwrite=True), ImportConfig(size=64))
    gone = SplitManifest(**{**vars(job.split), "folder": str(tmp_path / "gone")})
    with pytest.raises(HemotkError, match="gone: the image folder of the split is not there"):
        import_run(replace(job, split=gone, out=tmp_path / "run"), ImportConfig())
    assert sorted(job.out.parent.rglob("*")) == before and not (tmp_path / "run").exists()
    assert RunCard.read(job.out / RUN_CARD) == card
    assert import_run(replace(job, overwrite=True), ImportConfig()).created > card.created


def test_a_known_architecture_is_named() -> None:
    from hemotk.importing.run import _arch

    shape = named_shape("densenet169", 224)
    assert isinstance(shape, DenseNetShape)
    assert _arch(replace(shape, hidden=(5,), bn_epsilon=1e-3)) == "densenet169"
    assert _arch(replace(shape, stem=63)) == "densenet"

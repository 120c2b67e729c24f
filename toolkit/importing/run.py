"""An imported network, judged on a split and published as a run folder."""

import time
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from hemotk.artifacts import PARTS, Metrics, RunCard, SplitManifest
from hemotk.data.read.lazy import Pixels
from hemotk.data.read.pipeline import open_items
from hemotk.data.read.tissue import soft_tissue_share
from hemotk.environment import machine, versions
from hemotk.errors import CheckFailed
from hemotk.files import claimed, refuse_existing
from hemotk.importing.causes import Evidence, likely_cause, worst
from hemotk.importing.config import ImportConfig, ImportedNetwork
from hemotk.importing.expected import Expected, compare
from hemotk.importing.network import read_network
from hemotk.importing.scoring import make_scorer
from hemotk.importing.stored import checksum
from hemotk.models.families import DENSENETS
from hemotk.models.layered import LayeredShape
from hemotk.models.shape import DenseNetShape
from hemotk.progress import Tell, silent
from hemotk.stats.metrics import evaluate, sigmoid
from hemotk.store.publish import Checksums, RunContent, publish_run
from hemotk.training.level import levels_of
from hemotk.training.scored import ScoredParts, run_title, write_scored

PACKAGES = ("tensorflow", "tf_keras", "numpy", "pillow", "h5py")
_CHUNK = 16
OPTIMISTIC = (
    "Trained elsewhere, perhaps on some of these images: the metrics of every part, the test part too, may be "
    "optimistic."
)
UPSIDE_DOWN = (
    "The AUC on the training part is below 0.5 with its whole interval: if class 0 was the one with hemorrhage in "
    "training, import it again with --positive-class 0."
)


@dataclass(frozen=True)
class ImportJob:
    """The saved `model`, the split to judge it on, the run folder to write, and the scores it must have."""

    model: Path
    split: SplitManifest
    out: Path
    overwrite: bool = False
    expected: Expected | None = None


def import_run(job: ImportJob, config: ImportConfig, tell: Tell = silent) -> RunCard:
    """Read the classifier, score every part of the split, and publish the run folder `job.out`.

    Raises:
        HemotkError: a model that cannot be read or is not supported, images that cannot be read, or an output that
            exists.
        CheckFailed: the scores are not those expected.
    """
    refuse_existing(job.out, job.overwrite)
    with claimed(job.out):
        return _import(job, config, tell)


def _import(job: ImportJob, config: ImportConfig, tell: Tell) -> RunCard:
    started = time.monotonic()
    model = checksum(job.model)
    network = read_network(job.model, config)
    pixels, labels = open_items(job.split.items, job.split.root(), network.preprocess)
    logits, tissue = _logits_and_tissue(network, pixels, tell)
    checked = _check_expected(job, config, logits, tell)
    where = np.array([item.part for item in job.split.items])
    scored = ScoredParts(
        job.split, {part: logits[where == part] for part in PARTS}, {part: tissue[where == part] for part in PARTS}
    )
    metrics: dict[str, Metrics] = {part: evaluate(labels[where == part], scored.logits[part], 0.5) for part in PARTS}

    def card(files: Checksums) -> RunCard:
        return RunCard(
            name=job.out.name,
            created=datetime.now(timezone.utc).isoformat(timespec="microseconds"),
            source="imported",
            arch=_arch(network.shape),
            preprocess=network.preprocess,
            labels=job.split.classes,
            files=files,
            parents={"model": model, "split": job.split.sha256(), **_scores(job)},
            settings={"model": job.model.name, "format": network.format, **asdict(config)},
            metrics=metrics,
            versions=versions(*PACKAGES),
            machine=machine(),
            seconds=time.monotonic() - started,
            slice_level=levels_of(job.split, scored.logits, scored.tissue),
            notes=(OPTIMISTIC, *network.notes, *checked, *_warnings(metrics["train"])),
        )

    def extra(folder: Path) -> list[str]:
        return write_scored(folder, scored, run_title(_arch(network.shape), job.out.name))

    content = RunContent(network.shape, network.weights, job.split)
    return publish_run(job.out, content, card, overwrite=job.overwrite, extra=extra)


def score(network: ImportedNetwork, pixels: Pixels) -> np.ndarray:
    """Logits float64 [n] of pictures uint8 [n, size, size]."""
    return make_scorer(network)(pixels)


def _logits_and_tissue(network: ImportedNetwork, pixels: Pixels, tell: Tell) -> tuple[np.ndarray, np.ndarray]:
    """Logits float64 [n], and shares of soft tissue float64 [n], of pictures uint8 [n, size, size]."""
    scorer = make_scorer(network)
    logits, tissue = np.empty(len(pixels)), np.empty(len(pixels))
    for start in range(0, len(pixels), _CHUNK):
        # Pictures may be read only once.
        some = pixels[start : start + _CHUNK]
        stop = start + len(some)
        logits[start:stop] = scorer(some)
        tissue[start:stop] = [soft_tissue_share(picture) for picture in some]
        tell("scoring", stop, len(pixels))
    return logits, tissue


def _check_expected(job: ImportJob, config: ImportConfig, logits: np.ndarray, tell: Tell) -> tuple[str, ...]:
    """The note that the scores are those expected; nothing if none are.

    Raises:
        CheckFailed: they are not.
    """
    expected = job.expected
    if expected is None:
        return ()
    comparison = compare(logits[expected.indices], expected.logits, expected.limit)
    if comparison.good:
        return (f"Checked against {expected.where.name}: {comparison.text()}.",)
    some = worst(comparison.differences)
    items = [job.split.items[index] for index in expected.indices[some]]
    paths = [job.split.root() / item.path for item in items]
    evidence = Evidence(paths, expected.logits[some], expected.limit)
    cause = likely_cause(lambda other: read_network(job.model, other), config, evidence, tell)
    named = ", ".join(
        f"{item.path} ({sigmoid(expected.logits[at]):.3f} there, {sigmoid(logits[expected.indices[at]]):.3f} here)"
        for item, at in list(zip(items, some, strict=True))[:3]
    )
    raise CheckFailed(
        f"{job.model}: its scores are not those of {expected.where}: {comparison.text()}; worst {named}; no run was "
        f"written; {cause}"
    )


def _scores(job: ImportJob) -> dict[str, str]:
    return {} if job.expected is None else {"scores": job.expected.sha256}


def _warnings(metrics: Metrics) -> tuple[str, ...]:
    return (UPSIDE_DOWN,) if metrics.auc.high is not None and metrics.auc.high < 0.5 else ()


def _arch(shape: DenseNetShape | LayeredShape) -> str:
    """The name of the architecture with the same widths, or the family's."""
    if isinstance(shape, LayeredShape):
        return shape.family
    for name, named in DENSENETS.items():
        if named.widths() == shape.widths() and named.blocks == shape.blocks:
            return name
    return "densenet"

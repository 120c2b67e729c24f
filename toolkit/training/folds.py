"""Cross-validation: an ordinary training per fold, then all test parts together.

If it is killed at any moment, it goes on from the last whole epoch of the fold in work. The folder `NAME.partial`
beside the output holds the folds' splits and the runs (`fold-1`, …) that are finished or in work.
"""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from hemotk.artifacts import RUN_CARD, RunCard, SliceLevel, SplitManifest
from hemotk.artifacts.cv import CV_FILE, CV_PLOT, CV_TABLE, CvFold, CvImage, CvReport, OutOfFold
from hemotk.data.read.tissue import BRAIN
from hemotk.data.split.folds import read_folds, write_folds
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, sha256_file, write_bytes, writing
from hemotk.stats.grouped import evaluate_groups
from hemotk.stats.metrics import calibrated, log_loss
from hemotk.stats.slice_level import slice_level
from hemotk.store.cards import run_card
from hemotk.store.finished import remove_left
from hemotk.store.learned_from import check_unseen
from hemotk.store.lock import LOCK_FILES, hand_over, locked
from hemotk.store.unfinished import check_identity, partial_of
from hemotk.training.config import EARLIER, TrainConfig
from hemotk.training.cv_report import markdown, png
from hemotk.training.listener import Listener
from hemotk.training.loop import TrainJob, train
from hemotk.training.operating_point import check_choosable
from hemotk.training.scores import SCORES_FILE, read_scores, read_tissue

SPLITS = "splits"


@dataclass(frozen=True)
class FoldsJob:
    """The folds' `splits`, fold 1 first, and where to write; `data` overrides the image folder that they recorded."""

    splits: tuple[SplitManifest, ...]
    out: Path
    data: Path | None = None
    resume: bool = False
    overwrite: bool = False

    @property
    def partial(self) -> Path:
        """The folder of the unfinished cross-validation, beside `out`."""
        return partial_of(self.out)


def cross_validate(job: FoldsJob, config: TrainConfig, listener: Listener | None = None) -> CvReport:
    """Train once per fold and publish `job.out`: the runs `fold-1`, …, their splits, `cv.json`, `cv.md`, `cv.png`.

    Raises:
        HemotkError: as `train`; or an unfinished cross-validation that is not to be resumed or was another one.
    """
    listener = listener or Listener()
    started = time.monotonic()
    refuse_existing(job.out, job.overwrite)
    for split in job.splits:
        check_choosable(split, config.operating)
        check_unseen(config.weights, split)
    _check_partial(job)
    with writing(job.partial), locked(job.partial) as lock:
        splits = _kept_splits(job)
        cards = [_trained(job, split, number, config, listener) for number, split in enumerate(splits, 1)]
        report = _report(job, config, cards, splits, time.monotonic() - started)
        report.write(job.partial / CV_FILE)
        write_bytes(job.partial / CV_TABLE, markdown(report).encode())
        write_bytes(job.partial / CV_PLOT, png(report))
        hand_over(lock, job.partial, job.out, job.overwrite)
    return report


def pool(folds: Sequence[CvFold], images: Sequence[CvImage]) -> OutOfFold:
    """The figures of all test parts together."""
    truth = np.array([image.label for image in images])
    logits = np.array([image.logit / folds[image.fold - 1].temperature for image in images])
    called = calibrated(logits, 1.0) >= [folds[image.fold - 1].threshold for image in images]
    metrics = evaluate_groups(truth, called, logits, [image.group for image in images])
    return OutOfFold(
        count=len(images),
        positives=int(truth.sum()),
        groups=metrics.groups,
        accuracy=metrics.accuracy,
        sensitivity=metrics.sensitivity,
        specificity=metrics.specificity,
        auc=metrics.auc,
        fold_auc=_fold_auc(folds),
        loss=log_loss(truth, logits),
        brier=float(np.mean((calibrated(logits, 1.0) - truth) ** 2)),
    )


def _fold_auc(folds: Sequence[CvFold]) -> float | None:
    """The share of pairs, of images of one fold, that are ranked right."""
    parts = [fold.metrics for fold in folds if fold.metrics.auc.value is not None]
    pairs = [part.positives * (part.count - part.positives) for part in parts]
    ranked = [(part.auc.value or 0.0) * weight for part, weight in zip(parts, pairs, strict=True)]
    return sum(ranked) / sum(pairs) if pairs else None


def _check_partial(job: FoldsJob) -> None:
    """Refuse an unfinished cross-validation unasked, and what is none."""
    folder = job.partial
    if not folder.is_dir():
        return
    if (folder / SPLITS).is_dir():
        if not job.resume:
            raise HemotkError(
                f"{folder}: an unfinished cross-validation lies there; add ‹resume› to go on with it, or remove the "
                "folder."
            )
    elif any(path.name not in LOCK_FILES and not path.name.startswith(f".{SPLITS}.") for path in folder.iterdir()):
        raise HemotkError(f"{folder}: holds something else than a cross-validation; choose another ‹out›.")


def _kept_splits(job: FoldsJob) -> tuple[SplitManifest, ...]:
    """The splits that the cross-validation was begun with; those of the job, if it begins now."""
    folder = job.partial / SPLITS
    if not folder.is_dir():
        write_folds(folder, job.splits)
    kept = read_folds(folder)
    if len(kept) != len(job.splits):
        raise HemotkError(
            f"{job.partial}: was begun with {len(kept)} folds, now there are {len(job.splits)}; resume with as many, "
            "or remove the folder and start again."
        )
    if any(replace(old, created=new.created) != new for old, new in zip(kept, job.splits, strict=True)):
        raise HemotkError(
            f"{job.partial}: was begun with other images, groups or shares; resume with the same, or remove the folder "
            "and start again."
        )
    return kept


def _trained(job: FoldsJob, split: SplitManifest, number: int, config: TrainConfig, listener: Listener) -> RunCard:
    """Train fold `number`, or go on with it, or take it as it is there."""
    folder = job.partial / f"fold-{number}"
    path = folder / RUN_CARD
    listener.doing(f"fold {number} of {len(job.splits)}")
    if path.exists():
        card = run_card(path.parent)
        check_identity(path, {**card.settings, **card.parents}, {**config.settings(), "split": split.sha256()}, EARLIER)
        listener.resumed(config.all_epochs)
        remove_left(folder)
        return card
    gc.collect()  # a network that was traced holds on to itself
    return train(TrainJob(split, folder, job.data, resume=True), config, listener)


def _report(
    job: FoldsJob, config: TrainConfig, cards: Sequence[RunCard], splits: Sequence[SplitManifest], seconds: float
) -> CvReport:
    folds = tuple(_fold(job.partial / card.name, card) for card in cards)
    images = tuple(
        image
        for number, split in enumerate(splits, 1)
        for image in _images(job.partial / f"fold-{number}" / SCORES_FILE, split, number)
    )
    return CvReport(
        name=job.out.name,
        created=datetime.now(timezone.utc).isoformat(timespec="seconds"),
        arch=config.arch,
        labels=splits[0].classes,
        grouping=splits[0].grouping,
        settings=config.settings(),
        folds=folds,
        pooled=pool(folds, images),
        images=images,
        seconds=max(seconds, sum(card.seconds for card in cards)),
        slice_level=_slice_level(job.partial, cards, folds, images),
    )


def _slice_level(
    folder: Path, cards: Sequence[RunCard], folds: Sequence[CvFold], images: Sequence[CvImage]
) -> dict[str, SliceLevel] | None:
    """The slice level beside the AUC of each fold and the pooled one; None where a fold is older than this measure."""
    levels: dict[str, SliceLevel] = {}
    tissue: dict[str, float] = {}
    for card in cards:
        shares = read_tissue(folder / card.name / SCORES_FILE, "test")
        if card.slice_level is None or shares is None:
            return None
        tissue |= shares
        levels[card.name] = card.slice_level["test"]
    levels["pooled"] = slice_level(
        [image.label for image in images],
        [image.logit / folds[image.fold - 1].temperature for image in images],
        [tissue[image.path] for image in images],
        [image.group for image in images],
        BRAIN,
    )
    return levels


def _fold(folder: Path, card: RunCard) -> CvFold:
    return CvFold(card.name, sha256_file(folder / RUN_CARD), card.threshold, card.temperature, card.metrics["test"])


def _images(path: Path, split: SplitManifest, number: int) -> list[CvImage]:
    scores = read_scores(path, "test")
    items = split.part("test")
    if set(scores) != {item.path for item in items}:
        raise HemotkError(f"{path}: holds scores of other images than the fold's; remove {path.parent} and resume.")
    return [CvImage(item.path, item.label, item.group, number, scores[item.path]) for item in items]

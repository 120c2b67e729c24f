"""A cross-validation as Markdown and as a picture."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from hemotk.artifacts import Estimate, Metrics
from hemotk.artifacts.cv import CvReport, OutOfFold
from hemotk.render.numbers import with_interval
from hemotk.stats.slice_level import beside

_HEADINGS = ("fold", "images", "positive", "threshold", "accuracy", "sensitivity", "specificity", "AUC", "log-loss")
_MEASURES = ("accuracy", "sensitivity", "specificity", "auc")
_WORDS = {"auc": "AUC"}
_POOLED, _FOLD = "#000000", "#0072b2"


def table(report: CvReport) -> list[tuple[str, ...]]:
    """Headings, a row per fold, and the pooled row."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for fold in report.folds:
        rows.append(_row(fold.run, fold.metrics, f"{fold.threshold:.6g}"))
    return [*rows, _row("pooled", report.pooled, "")]


def markdown(report: CvReport) -> str:
    """A heading, the table, and what a reader must know of it."""
    head, *rows = table(report)
    rules = ("---", *("---:" for _ in head[1:]))
    lines = [f"# Cross-validation of {report.arch}", "", *map(_line, (head, rules, *rows)), "", notes(report)]
    lines += [f"\n{line[0].upper()}{line[1:]}" for line in slice_levels(report)]
    return "\n".join(lines) + "\n"


def slice_levels(report: CvReport) -> list[str]:
    """Sentences that must stand beside the AUC of each fold and the pooled one."""
    return list(beside(report.slice_level or {}))


def notes(report: CvReport) -> str:
    """Notes on what the figures are, and what they are not."""
    pooled, folds = report.pooled, len(report.folds)
    own = "" if pooled.fold_auc is None else f" The mean of the folds' own AUC is {pooled.fold_auc:.3f}."
    groups = (
        "each image counts as independent"
        if pooled.groups == pooled.count
        else f"the pooled ones count {pooled.groups} groups (patients, series or copies), the folds' count images"
    )
    return (
        f"Each of the {pooled.count} images was scored once, by the one of {folds} networks that had not been trained "
        f"on its group; positive is '{report.labels[1]}'. Brackets are 95 % intervals; {groups}. The pooled AUC "
        f"compares scores of different networks.{own} The folds share most of their training images, so their figures "
        "are not independent of each other. All images come from one collection: other hospitals and scanners can "
        "differ by far more than these intervals."
    )


def png(report: CvReport) -> bytes:
    """ROC curves on the left, the four shares with their intervals on the right, as a PNG file.

    The thick black one is pooled; a thin one is a fold's. A mark is the operating point.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 5.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.2))
    _draw_roc(left, report)
    _draw_shares(right, report)
    pooled = report.pooled
    figure.suptitle(
        f"{report.arch}, {len(report.folds)} folds: {pooled.count} images of {pooled.groups} groups, each scored once "
        "by a network that had not seen its group",
        fontsize=10,
    )
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def roc(labels: Sequence[int], scores: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
    """1 − specificity and sensitivity from (0, 0) to (1, 1) as the threshold falls; equal scores are passed at once.

    Both classes must be there.
    """
    truth, value = np.asarray(labels, bool), np.asarray(scores, np.float64)
    order = np.argsort(-value, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(value[order])), len(value) - 1)
    hits, alarms = np.cumsum(truth[order])[ends], np.cumsum(~truth[order])[ends]
    return np.append(0, alarms / alarms[-1]), np.append(0, hits / hits[-1])


def _draw_roc(axes: Any, report: CvReport) -> None:
    for number, fold in enumerate(report.folds, 1):
        mine = [image for image in report.images if image.fold == number]
        _curve(axes, [image.label for image in mine], [image.logit for image in mine], color=_FOLD, lw=0.8, alpha=0.6)
        _point(axes, fold.metrics, color=_FOLD, ms=4, alpha=0.6)
    scores = [image.logit / report.folds[image.fold - 1].temperature for image in report.images]
    label = f"pooled, AUC {with_interval(report.pooled.auc)}"
    _curve(axes, [image.label for image in report.images], scores, color=_POOLED, lw=2, label=label)
    _point(axes, report.pooled, color=_POOLED, ms=7)
    axes.plot([0, 1], [0, 1], color="0.8", lw=0.8, zorder=0)
    axes.plot([], [], color=_FOLD, lw=0.8, label="one fold; dots: operating points")
    axes.set(xlabel="1 − specificity", ylabel="sensitivity", xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)


def _curve(axes: Any, labels: Sequence[int], scores: Sequence[float], **look: Any) -> None:
    if 0 < sum(labels) < len(labels):
        axes.plot(*roc(labels, scores), **look)


def _point(axes: Any, metrics: Metrics | OutOfFold, **look: Any) -> None:
    sensitivity, specificity = metrics.sensitivity.value, metrics.specificity.value
    if sensitivity is not None and specificity is not None:
        axes.plot([1 - specificity], [sensitivity], "o", **look)


def _draw_shares(axes: Any, report: CvReport) -> None:
    everything: list[Metrics | OutOfFold] = [*(fold.metrics for fold in report.folds), report.pooled]
    for at, measure in enumerate(_MEASURES):
        for place, metrics in enumerate(everything):
            pooled = metrics is report.pooled
            x = at + (place - (len(everything) - 1) / 2) * 0.8 / len(everything)
            _bar(axes, x, getattr(metrics, measure), pooled)
    axes.set_xticks(range(len(_MEASURES)), [_WORDS.get(measure, measure) for measure in _MEASURES])
    axes.set(ylabel="share, 95 % interval (black: pooled)", ylim=(0, 1.02))
    axes.grid(axis="y", alpha=0.3)


def _bar(axes: Any, x: float, estimate: Estimate, pooled: bool) -> None:
    if estimate.value is None:
        return
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    axes.errorbar(
        [x],
        [estimate.value],
        [[max(estimate.value - low, 0)], [max(high - estimate.value, 0)]],
        fmt="s" if pooled else "o",
        color=_POOLED if pooled else _FOLD,
        ms=6 if pooled else 4,
        lw=2 if pooled else 1,
        capsize=3,
    )


def _row(name: str, metrics: Metrics | OutOfFold, threshold: str) -> tuple[str, ...]:
    estimates = (with_interval(getattr(metrics, measure)) for measure in _MEASURES)
    return name, str(metrics.count), str(metrics.positives), threshold, *estimates, f"{metrics.loss:.3f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"

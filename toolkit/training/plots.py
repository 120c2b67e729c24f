"""The two pictures of a run: `curves.png` of its training, `decisions.png` of what it says about the test part."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hemotk.artifacts import Part, SplitManifest
from hemotk.render.numbers import with_interval
from hemotk.stats.calibration import calibration
from hemotk.stats.grouped import auc_by_group, share
from hemotk.stats.metrics import calibrated, decide, wilson
from hemotk.stats.roc import roc_curve
from hemotk.training.history import Epoch

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CURVES_FILE = "curves.png"
DECISIONS_FILE = "decisions.png"

_JUDGED: tuple[Part, ...] = ("test", "validation")  # in the order in which they are preferred
_WIDTH, _HEIGHT, _DPI = 12.6, 4.0, 110


@dataclass(frozen=True)
class _Judged:
    """The images of a part: labels, logits and names of groups, each [n]."""

    labels: np.ndarray
    logits: np.ndarray
    groups: np.ndarray

    @classmethod
    def of(cls, split: SplitManifest, part: Part, logits: np.ndarray) -> "_Judged":
        items = split.part(part)
        return cls(np.array([item.label for item in items]), logits, np.array([item.group for item in items]))


def plot_curves(path: Path, history: Sequence[Epoch], title: str) -> None:
    """Draw loss, accuracy and learning rate against the epochs of `history`; those of the head alone on gray."""
    figure, (loss, accuracy, rate) = _three(title)
    epochs = [epoch.epoch for epoch in history]
    for axes, what, unit in ((loss, "loss", "binary cross-entropy, nats"), (accuracy, "accuracy", "share of pictures")):
        axes.plot(epochs, [getattr(epoch, what) for epoch in history], label="training (augmented)")
        axes.plot(epochs, [getattr(epoch, f"validation_{what}") for epoch in history], label="validation")
        axes.set(xlabel="epoch", ylabel=f"{what} ({unit})")
    accuracy.set_ylim(0, 1.02)
    loss.set_ylim(bottom=0)
    rate.plot(epochs, [epoch.learning_rate for epoch in history], color="C2", label="learning rate")
    rate.set(xlabel="epoch", ylabel="learning rate")
    if all(epoch.learning_rate > 0 for epoch in history):
        rate.set_yscale("log")
    in_head = sum(epoch.phase == "head" for epoch in history)
    for axes in (loss, accuracy, rate):
        if in_head:
            axes.axvspan(0.5, in_head + 0.5, color="0.92", label="head alone")
        axes.grid(alpha=0.3)
        axes.legend()
    figure.savefig(path)


def plot_decisions(
    path: Path,
    split: SplitManifest,
    logits: Mapping[Part, np.ndarray],
    point: tuple[float, float],
    title: str,
) -> None:
    """Draw the ROC curve, the confusion matrix and the reliability diagram of the test part, else of the validation.

    `logits` are float64 [n] of the scored parts, at least of one of those two. `point` is threshold and temperature.
    The ROC curve of the other part stands beside it. Intervals draw whole groups again; those of the reliability
    diagram take the images as independent.
    """
    parts = [part for part in _JUDGED if part in logits]
    shown = parts[0]
    judged = {part: _Judged.of(split, part, logits[part]) for part in parts}
    subject, called = judged[shown], decide(logits[shown], *point)
    figure, (roc, confusion, reliability) = _three(f"{title}, {shown} part: {_counted(split, shown)}")
    for part in parts:
        _draw_roc(roc, part, judged[part], point if part == shown else None)
    roc.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=":")
    roc.set(xlabel="false alarms (1 − specificity)", ylabel="sensitivity", title="ROC curve")
    roc.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
    if roc.get_legend_handles_labels()[0]:
        roc.legend(loc="lower right", fontsize="small")
    _draw_confusion(confusion, split.classes, subject, called)
    _draw_reliability(reliability, subject.labels, calibrated(subject.logits, point[1]), point[0])
    figure.savefig(path)


def _counted(split: SplitManifest, part: Part) -> str:
    """How many images, of how many groups."""
    items = split.part(part)
    groups = len({item.group for item in items})
    if groups == len(items):
        return f"{len(items)} images"
    return f"{len(items)} images of {groups} groups"


def _three(title: str) -> "tuple[Figure, Sequence[Axes]]":
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH, _HEIGHT), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title.replace("$", r"\$"))  # else what lies between two of them is taken for a formula
    return figure, figure.subplots(1, 3)


def _draw_roc(axes: "Axes", part: Part, judged: _Judged, point: tuple[float, float] | None) -> None:
    """The curve of one part; `point` is that of the part that the picture is about, None for the other."""
    labels, logits = judged.labels, judged.logits
    area = auc_by_group(labels, logits, judged.groups)
    if area.value is None:
        if point is not None:
            axes.text(0.5, 0.5, f"{part}: {area.why.partition(':')[0]}", ha="center", va="center")
        return
    alarms, hits = roc_curve(labels, logits)
    color, style = ("C1", "--") if point is None else ("C0", "-")
    axes.plot(alarms, hits, label=f"{part}, AUC {with_interval(area)}", color=color, linestyle=style, linewidth=1.6)
    if point is not None:
        called = decide(logits, *point)
        place = (called[labels == 0].mean(), called[labels == 1].mean())
        axes.plot(*place, "o", color="C3", label=f"threshold {point[0]:.3g}")


def _draw_confusion(axes: "Axes", classes: tuple[str, str], judged: _Judged, called: np.ndarray) -> None:
    labels = judged.labels
    counts = np.array([[np.sum((labels == truth) & (called == verdict)) for verdict in (0, 1)] for truth in (0, 1)])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for truth in (0, 1):
        for verdict in (0, 1):
            row = labels == truth
            words = f"{counts[truth, verdict]}\n\n" + with_interval(share((called == verdict)[row], judged.groups[row]))
            words = words.replace(" [", "\n[")
            axes.text(verdict, truth, words, ha="center", va="center", color=_ink(shares[truth, verdict]))
    names = [name if len(name) <= 14 else f"{name[:13]}…" for name in classes]
    axes.set_xticks((0, 1), names)
    axes.set_yticks((0, 1), names, rotation=90, va="center")
    axes.set(xlabel="called", ylabel="truth", title="Confusion matrix (shares of a row)")


def _ink(share: float) -> str:
    return "white" if share > 0.55 else "black"


def _draw_reliability(axes: "Axes", labels: np.ndarray, chance: np.ndarray, threshold: float) -> None:
    """Each bin with the Wilson interval of its share; a bin may hold part of an image, hence the rounding."""
    found = calibration(labels, chance)
    axes.plot([0, 1], [0, 1], color="0.6", linewidth=1, linestyle=":")
    for each in found.bins:
        bar = wilson(round(each.share * each.count), max(each.count, 1))
        axes.vlines(each.probability, bar.low or 0.0, bar.high or 1.0, color="C0", linewidth=1, alpha=0.6)
    means, shares = [each.probability for each in found.bins], [each.share for each in found.bins]
    axes.plot(means, shares, "o", color="C0", markersize=5)
    axes.axvline(threshold, color="C3", linewidth=1, linestyle="--")
    axes.set(xlabel="mean probability of the bin", ylabel="share with hemorrhage", xlim=(-0.02, 1.02))
    axes.set(title="Reliability", ylim=(-0.02, 1.02), aspect="equal")
    words = f"calibration error\n{with_interval(found.error)}\nby chance up to {found.by_chance:.3f}"
    axes.text(0.02, 0.98, words, va="top", fontsize="small", transform=axes.transAxes)

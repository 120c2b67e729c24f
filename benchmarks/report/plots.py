"""The pictures of a bench report as inline SVG; no pixels of any image are in them."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import BenchReport, VariantResult
from hemotk.benchmarks.report.figures import megabytes, milliseconds
from hemotk.render.axes import (
    LEFT,
    RIGHT,
    WIDTH,
    Axis,
    Point,
    line,
    linear,
    logarithmic,
    logistic,
    mark,
    picture,
    plot,
    rule,
    series,
    x_of,
    y_of,
)
from hemotk.render.markup import Markup, element, join

# More points than this are not seen, and make the file large: they are thinned evenly, flips are all kept.
MOST_POINTS = 1500
MOST_STEPS = 300
SMALLEST_REACH, LARGEST_REACH = 3.0, 16.0
SHARE = "share of inferences"


def legend(report: BenchReport, rows: Sequence[VariantResult]) -> Markup:
    """Names of the rows with their lines and marks, as a list."""
    return element("ul", *(_entry(report, row) for row in rows), class_="legend")


def latency(report: BenchReport) -> Markup | None:
    """The share of inferences that took so long or less, a curve per row; None where nothing was timed."""
    by_row = {index: _samples(row) for index, row in enumerate(report.variants) if row.latency is not None}
    if not by_row:
        return None
    low, high = min(samples[0] for samples in by_row.values()), max(samples[-1] for samples in by_row.values())
    x = logarithmic("milliseconds, logarithmic", low, high) if high > 4 * low else linear("milliseconds", low, high)
    y = linear(SHARE, 0.0, 1.0)
    curves = []
    for index, samples in by_row.items():
        class_, dash, _ = series(index)
        shares = np.arange(1, len(samples) + 1) / len(samples)
        kept = np.unique(np.linspace(0, len(samples) - 1, min(len(samples), MOST_STEPS)).round().astype(int))
        points: list[Point] = [(float(samples[0]), 0.0)]
        for place in kept.tolist():
            points += [(float(samples[place]), points[-1][1]), (float(samples[place]), float(shares[place]))]
        curves.append(line(x, y, points, class_, dash))
    said = ", ".join(
        f"{report.name_of(row)} median {milliseconds(row.latency.p50_ns)}"
        for row in report.variants
        if row.latency is not None
    )
    return plot("Latency, cumulative", f"Share of inferences by their time: {said}.", x, y, *curves)


def roc(report: BenchReport) -> Markup | None:
    """Sensitivity over 1 − specificity at every threshold, a curve per row, marked at the operating point."""
    x, y = linear("1 − specificity", 0.0, 1.0), linear("sensitivity", 0.0, 1.0)
    content, said = [line(x, y, [(0, 0), (1, 1)], "guide", "3 3")], []
    for index, row in enumerate(report.variants):
        judged = _judged(report, row)
        if judged is None or row.metrics is None or row.metrics.auc.value is None:
            continue
        class_, dash, shape = series(index)
        content.append(line(x, y, _roc_points(*judged), class_, dash))
        sensitivity, specificity = row.metrics.sensitivity.value, row.metrics.specificity.value
        if sensitivity is not None and specificity is not None:
            content.append(mark(shape, x_of(x, 1 - specificity), y_of(y, sensitivity), f"{class_} hollow", 6.0))
        said.append(f"{report.name_of(row)} AUC {row.metrics.auc.value:.3f}")
    return plot("ROC curves", f"{', '.join(said)}.", x, y, *content) if said else None


def scatter(report: BenchReport, row: VariantResult) -> Markup | None:
    """The row's score of every image over its float parent's; None without both."""
    parent = report.parent(row)
    if parent is None or row is parent or row.scores is None or parent.scores is None:
        return None
    bundle = report.bundle_of(row)
    pairs = [
        (image, theirs / bundle.temperature, ours / bundle.temperature)
        for image, theirs, ours in zip(report.images, parent.scores.logit, row.scores.logit, strict=True)
        if theirs is not None and ours is not None
    ]
    if not pairs:
        return None
    furthest = max(max(abs(theirs), abs(ours)) for _, theirs, ours in pairs)
    reach = min(max(1.05 * furthest, SMALLEST_REACH), LARGEST_REACH)
    name = report.name_of(row)
    x, y = logistic("probability by float32", reach), logistic(f"probability by {row.kind}", reach)
    content = [line(x, y, [(-reach, -reach), (reach, reach)], "guide", "3 3"), *_thresholds(x, y, bundle.threshold)]
    flipped = set() if row.paired is None else {flip.id for flip in row.paired.flips}
    step = math.ceil(len(pairs) / MOST_POINTS)
    for index, (image, *logits) in enumerate(pairs):
        if index % step and image.id not in flipped:
            continue
        across, up = (min(max(value, -reach), reach) for value in logits)
        place = x_of(x, across), y_of(y, up)
        content.append(mark("triangle" if image.label else "circle", *place, "positive" if image.label else "negative"))
        if image.id in flipped:
            content.append(mark("circle", *place, "flip", 9.0))
    said = f"{len(pairs)} images, {len(flipped)} flipped."
    return plot(f"Scores of {name} against float32", said, x, y, *content)


def reliability(report: BenchReport) -> Markup | None:
    """The share of label 1 over the mean probability, a mark per bin; None without labels."""
    x, y = linear("mean probability", 0.0, 1.0), linear("share of label 1", 0.0, 1.0)
    content, said = [line(x, y, [(0, 0), (1, 1)], "guide", "3 3")], []
    for index, row in enumerate(report.variants):
        if row.calibration is None:
            continue
        class_, dash, shape = series(index)
        points = [(each.probability, each.share) for each in row.calibration.bins]
        content.append(line(x, y, points, f"{class_} thin", dash))
        content += [mark(shape, x_of(x, a), y_of(y, b), f"{class_} hollow") for a, b in points]
        value = row.calibration.error.value
        said.append(f"{report.name_of(row)} {'not known' if value is None else f'{value:.3f}'}")
    return plot("Reliability", f"Calibration error: {', '.join(said)}.", x, y, *content) if said else None


def sizes(report: BenchReport) -> Markup:
    """A bar per file."""
    rows = {(row.bundle, row.kind, row.sha256): row for row in report.variants}.values()
    most, content = max(row.bytes for row in rows) or 1, []
    for index, row in enumerate(rows):
        at = 6.0 + 40.0 * index
        width = (WIDTH - LEFT - RIGHT) * row.bytes / most
        class_, *_ = series(report.variants.index(row))
        content += [
            element("text", f"{report.name_of(row)}: {megabytes(row.bytes)}", x=8.0, y=at + 11),
            element("rect", x=8.0, y=at + 16, width=max(1.0, width), height=12.0, class_=f"{class_} bar"),
        ]
    said = ", ".join(f"{report.name_of(row)} {megabytes(row.bytes)}" for row in rows)
    return picture("File sizes", f"{said}.", 6.0 + 40.0 * len(rows), *content)


def _entry(report: BenchReport, row: VariantResult) -> Markup:
    class_, dash, shape = series(report.variants.index(row))
    stroke = element("line", x1=0.0, x2=34.0, y1=7.0, y2=7.0, class_=class_, stroke_dasharray=dash)
    swatch = element(
        "svg",
        stroke,
        mark(shape, 17.0, 7.0, f"{class_} hollow"),
        viewBox="0 0 34 14",
        class_="swatch",
        aria_hidden="true",
    )
    return element("li", join(swatch, " ", report.name_of(row)))


def _samples(row: VariantResult) -> NDArray[np.float64]:
    """Sorted milliseconds."""
    rounds = () if row.latency is None else row.latency.rounds_ns
    return np.sort(np.concatenate([np.asarray(samples, np.float64) for samples in rounds if samples])) / 1e6


def _judged(report: BenchReport, row: VariantResult) -> tuple[NDArray[np.bool_], NDArray[np.float64]] | None:
    """Labels and logits, None unless every image has both."""
    labels = [image.label for image in report.images]
    if row.scores is None or None in labels or None in row.scores.logit:
        return None
    return np.array(labels, bool), np.array(row.scores.logit, np.float64)


def _roc_points(labels: NDArray[np.bool_], logits: NDArray[np.float64]) -> list[Point]:
    """From (0, 0) to (1, 1) as the threshold falls; images of one score are passed at once."""
    order = np.argsort(-logits, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(logits[order]) != 0, True))
    above, below = np.cumsum(labels[order])[ends], np.cumsum(~labels[order])[ends]
    points = [(0.0, 0.0), *zip((below / below[-1]).tolist(), (above / above[-1]).tolist(), strict=True)]
    step = math.ceil(len(points) / MOST_POINTS)
    return [*points[:-1:step], points[-1]]


def _thresholds(x: Axis, y: Axis, threshold: float) -> list[Markup]:
    """A line in either direction where decisions change; a threshold of 0 or 1 lies outside."""
    if not 0 < threshold < 1:
        return []
    at = math.log(threshold / (1 - threshold))
    return [rule(x, at, upright=True), rule(y, at, upright=False)] if 0 <= x.place(at) <= 1 else []

"""The points of a sweep as Markdown."""

from hemotk.artifacts import Measured, SweepPoint, SweepReport
from hemotk.render.numbers import with_interval
from hemotk.sweep.front import pareto_front

_HEADINGS = (
    "network",
    "kind",
    "million MACs",
    "parameters",
    "size, MB",
    "latency, ms",
    "of float parent",
    "accuracy",
    "AUC",
    "log-loss",
    "flips",
    "front",
)
_WORDS = ("network", "kind", "front")


def markdown(report: SweepReport) -> str:
    """A heading, the table, and what a reader must know of it."""
    aligned = ["---" if heading in _WORDS else "---:" for heading in _HEADINGS]
    unpruned = report.unpruned
    rows = [_cells(unpruned, f"{unpruned.name} float32", unpruned.float32, "", "")]
    rows += [
        _cells(point, f"{point.name} int8", point.int8, str(point.flips), on_fronts(report, point))
        for point in report.points
    ]
    lines = ["# Sweep", "", report.why, "", _line(_HEADINGS), _line(aligned), *map(_line, rows), "", *_notes(report)]
    return "\n".join(lines) + "\n"


def on_fronts(report: SweepReport, point: SweepPoint) -> str:
    """The Pareto fronts, of accuracy or AUC, that the int8 of `point` is on, and against what."""
    fronts = []
    for value in ("accuracy", "auc"):
        known = [each for each in report.points if getattr(each.int8, value).value is not None]
        for cost, words in (("latency_ns", "latency"), ("bytes", "size")):
            costs = [getattr(each.int8, cost) for each in known]
            front = pareto_front(costs, [getattr(each.int8, value).value for each in known])
            if point in [known[place] for place in front]:
                fronts.append(f"{'AUC' if value == 'auc' else value}/{words}")
    return ", ".join(fronts)


def _cells(point: SweepPoint, name: str, measured: Measured, flips: str, front: str) -> tuple[str, ...]:
    return (
        name,
        point.kind,
        f"{point.macs / 1e6:.1f}",
        f"{point.parameters:,}",
        f"{measured.bytes / 1e6:.2f}",
        f"{measured.latency_ns / 1e6:.2f}",
        with_interval(measured.ratio),
        with_interval(measured.accuracy),
        with_interval(measured.auc),
        f"{measured.loss:.4f}",
        flips,
        front,
    )


def _notes(report: SweepReport) -> list[str]:
    return [
        *(f"{name} is left out: {why}\n" for name, why in report.left_out.items()),
        f"Accuracy, AUC, log-loss and flips are of the {report.images} images of the validation part, "
        f"{report.positives} of them {report.positive}; the test part was not scored. Brackets are 95 % intervals, "
        "those of accuracy and AUC over groups of images where several are of one patient or copies of one picture. "
        "The validation part was looked at to choose, so its figures flatter what is chosen: score that once on the "
        "test part. Flips are images on which int8 decides otherwise than its own float32. All networks were timed in "
        "turns in one bench, one inference at a time; the float parent is the unpruned run's float32. Front names the "
        "Pareto fronts of the int8 networks that one is on, by the values alone, without their intervals.",
    ]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"

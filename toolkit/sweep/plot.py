"""The Pareto plot: accuracy and AUC with their intervals against latency and size."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hemotk.artifacts import Estimate, Measured, SweepPoint, SweepReport
from hemotk.sweep.front import pareto_front

# kind → colour (of Okabe and Ito, told apart by colour-blind people too), mark
_LOOKS = {"unpruned": ("#000000", "s"), "pruned": ("#0072b2", "o"), "reference": ("#d55e00", "^")}
_FRONT = "#009e73"
_LABEL = {"fontsize": 7, "rotation": 60, "rotation_mode": "anchor", "textcoords": "axes fraction"}
# Names stand above their panel, this share of its width apart or more, with a line to the mark.
_APART = 0.035


@dataclass(frozen=True)
class _Panel:
    """One of the four plots: fields of `Measured` and their words; both costs are shown in millions of their unit."""

    value: str
    value_words: str
    cost: str
    cost_words: str

    def estimate(self, measured: Measured) -> Estimate:
        value: Estimate = getattr(measured, self.value)
        return value

    def at(self, measured: Measured) -> float:
        return float(getattr(measured, self.cost)) / 1e6


_COSTS = (("latency_ns", "median latency, ms"), ("bytes", "file size, MB"))
_PANELS = tuple(tuple(_Panel(*value, *cost) for cost in _COSTS) for value in (("accuracy", "accuracy"), ("auc", "AUC")))


def png(report: SweepReport) -> bytes:
    """The plot as a PNG file, four panels with logarithmic costs.

    Filled marks are int8, the hollow one is the unpruned run's float32; the line is the Pareto front of the int8.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12.0, 9.0), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(2, 2, sharex="col", sharey="row")
    for row, panels in enumerate(_PANELS):
        for column, panel in enumerate(panels):
            axes = grid[row][column]
            _draw(axes, panel, report)
            _name(axes, panel, report)
            axes.set(
                xlabel=panel.cost_words if row else "", ylabel="" if column else f"{panel.value_words}, 95 % interval"
            )
    handles, words = grid[0][0].get_legend_handles_labels()
    if handles:
        figure.legend(handles, words, loc="outside lower center", ncols=len(handles), fontsize=8)
    figure.suptitle(f"Validation part, {report.images} images; the test part was not scored", fontsize=10)
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def _draw(axes: Any, panel: _Panel, report: SweepReport) -> None:
    from matplotlib.ticker import LogLocator, NullFormatter

    axes.set_xscale("log")
    axes.margins(0.05)
    axes.grid(alpha=0.3)
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    named: set[str] = set()
    for point in report.points:
        _mark(axes, panel, point, point.int8, "" if point.kind in named else f"{point.kind}, int8")
        named.add(point.kind)
    _mark(axes, panel, report.unpruned, report.unpruned.float32, "unpruned, float32")
    known = [
        (panel.at(point.int8), value)
        for point in report.points
        if (value := panel.estimate(point.int8).value) is not None
    ]
    if known:
        costs, values = zip(*(known[place] for place in pareto_front(*zip(*known, strict=True))), strict=True)
        axes.plot(costs, values, color=_FRONT, lw=1.5, zorder=1, drawstyle="steps-post", label="Pareto front, int8")


def _mark(axes: Any, panel: _Panel, point: SweepPoint, measured: Measured, legend: str) -> None:
    """A mark with its interval; nothing where there is no value."""
    estimate = panel.estimate(measured)
    if estimate.value is None:
        return
    colour, mark = _LOOKS[point.kind]
    is_float = measured is point.float32
    low = estimate.value if estimate.low is None else estimate.low
    high = estimate.value if estimate.high is None else estimate.high
    place = panel.at(measured), estimate.value
    spread = [[max(0.0, estimate.value - low)], [max(0.0, high - estimate.value)]]
    look = {"color": colour, "markerfacecolor": "white" if is_float else colour, "markersize": 6, "linewidth": 0.8}
    axes.errorbar(*place, spread, fmt=mark, capsize=2, label=legend or None, **look)


def _name(axes: Any, panel: _Panel, report: SweepReport) -> None:
    """Name every mark of the panel."""
    parent = report.unpruned
    marks = [(point.name, point.kind, point.int8) for point in report.points]
    marks.append((f"{parent.name} float32", parent.kind, parent.float32))
    marks.sort(key=lambda mark: panel.at(mark[2]))
    marks = [mark for mark in marks if panel.estimate(mark[2]).value is not None]
    low, high = (math.log(limit) for limit in axes.get_xlim())
    wanted = [(math.log(panel.at(measured)) - low) / (high - low) for _, _, measured in marks]
    for (name, kind, measured), at in zip(marks, spread(wanted, _APART), strict=True):
        estimate, colour = panel.estimate(measured), _LOOKS[kind][0]
        top = estimate.value if estimate.high is None else estimate.high
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.4, "relpos": (0, 0), "shrinkA": 0, "shrinkB": 0}
        axes.annotate(name, (panel.at(measured), top), (at, 1.03), color=colour, arrowprops=line, **_LABEL)


def spread(places: Sequence[float], apart: float) -> list[float]:
    """Rising `places` between 0 and 1 moved as little as is needed for gaps of `apart`, the last no further than 1."""
    moved: list[float] = []
    for place in places:
        moved.append(place if not moved else max(place, moved[-1] + apart))
    limit = 1.0
    for index in reversed(range(len(moved))):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - apart
    return moved

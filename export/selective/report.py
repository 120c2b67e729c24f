"""A sensitivity ranking to look at: a short table and a picture of bars."""

from pathlib import Path

from hemotk.exporting.selective.sensitivity import Cost, Selection

SENSITIVITY_FILE = "sensitivity.json"
SENSITIVITY_PLOT = "sensitivity.png"

_ROWS = 10
_BARS = 30


def table(selection: Selection, rows: int = _ROWS) -> tuple[str, ...]:
    """Lines of text: what was asked, what is kept in float32 and what it costs, and the head of the ranking."""
    asked = selection.tolerance
    limits = f"the limits of {asked.accuracy_drop:g} and {asked.score_drift:g}"
    if not selection.kept:
        return (f"auto: plain int8 is within {limits}, so all layers are int8: {_words(selection.plain)}",)
    lines = [
        f"auto: plain int8 is beyond {limits}: {_words(selection.plain)}",
        f"      {len(selection.kept)} of {len(selection.ranking)} layers stay in float32: {_words(selection.reached)}",
        f"{'layer':20} {'fall of squared logit error':>27}",
    ]
    lines += [
        f"{found.layer:20} {found.fall:27.3g}{'  float32' if found.layer in selection.kept else ''}"
        for found in selection.ranking[:rows]
    ]
    left = len(selection.ranking) - rows
    return (*lines, *([f"… and {left} more in {SENSITIVITY_FILE}"] if left > 0 else []))


def plot(path: Path, selection: Selection) -> None:
    """Draw the head of the ranking as bars, what is kept in another colour, into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = selection.ranking[:_BARS]
    figure = Figure(figsize=(6.4, 1.4 + 0.22 * len(shown)), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for kept, colour, label in ((True, "tab:orange", "float32"), (False, "tab:blue", "int8")):
        at = [place for place, found in enumerate(shown) if (found.layer in selection.kept) == kept]
        if at:
            axes.barh(at, [shown[place].fall for place in at], color=colour, label=label)
    axes.set_yticks(range(len(shown)), [found.layer for found in shown])
    axes.invert_yaxis()
    axes.set(
        title=f"{len(shown)} most sensitive of {len(selection.ranking)} layers",
        xlabel="fall of the mean squared logit error with the layer alone in float32",
    )
    axes.grid(axis="x", alpha=0.3)
    axes.legend()
    figure.savefig(path)


def _words(cost: Cost) -> str:
    return f"accuracy drop {cost.accuracy_drop:.4f}, score drift {cost.score_drift:.4f} on the validation part"

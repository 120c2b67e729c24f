"""Draws the plots of docs/results.md from the tables below docs/results: `python studies/draw_results.py`."""

import re
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

DOCS = Path(__file__).parents[1] / "docs"
IMAGES = DOCS / "images"
# Of Okabe and Ito, told apart by colour-blind people too.
BLUE, ORANGE, GRAY = "#0072b2", "#d55e00", "#666666"
NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?")

Table = list[list[str]]


def table(page: str, first: str) -> Table:
    """The rows of the table of docs/results/<page>.md whose header row begins with `first`, without header."""
    lines = (DOCS / "results" / f"{page}.md").read_text("utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(first))
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("|"))
    return [[cell.strip().strip("*") for cell in line.strip("|").split("|")] for line in lines[start + 2 : end]]


def numbers(cell: str) -> list[float]:
    """All numbers of a cell in their order."""
    return [float(found.replace("−", "-")) for found in NUMBER.findall(cell)]


def interval(cell: str) -> tuple[float, float]:
    """The two numbers of the brackets that close a cell."""
    low, high = numbers(cell[cell.rindex("[") :])
    return low, high


def runtimes() -> Figure:
    """Median latency of the same network in several runtimes, with its greatest change of a probability."""
    rows = table("bench", "| model | runtime")
    figure = Figure(figsize=(8.0, 3.7), layout="constrained")
    axes = figure.subplots()
    places = range(len(rows))
    medians = [numbers(row[6])[0] for row in rows]
    axes.barh(places, medians, color=[BLUE if row[0].startswith("hemotk") else GRAY for row in rows], height=0.7)
    for place, row, median in zip(places, rows, medians, strict=True):
        axes.text(median + 0.8, place, f"{row[6]}   (Δp {row[5]})", va="center", fontsize=8)
    axes.set_yticks(places, [row[0] for row in rows], fontsize=8)
    axes.set(
        xlabel="median latency, ms (one thread); Δp: greatest change of a probability", xlim=(0, max(medians) * 1.35)
    )
    axes.invert_yaxis()
    return plain(figure, axes)


def fidelity() -> Figure:
    """Greatest change of a probability by int8, of the stock converter and of hemotk; flips beside it."""
    rows = table("export", "| network | images")
    pairs = [(rows[place], rows[place + 1]) for place in range(0, len(rows), 2)]
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, pair in enumerate(pairs):
        for shift, row, colour in zip((-0.2, 0.2), pair, (ORANGE, BLUE), strict=True):
            change = numbers(row[4])[0]
            name = None if place else f"{row[2]} int8"
            axes.plot(change, place + shift, "o", color=colour, label=name)
            axes.axhline(place + shift, color=colour, linewidth=0.4)
            axes.text(change * 1.15, place + shift, f"{row[4]}, {row[3]} flips", va="bottom", fontsize=8)
    axes.set_yticks(range(len(pairs)), [f"{stock[0]}, {stock[1]}" for stock, _ in pairs], fontsize=8)
    axes.set(xscale="log", xlim=(1e-3, 4), xlabel="greatest change of a probability against float32 (logarithmic)")
    axes.invert_yaxis()
    axes.legend(fontsize=8, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
    return plain(figure, axes)


def hospitals() -> Figure:
    """AUC on the first set and on another hospital, with intervals over patients or groups."""
    rows = table("training", "| DenseNet201, float32")
    figure = Figure(figsize=(8.0, 3.4), layout="constrained")
    axes = figure.subplots()
    words, trained = [], ""
    for place, row in enumerate(rows):
        trained = row[0] or trained
        auc, (low, high) = numbers(row[5])[0], interval(row[6])
        colour = BLUE if row[1].startswith("head_ct") else ORANGE
        axes.plot([low, high], [place, place], color=colour, linewidth=2)
        axes.plot(auc, place, "o", color=colour)
        axes.text(1.04, place, f"{auc:.3f} [{low:.2f}, {high:.2f}]", va="center", fontsize=8)
        words.append(f"{trained},\ntested on {row[1]}")
    axes.axvline(0.5, color=GRAY, linestyle="--", linewidth=1)
    axes.set_yticks(range(len(rows)), words, fontsize=8)
    axes.set(xlim=(0.15, 1.3), xlabel="AUC, 95 % interval over patients or groups; 0.5: chance")
    axes.set_xticks([0.2, 0.4, 0.6, 0.8, 1.0])
    axes.invert_yaxis()
    return plain(figure, axes)


def plain(figure: Figure, axes: Any) -> Figure:
    """The figure without the frame's upper and right line."""
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def main() -> None:
    """Write the plots; the same tables give the same bytes."""
    matplotlib.rcParams["svg.hashsalt"] = "hemotk"
    for draw in (runtimes, fidelity, hospitals):
        path = IMAGES / f"results-{draw.__name__}.svg"
        draw().savefig(path, metadata={"Date": None})
        # matplotlib leaves blanks at ends of lines
        path.write_text("\n".join(line.rstrip() for line in path.read_text("utf-8").splitlines()) + "\n", "utf-8")
        print(path)


if __name__ == "__main__":
    main()

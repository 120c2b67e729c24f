"""The frame of a plot in SVG: scales, ticks and marks; colours come from the page's style sheet."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hemotk.render.markup import Markup, element

WIDTH, HEIGHT = 360.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 60.0, 22.0, 10.0, 44.0
# Series are told apart by colour, by dashes and by marks; the classes s0 … s7 of the style sheet give the colour.
SERIES = 8
DASHES = (None, "7 3", "2 3", "9 3 2 3", "12 4", "4 2", "1 2", "6 2 1 2 1 2")
MARKS = ("circle", "square", "triangle", "diamond")

Point = tuple[float, float]


@dataclass(frozen=True)
class Axis:
    """One axis: where `ticks` (value, words) stand, and the place of a value between 0 and 1."""

    title: str
    ticks: tuple[tuple[float, str], ...]
    place: Callable[[float], float]


def linear(title: str, low: float, high: float, steps: int = 5) -> Axis:
    """Equal steps from `low` to `high`, rounded to 1, 2 or 5 in their first digit."""
    span = high - low or 1.0
    raw = span / steps
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    values = [index * step for index in range(first, math.floor(high / step + 1e-9) + 1)]
    return Axis(title, tuple((value, f"{value:.6g}") for value in values), lambda value: (value - low) / span)


def logarithmic(title: str, low: float, high: float) -> Axis:
    """Equal factors; ticks at 1, 2 and 5, or at powers of ten where the axis spans more than three of them."""
    start, span = math.log10(low), math.log10(high / low) or 1.0
    factors = (1,) if span > 3 else (1, 2, 5)
    values = [
        factor * 10.0**power
        for power in range(math.floor(start), math.ceil(start + span) + 1)
        for factor in factors
        if low * (1 - 1e-9) <= factor * 10.0**power <= high * (1 + 1e-9)
    ]
    return Axis(
        title, tuple((value, f"{value:g}") for value in values), lambda value: (math.log10(value) - start) / span
    )


def logistic(title: str, reach: float) -> Axis:
    """Logits from −`reach` to `reach`, ticks named by their probabilities."""
    near = ("0.001", "0.01", "0.1", "0.5", "0.9", "0.99", "0.999")
    far = ("1e-6", "1e-4", "0.01", "0.5", "0.99", "0.9999", "1-1e-6")
    named = {words: float(words) if "1-" not in words else 1 - 1e-6 for words in (far if reach > 8 else near)}
    kept = [(value, words) for words, p in named.items() if abs(value := math.log(p / (1 - p))) <= reach]
    return Axis(title, tuple(kept), lambda value: (value + reach) / (2 * reach))


def x_of(axis: Axis, value: float) -> float:
    """Pixels from the left."""
    return LEFT + axis.place(value) * (WIDTH - LEFT - RIGHT)


def y_of(axis: Axis, value: float) -> float:
    """Pixels from the top."""
    return HEIGHT - BOTTOM - axis.place(value) * (HEIGHT - TOP - BOTTOM)


def plot(title: str, description: str, x: Axis, y: Axis, *content: Markup) -> Markup:
    """A whole picture; `title` and `description` are what a screen reader says."""
    return picture(title, description, HEIGHT, *_frame(x, y), *content)


def picture(title: str, description: str, height: float, *content: Markup) -> Markup:
    """An SVG of the common width."""
    return element(
        "svg",
        element("title", title),
        element("desc", description),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH:g} {height:g}",
        role="img",
        aria_label=title,
    )


def line(x: Axis, y: Axis, points: Iterable[Point], class_: str, dash: str | None = None) -> Markup:
    """Straight lines through `points`."""
    steps = " ".join(f"{x_of(x, a):.1f},{y_of(y, b):.1f}" for a, b in points)
    return element("polyline", points=steps, class_=class_, stroke_dasharray=dash)


def rule(axis: Axis, value: float, *, upright: bool) -> Markup:
    """A line across the whole plot where the axis has `value`."""
    x, y = x_of(axis, value), y_of(axis, value)
    ends = (x, x, TOP, HEIGHT - BOTTOM) if upright else (LEFT, WIDTH - RIGHT, y, y)
    return element("line", x1=ends[0], x2=ends[1], y1=ends[2], y2=ends[3], class_="threshold")


def mark(shape: str, x: float, y: float, class_: str, size: float = 4.0) -> Markup:
    """A mark at a place in pixels."""
    if shape == "circle":
        return element("circle", cx=x, cy=y, r=size, class_=class_)
    corners: Sequence[Point] = {
        "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
        "triangle": ((0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
        "diamond": ((0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)),
    }[shape]
    points = " ".join(f"{x + a * size:.1f},{y + b * size:.1f}" for a, b in corners)
    return element("polygon", points=points, class_=class_)


def series(index: int) -> tuple[str, str | None, str]:
    """Class, dashes and mark of the series of that number."""
    return f"s{index % SERIES}", DASHES[index % SERIES], MARKS[index % len(MARKS)]


def _frame(x: Axis, y: Axis) -> Iterable[Markup]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value, words in x.ticks:
        at = x_of(x, value)
        yield element("line", x1=at, x2=at, y1=TOP, y2=bottom, class_="grid")
        yield element("text", words, x=at, y=bottom + 16, class_="middle")
    for value, words in y.ticks:
        at = y_of(y, value)
        yield element("line", x1=LEFT, x2=right, y1=at, y2=at, class_="grid")
        yield element("text", words, x=LEFT - 6, y=at + 4, class_="end")
    yield element("rect", x=LEFT, y=TOP, width=right - LEFT, height=bottom - TOP, class_="frame")
    yield element("text", x.title, x=(LEFT + right) / 2, y=HEIGHT - 8, class_="middle axis")
    middle = (TOP + bottom) / 2
    yield element("text", y.title, x=12.0, y=middle, class_="middle axis", transform=f"rotate(-90 12 {middle:g})")

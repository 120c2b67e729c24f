"""Draws the two diagrams of docs/ARCHITECTURE.md as SVG: `python studies/draw_architecture.py`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parents[1] / "docs" / "images"
HEIGHT, FONT = 34, 'font-family="Helvetica, Arial, sans-serif" font-size="14"'
ARROW = (
    '<defs><marker id="arrow" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" '
    'orient="auto-start-reverse"><path d="M0 0 L10 5 L0 10 z" fill="#555"/></marker></defs>'
)


@dataclass(frozen=True)
class Box:
    """A box with its name; x and y are its centre."""

    x: int
    y: int
    width: int = 110
    text: str = ""

    def edge(self, other: "Box") -> tuple[float, float]:
        """Where the line to the centre of `other` leaves this box."""
        across, down = other.x - self.x, other.y - self.y
        scale = min(self.width / 2 / abs(across) if across else 9, HEIGHT / 2 / abs(down) if down else 9)
        return self.x + across * scale, self.y + down * scale


def rectangle(name: str, box: Box) -> str:
    """The box as SVG."""
    return (
        f'<rect x="{box.x - box.width / 2:g}" y="{box.y - HEIGHT / 2:g}" width="{box.width}" height="{HEIGHT}" rx="5" '
        'fill="#e8f1f8" stroke="#0072b2"/>'
        f'<text x="{box.x}" y="{box.y + 5}" text-anchor="middle">{escape(box.text or name)}</text>'
    )


def line(start: tuple[float, float], end: tuple[float, float], arrow: bool = True) -> str:
    """A line as SVG."""
    head = ' marker-end="url(#arrow)"' if arrow else ""
    (x1, y1), (x2, y2) = start, end
    return f'<path d="M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}" stroke="#555" stroke-width="1.4" fill="none"{head}/>'


def label(text: str, start: tuple[float, float], end: tuple[float, float]) -> str:
    """Words over the middle of a straight line, or to the right of a slanting one."""
    (x1, y1), (x2, y2) = start, end
    x, y, anchor = (x1 + x2) / 2, (y1 + y2) / 2, "middle"
    if abs(x1 - x2) > 1 and abs(y1 - y2) > 1:
        x, y, anchor = x + 14, y + (18 if y2 < y1 else 0), "start"
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" dy="-5" text-anchor="{anchor}" font-style="italic" font-size="13" fill="#333" '
        f'stroke="#fff" stroke-width="4" paint-order="stroke">{escape(text)}</text>'
    )


def picture(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole SVG."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" {FONT}>\n<title>{escape(title)}</title>\n{ARROW}\n'
        f'<rect width="{width}" height="{height}" fill="#fff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


FLOW = {
    "folder": Box(75, 120, 120, "image folder"),
    "split": Box(260, 120, 110, "split.json"),
    "run": Box(440, 120, 120, "runs/NAME"),
    "bundle": Box(660, 120, 130, "bundles/NAME"),
    "report": Box(880, 120, 120, "bench report"),
    "keras": Box(440, 30, 120, "Keras model"),
    "testset": Box(660, 30, 170, "bundles/NAME.testset"),
    "pruned": Box(440, 210, 150, "runs/NAME-pruned"),
    "app": Box(660, 210, 190, "app or page with the bundle"),
}
STEPS = (
    ("folder", "split", "data split"),
    ("split", "run", "train"),
    ("keras", "run", "import"),
    ("run", "pruned", "prune"),
    ("run", "bundle", "export"),
    ("pruned", "bundle", "export"),
    ("bundle", "testset", "export"),
    ("bundle", "report", "bench"),
    ("testset", "report", "bench"),
    ("bundle", "app", "android, web"),
    ("app", "report", "what the device measured"),
)

ROOMS = {
    "__main__": Box(490, 28),
    "cli": Box(490, 88),
    "api": Box(490, 148),
    "sweep": Box(220, 218),
    "planning": Box(48, 218, 84),
    "pruning": Box(135, 288, 70),
    "exporting": Box(220, 288, 90),
    "importing": Box(360, 288, 90),
    "reviewing": Box(505, 218, 90),
    "experiments": Box(485, 298, 100),
    "training": Box(80, 358),
    "describe": Box(220, 358),
    "benchmarks": Box(365, 358),
    "embedding": Box(488, 358, 100),
    "predict": Box(610, 358),
    "android": Box(735, 358),
    "web": Box(860, 358),
    "data": Box(150, 448),
    "store": Box(550, 448),
    "models": Box(550, 508),
    "bottom": Box(
        400,
        578,
        790,
        "bottom: errors ← progress ← quiet ← aside ← files ← probing ← artifacts ← render ← environment ← stats"
        " ← tflite",
    ),
}
ARROWS = (
    ("__main__", "cli"),
    ("cli", "api"),
    ("api", "planning"),
    ("api", "sweep"),
    ("api", "importing"),
    ("api", "reviewing"),
    ("api", "android"),
    ("api", "web"),
    ("sweep", "pruning"),
    ("sweep", "exporting"),
    ("sweep", "benchmarks"),
    ("planning", "training"),
    ("pruning", "training"),
    ("reviewing", "experiments"),
    ("reviewing", "predict"),
    ("experiments", "training"),
    ("importing", "training"),
    ("exporting", "describe"),
    ("exporting", "embedding"),
    ("web", "store"),
    ("store", "models"),
    ("data", "bottom"),
    ("models", "bottom"),
)
# Each of these rooms imports data and store: their lines meet in a rail, from which two arrows go down.
RAIL, ON_RAIL, BELOW = 404, ("training", "describe", "benchmarks", "embedding", "predict", "android"), ("data", "store")


def imports() -> dict[str, set[str]]:
    """What each room of the picture reaches, over any number of arrows."""
    arrows = {*ARROWS, *((room, below) for room in ON_RAIL for below in BELOW)}
    reached = {room: {end for start, end in arrows if start == room} for room in ROOMS}
    for _ in ROOMS:
        reached = {room: ends.union(*(reached[end] for end in ends)) for room, ends in reached.items()}
    return reached


def flow() -> str:
    """From the image folder to the bench report."""
    ends = [(FLOW[start].edge(FLOW[end]), FLOW[end].edge(FLOW[start]), words) for start, end, words in STEPS]
    return picture(
        960,
        240,
        "Data flow: from an image folder or a Keras model over run and bundle to the bench report and the app",
        [*(line(start, end) for start, end, _ in ends), *labels_and_boxes(FLOW, ends)],
    )


def labels_and_boxes(
    boxes: Mapping[str, Box], ends: Iterable[tuple[tuple[float, float], tuple[float, float], str]]
) -> Iterable[str]:
    """What lies above the lines."""
    yield from (label(words, start, end) for start, end, words in ends)
    yield from (rectangle(name, box) for name, box in boxes.items())


def rooms() -> str:
    """The rooms and what each may import."""
    lines = [line(ROOMS[start].edge(ROOMS[end]), ROOMS[end].edge(ROOMS[start])) for start, end in ARROWS]
    places = [ROOMS[name].x for name in ON_RAIL]
    lines += [line((x, ROOMS["training"].y + HEIGHT / 2), (x, RAIL), arrow=False) for x in places]
    lines.append(line((min(places), RAIL), (max(places), RAIL), arrow=False))
    lines += [line((ROOMS[name].x, RAIL), (ROOMS[name].x, ROOMS[name].y - HEIGHT / 2)) for name in BELOW]
    return picture(
        930,
        606,
        "Rooms: an arrow leads to what a room may import",
        [*lines, *(rectangle(name, box) for name, box in ROOMS.items())],
    )


if __name__ == "__main__":
    (IMAGES / "architecture-flow.svg").write_text(flow(), "utf-8")
    (IMAGES / "architecture-rooms.svg").write_text(rooms(), "utf-8")

"""Draws the pictures of docs/stories.md: `python studies/draw_stories.py [FOLDER]`.

Plays the commands of the page in a terminal of 80 columns, on drawn slices and a small network, and writes what stood
there as docs/images/story-*.svg. FOLDER keeps what the commands made; without it that is thrown away.
"""

import base64
import io
import json
import shlex
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME
from rich.text import Text

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "helpers"))

from planted_apps import gray, pixels  # noqa: E402
from terminals import Played, Terminal  # noqa: E402

IMAGES = ROOT / "docs" / "images"
COLUMNS = 80
SETTINGS = """
[plan]
arch = "densenet-tiny"
size = 64
epochs = 12
[train]
arch = "densenet-tiny"
size = 64
epochs = 12
[prune]
epochs = 4
steps = 1
"""
# As rich makes it, without the fonts that it would fetch from a server.
FORMAT = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px; line-height: {line_height}px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Play all commands and draw what they showed."""
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as thrown_away:
        folder = given or Path(thrown_away)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "hemotk.toml").write_text(SETTINGS)
        _play(folder)


def _play(folder: Path) -> None:
    terminal = Terminal(folder, COLUMNS)

    def played(line: str) -> Played:
        done = terminal.run(*shlex.split(line)[1:])
        print(f"{done.seconds:6.1f} s, exit code {done.code}: {line}", flush=True)
        return done

    def draw(name: str, *lines: str, last: int | None = None, code: bool = False) -> None:
        screens = [(line, played(line)) for line in lines]
        rows = [row for line, done in screens for row in (f"\x1b[1m$ {line}\x1b[0m", *_rows(done, last, code=code))]
        (IMAGES / f"story-{name}.svg").write_text(svg(rows, name))

    played("hemotk data phantom head_ct --count 60")
    draw("audit", "hemotk data audit head_ct --html audit.html")
    draw("plan", "hemotk plan head_ct")
    played("hemotk data split head_ct")
    draw("train", "hemotk train split.json --out runs/first")
    played("hemotk prune runs/first --macs 0.5")
    played("hemotk export runs/first --cam")
    draw("bench", "hemotk bench bundles/first")
    write_outputs(folder / "bundles" / "first", folder / "outputs.json")
    draw("verify", "hemotk verify bundles/first --against outputs.json")
    played("hemotk bench bundles/first --no-timing --json last.json")
    draw("gate", "hemotk bench bundles/first --no-timing --min-auc 0.999 --github failed.txt", last=30, code=True)
    draw(
        "mistakes",
        "hemotk train split.json --epoch 3",
        "hemotk train split.json --arch densnet121",
        "hemotk bench runs/first",
        "hemotk bench bundles/first --baseline split.json",
    )


def _rows(done: Played, last: int | None, *, code: bool) -> Iterable[str]:
    rows = [row.styled for row in done.screen.rows]
    while rows and not rows[-1]:
        rows.pop()
    if last is not None and len(rows) > last:
        rows = ["…", *rows[-last:]]
    return [*rows, *(["\x1b[1m$ echo $?\x1b[0m", str(done.code)] if code else []), ""]


def svg(rows: list[str], name: str) -> str:
    """The rows of a terminal as a picture."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    for row in rows:  # the last is empty: the picture would cut off what hangs below a line
        console.print(Text.from_ansi(row), no_wrap=True, overflow="ignore", crop=False)
    return console.export_svg(title="", theme=DEFAULT_TERMINAL_THEME, code_format=FORMAT, unique_id=f"story-{name}")


def write_outputs(bundle: Path, file: Path) -> None:
    """What an app would write down that pads a picture at two sides only."""
    size = json.loads((bundle / "bundle.json").read_text())["preprocess"]["size"]
    pictures = []
    for name in sorted(path.name for path in bundle.glob("golden_?.png")):
        seen = gray(Image.open(bundle / name), "corner")
        steps = {"gray": seen, "pixels": pixels(seen, size, "corner")}
        coded = {step: base64.b64encode(value.tobytes()).decode() for step, value in steps.items()}
        pictures.append({"file": name, **coded})
    file.write_text(json.dumps({"schema": "hemotk.outputs/1", "model": "model_int8.tflite", "pictures": pictures}))


if __name__ == "__main__":
    main()

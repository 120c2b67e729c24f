"""Three people's stories, played in a terminal: a researcher, an app's developer, an engineer with a gate in CI.

Each command is run as the one before printed it, wherever it printed one. What a reader needs is asked of every screen:
no line is broken by the terminal, nothing but text and colours is written where nobody watches, and exit codes hold.
"""

import base64
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from killed_commands import ALIKE, start_loading
from PIL import Image
from planted_apps import gray, pixels
from random_networks import random_pixels
from terminals import Played, Terminal

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tf_keras") is None, reason="needs tf_keras")

# What takes minutes takes seconds with these; the commands stay as a user types them, and as hemotk prints them.
SETTINGS = """
[plan]
no-timing = true
[train]
arch = "densenet-tiny"
size = 48
epochs = 3
out = "runs/first"
[prune]
epochs = 1
steps = 1
macs = 0.5
[bench]
min-runs = 3
min-seconds = 0.1
max-logit-shift = 1
max-score-drift = 1
max-latency-ratio = 1000
max-flips = 24
"""
NEXT = re.compile(r"^(?:[A-Z][^:`]*: )(?=hemotk )|^ +(?=hemotk )", re.MULTILINE)


@dataclass
class Story:
    """All screens of a story in their order, and the last command that was printed."""

    folder: Path
    played: list[Played] = field(default_factory=list)

    def type(self, line: str, columns: int = 80, *, color: bool = True, loaded: bool = True) -> Played:
        """Type a command."""
        words = shlex.split(line)
        assert words[0] == "hemotk"
        terminal = Terminal(self.folder, columns, color)
        played = (terminal.run_loaded if loaded else terminal.run)(*words[1:])
        self.played.append(played)
        return played

    def go_on(self, columns: int = 80, *, color: bool = True, loaded: bool = True) -> Played:
        """Type the command that the last screen printed, as it stands there."""
        return self.type(next_of(self.played[-1]), columns, color=color, loaded=loaded)


def write_pictures(folder: Path) -> None:
    """48 pictures of blobs, by turns in `normal/` and `hemorrhage/`."""
    for place, pixels_ in enumerate(random_pixels(48, 70, seed=3)):
        path = folder / ("normal", "hemorrhage")[place % 2] / f"{place:02}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels_).save(path)


def next_of(played: Played) -> str:
    """The last command that a screen shows as the next one; lines that end with a backslash are one, as in a shell."""
    text = played.text.replace("\\\n", " ")
    found = [text[match.end() :].partition("\n")[0] for match in NEXT.finditer(text)]
    assert found, played.text
    return found[-1].strip()


@pytest.fixture(scope="module")
def research(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A researcher with a folder of slices, from the audit to the review."""
    folder, monkeypatch = tmp_path_factory.mktemp("story"), pytest.MonkeyPatch()
    for name, value in ALIKE.items():
        monkeypatch.setenv(name, value)
    start_loading()
    write_pictures(folder / "head_ct")
    (folder / "hemotk.toml").write_text(SETTINGS)
    story = Story(folder)
    story.type("hemotk data audit head_ct --html audit.html", 80)
    story.go_on(120, color=False)  # plan
    story.go_on(80, color=False)  # data split
    story.go_on(80, loaded=False)  # train
    story.type("hemotk prune", 80, color=False)
    story.type("hemotk runs first first-pruned", 80)
    story.type("hemotk export runs/first --cam", 120)
    story.go_on(80, color=False)  # bench
    story.go_on(80)  # review
    yield story
    monkeypatch.undo()


def shows_what_a_reader_needs(played: Played, columns: int) -> None:
    """No line is longer than the terminal, and no counter, chatter or internal name stands there."""
    assert played.screen.columns == columns
    assert not played.screen.beyond, "\n".join(played.screen.beyond)
    said = played.text
    assert not re.search(r"INFO|WARNING|TensorFlow Lite|oneDNN|cuda|Traceback|‹|›", said), said
    assert not re.search(r"0/1 -:--:--", said), said


def test_the_researcher_comes_from_the_audit_to_the_review(research: Story) -> None:
    assert [played.words[0] for played in research.played] == [
        *("data", "plan", "data", "train", "prune", "runs", "export", "bench", "review"),
    ]
    for played in research.played:
        assert played.code == 0, played.text
        shows_what_a_reader_needs(played, played.screen.columns)
    assert [played.words for played in research.played if played.words[0] in ("plan", "train", "bench", "review")] == [
        ("plan", "head_ct"),
        ("train", "split.json"),
        ("bench", "bundles/first"),
        ("review", "bundles/first"),
    ]
    for made in ("audit.html", "split.json", "runs/first", "runs/first-pruned", "bundles/first", "review.html"):
        assert (research.folder / made).exists()


def test_without_colour_nothing_is_coloured_and_with_it_something_is(research: Story) -> None:
    assert any(played.colored for played in research.played)
    for played, color in zip(research.played, "100101101", strict=True):
        if color == "0":
            assert not played.colored, played.raw


def test_the_counter_of_a_training_stays_beside_its_bar(research: Story) -> None:
    training = next(played for played in research.played if played.words[0] == "train")
    (bar,) = [line for line in training.lines if line.startswith("training ")]
    assert re.search(r" 3/3 \d:\d\d:\d\d$", bar)
    note = training.lines[training.lines.index(bar) + 1]
    assert note.startswith("  loss ") and "accuracy" in note
    assert "on the CPU" in training.text or "GPU" in training.text


QUICK = (
    "",
    "train -h",
    "bench --help",
    "data split head_ct --out other.json --overwrite",
    "info",
    "info runs/first",
    "info split.json",
    "runs first --by level",
    "review first --out other.html --overwrite",
    "predict bundles/first head_ct",
    "verify --against split.json",
    "export bundles/first",
    "train split.json --arch densnet121",
    "trian split.json",
)


@pytest.mark.parametrize(
    ("columns", "color", "lines"),
    [(80, True, QUICK), (80, False, QUICK[:3]), (120, False, QUICK[4::2]), (120, True, QUICK[5::4])],
)
def test_the_quick_commands_read_well_at_any_width(
    research: Story, columns: int, color: bool, lines: tuple[str, ...]
) -> None:
    terminal = Terminal(research.folder, columns, color)
    for line in lines:
        played = terminal.run_loaded(*line.split())
        assert played.code in (0, 2), played.text
        shows_what_a_reader_needs(played, columns)
        assert color or not played.colored


@pytest.mark.parametrize(("columns", "color"), [(80, True), (120, False)])
@pytest.mark.parametrize("command", ["card runs/first", "config show runs/first"])
def test_a_document_is_shown_as_its_file_has_it(research: Story, command: str, columns: int, color: bool) -> None:
    """A broken row of a table, or a broken value, would be another document once it is copied."""
    terminal = Terminal(research.folder, columns, color)
    shown = terminal.run_loaded(*command.split())
    assert shown.code == 0 and not shown.colored
    assert terminal.run_loaded(*command.split(), "--out", "document", "--overwrite").code == 0
    written = (research.folder / "document").read_text(encoding="utf-8")
    assert shown.raw.replace("\r\n", "\n") == written
    assert max(map(len, written.splitlines())) > columns or "config" in command


def write_outputs(bundle: Path, file: Path, mistake: str) -> None:
    """The file of an app that hands over its gray bytes and pixels, with a mistake planted if asked."""
    size = json.loads((bundle / "bundle.json").read_text())["preprocess"]["size"]
    pictures = []
    for name in sorted(path.name for path in bundle.glob("golden_?.png")):
        seen = gray(Image.open(bundle / name), mistake)
        steps = {"gray": seen, "pixels": pixels(seen, size, mistake)}
        coded = {step: base64.b64encode(value.tobytes()).decode() for step, value in steps.items()}
        pictures.append({"file": name, **coded})
    body = {"schema": "hemotk.outputs/1", "model": "model_int8.tflite", "pictures": pictures}
    file.write_text(json.dumps(body))


def test_the_developer_takes_a_bundle_into_an_app(research: Story) -> None:
    folder, bundle = research.folder, "bundles/first"
    story = Story(folder)
    assert "uint8" in story.type(f"hemotk info {bundle}").text
    assert story.type(f"hemotk snippet {bundle} --kotlin -o Slices.kt", 120, color=False).code == 0
    assert "verify" in next_of(story.played[-1])
    write_outputs(folder / bundle, folder / "outputs.json", "")
    assert story.go_on(80, color=False).code == 0
    write_outputs(folder / bundle, folder / "wrong.json", "corner")
    wrong = story.type(f"hemotk verify {bundle} --against wrong.json", 80)
    assert wrong.code == 1 and "padded on the right or below" in wrong.sentence
    assert story.type(f"hemotk android {bundle} --out app").code == 0
    assert story.type(f"hemotk web {bundle} --single-file", 120).code == 0
    for played in story.played:
        shows_what_a_reader_needs(played, played.screen.columns)
    assert (folder / "app" / "gradlew").is_file() and (folder / "hemotk.html").is_file()


def test_the_engineer_has_a_gate(research: Story) -> None:
    folder = research.folder
    story = Story(folder)
    assert story.type("hemotk bench bundles/first --no-timing --json last.json", 120, color=False).code == 0
    again = story.type(
        "hemotk bench bundles/first --no-timing --baseline last.json --github notes.txt --junit bench.xml", 80
    )
    assert again.code == 0 and "the same file" in again.sentence
    assert "wrote notes.txt" in again.text and "wrote bench.xml" in again.text
    failed = story.type("hemotk bench bundles/first --no-timing --min-auc 0.999 --github failed.txt", 80)
    assert failed.code == 1 and "FAIL" in failed.text
    assert "::error" in (folder / "failed.txt").read_text()
    mistaken = story.type("hemotk bench bundles/first --no-timing --baseline split.json", 80)
    assert mistaken.code == 2 and "is a split, not a bench report" in mistaken.sentence
    for played in story.played:
        shows_what_a_reader_needs(played, played.screen.columns)


def test_what_is_redirected_has_whole_lines_and_no_control_characters(research: Story) -> None:
    words = [sys.executable, "-m", "hemotk", "bench", "bundles/first", "--no-timing", "--json", "-"]
    done = subprocess.run(words, cwd=research.folder, capture_output=True, check=False)
    assert done.returncode == 0 and json.loads(done.stdout)["passed"]
    said = done.stderr.decode()
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", said)
    assert any(len(line) > 120 for line in said.splitlines())  # a pipe gets each sentence whole

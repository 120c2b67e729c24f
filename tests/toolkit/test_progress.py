import io
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from noise_pictures import write_pictures

from hemotk.cli.train import folds_of, split_of
from hemotk.progress import Bar, bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Seconds that pass only when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_file_gets_a_line_now_and_then() -> None:
    stream, clock = io.StringIO(), Clock()
    with Bar("training", 100, every=10.0, stream=stream, clock=clock) as progress:
        for step in range(100):
            clock.now += 0.25
            progress.advance(note=f"loss {step}")
    assert stream.getvalue().splitlines() == [
        "training 40/100, 15 s left, loss 39",
        "training 80/100, 5 s left, loss 79",
        "training 100/100, 25 s, loss 99",
    ]


def test_steps_may_be_taken_many_at_once() -> None:
    stream, clock = io.StringIO(), Clock()
    with Bar("reading", 10, stream=stream, clock=clock) as progress:
        progress.advance(3)
        clock.now += 30
        progress.advance(3)
        progress.advance(4)
    assert stream.getvalue().splitlines() == ["reading 6/10, 20 s left", "reading 10/10, 30 s"]


def test_a_job_that_ends_early_says_nothing_more() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="stop"), Bar("reading", 10, stream=stream, clock=Clock()) as progress:
        progress.advance()
        raise ValueError("stop")
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    stream, clock = Terminal(), Clock()
    with Bar("training", 3, stream=stream, clock=clock) as progress:
        for step in range(3):
            clock.now += 1
            progress.advance(note=f"loss [{step}]")
    text = stream.getvalue()
    assert "training" in text
    assert "3/3" in text
    assert "loss [2]" in text
    assert "s left" not in text


def test_the_bar_is_put_away_after_an_error() -> None:
    stream = Terminal()
    with pytest.raises(ValueError, match="stop"), Bar("training", 3, stream=stream, clock=Clock()):
        raise ValueError("stop")
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h")


def test_no_time_left_is_guessed_before_anything_is_done() -> None:
    stream, clock = io.StringIO(), Clock()
    with Bar("pruning", 10, every=0, stream=stream, clock=clock) as progress:
        clock.now += 5
        progress.advance(0, "timing")
    assert stream.getvalue() == "pruning 0/10, timing\n"


def test_each_thing_done_to_group_pictures_has_a_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with bars() as progress:
        progress("reading images", 1, 2)
        progress("reading images", 2, 2)
        progress("comparing images", 2, 2)
    said = [line.partition(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert said == ["reading images 2/2", "comparing images 2/2"]


def test_the_same_thing_done_again_gets_its_own_bar(capsys: pytest.CaptureFixture[str]) -> None:
    with bars() as tell:
        for total in (3, 2, 2):
            for done in range(1, total + 1):
                tell("reading images", done, total)
    lines = [line.partition(",")[0] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["reading images 3/3", "reading images 2/2", "reading images 2/2"]


def test_nothing_is_said_where_nothing_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    with bars():
        pass
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("read", [split_of, lambda folder, classes: folds_of(folder, classes, 2)])
def test_a_folder_to_train_on_is_read_with_a_bar(
    read: Callable[[Path, str], object], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    read(write_pictures(tmp_path), "normal,hemorrhage")
    assert "reading images 12/12" in capsys.readouterr().err


def test_a_notebook_has_one_line_that_changes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown: list[str] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            shown.append(data["text/plain"])

    def display(data: dict[str, str], raw: bool, display_id: bool) -> Handle:
        shown.append(data["text/plain"])
        return Handle()

    shell, module = SimpleNamespace(kernel=object()), ModuleType("IPython")
    module.get_ipython = lambda: shell  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", module)
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    with Bar("training", 2) as bar:
        bar.advance()
        bar.advance(note="loss 0.1")
    assert shown[0] == "training 0/2" and shown[-1].startswith("training 2/2") and shown[-1].endswith("loss 0.1")
    assert capsys.readouterr().err == ""

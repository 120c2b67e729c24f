import io

import pytest

from hemotk.cli.progress import Progress


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
    with Progress("training", 100, every=10.0, stream=stream, clock=clock) as progress:
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
    with Progress("reading", 10, stream=stream, clock=clock) as progress:
        progress.advance(3)
        clock.now += 30
        progress.advance(3)
        progress.advance(4)
    assert stream.getvalue().splitlines() == ["reading 6/10, 20 s left", "reading 10/10, 30 s"]


def test_a_job_that_ends_early_says_nothing_more() -> None:
    stream = io.StringIO()
    with pytest.raises(ValueError, match="stop"), Progress("reading", 10, stream=stream, clock=Clock()) as progress:
        progress.advance()
        raise ValueError("stop")
    assert stream.getvalue() == ""


def test_a_terminal_gets_a_bar() -> None:
    stream, clock = Terminal(), Clock()
    with Progress("training", 3, stream=stream, clock=clock) as progress:
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
    with pytest.raises(ValueError, match="stop"), Progress("training", 3, stream=stream, clock=Clock()):
        raise ValueError("stop")
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h")


def test_no_time_left_is_guessed_before_anything_is_done() -> None:
    stream, clock = io.StringIO(), Clock()
    with Progress("pruning", 10, every=0, stream=stream, clock=clock) as progress:
        clock.now += 5
        progress.advance(0, "timing")
    assert stream.getvalue() == "pruning 0/10, timing\n"

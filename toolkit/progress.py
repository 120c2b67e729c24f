"""Progress of a long job: the function that jobs call, and a bar that shows it; and how much is said at all.

Each long job receives a `Tell` and calls it. `bars` gives one that draws a bar for each job on a terminal; elsewhere it
writes a line now and then.
"""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress

# How much is said: results and errors only; progress and remarks as well; times, and what libraries say, as well.
QUIET, NORMAL, VERBOSE = "quiet", "normal", "verbose"
_talk = [NORMAL]

LINE_EVERY = 10.0
REDRAW_EVERY = 0.1


class Tell(Protocol):
    """Told that `done` of `total` steps of `what` are done; `note` is what is known by now ("loss 0.31")."""

    def __call__(self, what: str, done: int, total: int, note: str = "") -> None:
        """Take note of it."""


def silent(what: str, done: int, total: int, note: str = "") -> None:
    """Show nothing."""


def talk() -> str:
    """How much is said now: `QUIET`, `NORMAL` or `VERBOSE`."""
    return _talk[-1]


@contextmanager
def talking(much: str) -> Iterator[None]:
    """Say so much until the block ends, whose time is said if that is `VERBOSE`."""
    started = time.monotonic()
    _talk.append(much)
    try:
        yield
    finally:
        _talk.pop()
        if much == VERBOSE:
            _say_time("all", time.monotonic() - started)


def remark(text: str) -> None:
    """Say on stderr what is no result and no error."""
    if talk() != QUIET:
        sys.stderr.write(f"hemotk: {text}\n")


def _say_time(what: str, seconds: float) -> None:
    sys.stderr.write(f"hemotk: {what} took {seconds:.2f} s\n")


def _notebook_line(words: str) -> Any:
    """A line of a notebook's output that can be changed; None outside of notebooks."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    if not hasattr(shell, "kernel"):
        return None
    from IPython.display import display

    return display({"text/plain": words}, raw=True, display_id=True)


class Bar:
    """Progress of one job on stderr; use as a context manager and call `advance`.

    Args:
        what: the job in a word or two ("training").
        total: how many steps it has.
        every: seconds between two lines where `stream` is no terminal; the last step always gets its line.
        stream: where to write, stderr if None.
        clock: seconds since some moment.
    """

    def __init__(
        self,
        what: str,
        total: int,
        *,
        every: float = LINE_EVERY,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.what = what
        self.total = total
        self.done = 0
        self._every = every
        self._stream = sys.stderr if stream is None else stream
        self._clock = clock
        self._started = self._said = clock()
        self._bar: RichProgress | None = None
        self._line_there: Any = None

    def __enter__(self) -> "Bar":
        """Draw the bar, if someone watches."""
        self._started = self._said = self._clock()
        if self._stream.isatty():
            self._every = REDRAW_EVERY
            self._bar = _bar(self._stream)
            self._bar.add_task(self.what, total=self.total, note="")
            self._bar.start()
        elif self._stream is sys.stderr and (line := _notebook_line(self._line("").strip())) is not None:
            self._every, self._line_there = REDRAW_EVERY, line
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.stop()

    def advance(self, steps: int = 1, note: str = "") -> None:
        """Say that `steps` more are done; `note` is what is known by now ("loss 0.31")."""
        self.done += steps
        now = self._clock()
        if self.done < self.total and now - self._said < self._every:
            return
        self._said = now
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self.done, note=note, refresh=True)
        elif self._line_there is not None:
            self._line_there.update({"text/plain": self._line(note).strip()}, raw=True)
        else:
            self._stream.write(self._line(note))
            self._stream.flush()

    @property
    def seconds(self) -> float:
        """The time since the job began."""
        return self._clock() - self._started

    def _line(self, note: str) -> str:
        words = [f"{self.what} {self.done}/{self.total}"]
        seconds = self.seconds
        if 0 < self.done < self.total:
            words.append(f"{seconds * (self.total - self.done) / self.done:.0f} s left")
        elif self.done:
            words.append(f"{seconds:.0f} s")
        return ", ".join([*words, note] if note else words) + "\n"


@contextmanager
def bars() -> Iterator[Tell]:
    """A bar for each thing that is done, one after the other; what begins again, for another folder, gets its own."""
    if talk() == QUIET:
        yield silent
        return
    now: list[Bar] = []

    def end(bar: Bar) -> None:
        bar.__exit__(None, None, None)
        if talk() == VERBOSE:
            _say_time(bar.what, bar.seconds)

    def tell(what: str, done: int, total: int, note: str = "") -> None:
        if not now or (now[0].what, now[0].total) != (what, total) or done < now[0].done:
            if now:
                end(now.pop())
            now.append(Bar(what, total).__enter__())
        now[0].advance(done - now[0].done, note)

    try:
        yield tell
    finally:
        for bar in now:
            end(bar)


def _bar(stream: TextIO) -> "RichProgress":
    from rich.console import Console, Group, RenderableType
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class WithNote(Progress):
        """What is known by now stands below the bar: a line of 80 columns has no room for both."""

        def get_renderable(self) -> RenderableType:
            note = str(self.tasks[0].fields["note"]) if self.tasks else ""
            bar = self.make_tasks_table(self.tasks)
            return Group(bar, Text(f"  {note}", no_wrap=True, overflow="ellipsis")) if note else bar

    return WithNote(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(file=stream),
        auto_refresh=False,  # no thread of ours beside what is being timed
    )

"""The parent's side of a worker process: asks, waits with patience, and says in a sentence what went wrong."""

import contextlib
import dataclasses
import json
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from types import TracebackType
from typing import Any

from hemotk.artifacts import ForeignSpec, PreprocessSpec, Profile
from hemotk.artifacts.codec import decode, encode
from hemotk.benchmarks.measure.config import MeasureConfig
from hemotk.errors import HemotkError
from hemotk.tflite.scorer import Scores

WORKER = "hemotk.benchmarks.measure.worker"
# `-P` does that too, from Python 3.11 on.
_START = "import sys; sys.path[:] = filter(None, sys.path); import runpy; runpy.run_module({!r}, run_name='__main__')"


def python_module(name: str) -> list[str]:
    """The command `python -m name` without the current folder, where a json.py must not replace the real one."""
    return [sys.executable, "-c", _START.format(name)]


class RunnerFailed(Exception):
    """A variant that cannot be used any further; the message is the reason, without a full stop."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """Opening a model: nanoseconds until it was ready and of its first inference, and memory held before."""

    load_ns: int
    first_ns: int
    base_bytes: int | None


class Runner:
    """One worker process, started at once and closed by `close` or at the end of a `with` block.

    It imports what it needs while the parent does other things; it opens no file before `load`.
    """

    def __init__(self, config: MeasureConfig) -> None:
        self._config = config
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `close`
        self._process = subprocess.Popen(
            python_module(WORKER),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.peak_bytes: int | None = None

    def __enter__(self) -> "Runner":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def load(self, model: Path, images: Path, preprocess: PreprocessSpec, foreign: ForeignSpec | None = None) -> Loaded:
        """Open the model at `model` and run it once on the first row of `images`.

        Raises:
            RunnerFailed: it cannot be opened or run.
        """
        answer = self._ask(do="load", **self._subject(model, images, preprocess, foreign))
        return Loaded(answer["load_ns"], answer["first_ns"], answer["base_bytes"])

    def score(self, row: int) -> Scores:
        """The scores of test image `row`; NaN and infinities as they come.

        Raises:
            RunnerFailed: the model does not run.
        """
        answer = self._ask(do="score", row=row)
        return Scores(answer["logit"], answer["probability"])

    def time(self, rows: int, runs: int) -> tuple[int, ...]:
        """Nanoseconds of `runs` inferences, after an untimed one, on the first `rows` test images in turn.

        Raises:
            RunnerFailed: the model does not run.
        """
        answer = self._ask(do="time", rows=rows, runs=runs)
        self.peak_bytes = answer["peak_bytes"]
        return tuple(answer["samples_ns"])

    def profile(
        self, model: Path, images: Path, rows: int, preprocess: PreprocessSpec, foreign: ForeignSpec | None = None
    ) -> Profile:
        """Profile the model at `model` on the first `rows` test images in turn.

        Raises:
            RunnerFailed: the process did not survive it.
        """
        answer = self._ask(do="profile", rows=rows, **self._subject(model, images, preprocess, foreign))
        result: Profile = decode(Profile, answer["profile"], "profile")
        return result

    def check_delegate(self) -> None:
        """Load the delegate asked for, and nothing else.

        Raises:
            RunnerFailed: it cannot be loaded.
        """
        self._ask(do="check_delegate", runtime=self._config.runtime, delegate=self._config.delegate)

    def close(self) -> None:
        """End the process, however it is."""
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for stream in (self._process.stdin, self._process.stdout, self._log):
            with contextlib.suppress(OSError):  # a question that it did not live to read
                if stream is not None:
                    stream.close()

    def _subject(
        self, model: Path, images: Path, preprocess: PreprocessSpec, foreign: ForeignSpec | None
    ) -> dict[str, Any]:
        return {
            "model": str(model),
            "images": str(images),
            "preprocess": dataclasses.asdict(preprocess),
            "foreign": None if foreign is None else encode(foreign),
            "threads": self._config.threads,
            "runtime": self._config.runtime,
            "delegate": self._config.delegate,
            "cpus": self._config.cpus,
        }

    def _ask(self, **request: Any) -> dict[str, Any]:
        self._send(json.dumps(request).encode() + b"\n")
        try:
            line = self._lines.get(timeout=self._config.patience)
        except queue.Empty:
            self._process.kill()
            raise RunnerFailed(f"no answer within {self._config.patience:g} s, it was given up") from None
        if not line:
            self._lines.put(line)  # the next question finds it dead, too
            raise RunnerFailed(self._epitaph())
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            raise RunnerFailed(answer["error"].rstrip("."))
        return answer

    def _send(self, line: bytes) -> None:
        stdin = self._process.stdin
        with contextlib.suppress(OSError):  # the process has gone: `_read` says so, and its epitaph says why
            if stdin is not None:
                stdin.write(line)
                stdin.flush()

    def _read(self) -> None:
        """Hand lines over; an empty one means that the process has closed its end."""
        if self._process.stdout is not None:
            for line in self._process.stdout:
                self._lines.put(line)
        self._lines.put(b"")

    def _epitaph(self) -> str:
        """The way the process ended, with the last thing it said."""
        code = self._process.wait()
        self._log.seek(0)
        lines = self._log.read().decode("utf-8", "replace").splitlines()
        said = [line.strip() for line in lines if line.strip() and not line.startswith("INFO")]
        last = f" ({said[-1]})" if said else ""
        if code < 0:
            return f"the interpreter crashed: {signal.strsignal(-code)}{last}"
        return f"its process ended with code {code}{last}"


def profile(
    config: MeasureConfig,
    model: Path,
    images: Path,
    rows: int,
    preprocess: PreprocessSpec,
    *,
    foreign: ForeignSpec | None = None,
) -> Profile:
    """Profile a model in a process of its own; one that does not survive it leaves a profile that says so."""
    try:
        with Runner(config) as runner:
            return runner.profile(model, images, rows, preprocess, foreign)
    except RunnerFailed as error:
        return Profile(method="", runs=0, why=str(error), why_left_out=str(error))


def check_delegate(config: MeasureConfig) -> None:
    """Load the delegate that `config` names, if it names one, in a process of its own.

    Raises:
        HemotkError: it is missing, is no delegate, refuses its options, or crashes.
    """
    if config.delegate is None:
        return
    try:
        with Runner(config) as runner:
            runner.check_delegate()
    except RunnerFailed as error:
        reason = str(error)
        if not reason.startswith("delegate "):
            reason = f"delegate {config.delegate}: cannot be loaded ({reason}); check the path and its options"
        reason = f"‹delegate›{reason.removeprefix('delegate')}"
        raise HemotkError(f"{reason}.") from None

"""The process that one variant lives in: this module, run as a program.

One JSON object per line comes in on stdin, one goes out on stdout for each. Whatever breaks in here, a crash of the
interpreter included, breaks this process and no other. It ends when its stdin does.

    {"do": "load", …} → {"load_ns", "first_ns", "base_bytes"}
    {"do": "score", "row"} → {"logit", "probability"}
    {"do": "time", "rows", "runs"} → {"samples_ns", "peak_bytes"}: one untimed inference, then `runs` timed ones
    {"do": "profile", …, "rows"} → {"profile"}: in a process that does nothing else
    {"do": "check_delegate", "runtime", "delegate"} → {}

`load` and `profile` take "model", "images", "preprocess", "foreign", "threads", "runtime", "delegate" and
"cpus". An answer {"error": sentence} means that the variant cannot be used.
"""

import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

from hemotk.artifacts import ForeignSpec, PreprocessSpec
from hemotk.artifacts.codec import decode, encode
from hemotk.errors import HemotkError
from hemotk.store.bundle import read_image
from hemotk.tflite.foreign_scorer import open_scorer
from hemotk.tflite.runtime import Delegate, find_runtime
from hemotk.tflite.scorer import Scorer

Message = dict[str, Any]


class Worker:
    """Answers requests about one model."""

    def __init__(self) -> None:
        self._scorer: Scorer | None = None
        self._images = Path()
        self._next = 0
        self._commands: dict[str, Callable[[Message], Message]] = {
            "load": self.load,
            "score": self.score,
            "time": self.time,
            "profile": self.profile,
            "check_delegate": self.check_delegate,
        }

    def answer(self, request: Message) -> Message:
        """Do what `request` asks; what goes wrong on purpose becomes an `error`."""
        try:
            return self._commands[request["do"]](request)
        except HemotkError as error:
            return {"error": str(error)}

    def load(self, request: Message) -> Message:
        """Open the model and run it once."""
        _pin(request["cpus"])
        runtime, delegate = find_runtime(request["runtime"]), _delegate(request)
        base = peak_memory()
        self._images = Path(request["images"])
        first = read_image(self._images, 0)
        started = time.perf_counter_ns()
        scorer = open_scorer(
            Path(request["model"]),
            PreprocessSpec(**request["preprocess"]),
            _foreign(request),
            runtime=runtime,
            threads=request["threads"],
            delegate=delegate,
        )
        ready = time.perf_counter_ns()
        scorer.feed(first)
        began = time.perf_counter_ns()
        scorer.invoke()
        ended = time.perf_counter_ns()
        self._scorer = scorer
        return {"load_ns": ready - started, "first_ns": ended - began, "base_bytes": base}

    def score(self, request: Message) -> Message:
        """Logit and probability of one test image; NaN and infinities as JSON's usual extension."""
        scores = self._ready().score(read_image(self._images, request["row"]))
        return {"logit": scores.logit, "probability": scores.probability}

    def time(self, request: Message) -> Message:
        """Time inferences one by one, on the test images in turn; the conversion of the input is not timed."""
        scorer, rows, clock = self._ready(), request["rows"], time.perf_counter_ns
        samples = []
        for run in range(request["runs"] + 1):
            scorer.feed(read_image(self._images, (self._next + run) % rows))
            began = clock()
            scorer.invoke()
            samples.append(clock() - began)
        self._next = (self._next + request["runs"]) % rows
        return {"samples_ns": samples[1:], "peak_bytes": peak_memory()}

    def profile(self, request: Message) -> Message:
        """Profile the model at `model`."""
        from hemotk.benchmarks.measure.profile import ProfileJob, profile

        _pin(request["cpus"])
        job = ProfileJob(
            model=Path(request["model"]),
            preprocess=PreprocessSpec(**request["preprocess"]),
            foreign=_foreign(request),
            images=Path(request["images"]),
            rows=request["rows"],
            runtime=find_runtime(request["runtime"]),
            threads=request["threads"],
            delegate=_delegate(request),
        )
        return {"profile": encode(profile(job))}

    def check_delegate(self, request: Message) -> Message:
        """Load the delegate alone."""
        delegate = _delegate(request)
        if delegate is not None:
            delegate.load(find_runtime(request["runtime"]))
        return {}

    def _ready(self) -> Scorer:
        if self._scorer is None:
            raise HemotkError("worker: asked before a model was loaded; send 'load' first.")
        return self._scorer


def _pin(cpus: list[int]) -> None:
    if cpus:
        os.sched_setaffinity(0, cpus)


def _foreign(request: Message) -> ForeignSpec | None:
    said = request.get("foreign")
    return None if said is None else decode(ForeignSpec, said, "foreign")


def _delegate(request: Message) -> Delegate | None:
    return None if request["delegate"] is None else Delegate.parse(request["delegate"])


def peak_memory() -> int | None:
    """The most memory this process ever held, in bytes; None where the system does not say.

    Linux is asked for VmHWM: the `ru_maxrss` of a new process there begins with its parent's.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _go_first() -> None:
    """Let this process be the one to end when memory runs out: a broken model may ask for any amount."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="utf-8")


def serve(requests: TextIO, answers: TextIO) -> None:
    """Answer line by line until `requests` ends."""
    worker = Worker()
    for line in requests:
        answers.write(json.dumps(worker.answer(json.loads(line))) + "\n")
        answers.flush()


def main() -> None:
    """Serve on stdin and stdout, out of reach of native libraries that print to stdout and of Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _go_first()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(sys.stdin, answers)


if __name__ == "__main__":
    main()

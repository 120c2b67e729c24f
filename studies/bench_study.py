"""How far the bench can be believed: what repeats, what the harness itself costs, how long it takes, what it holds.

    python studies/bench_study.py repeat BUNDLE [--times 5]
    python studies/bench_study.py overhead BUNDLE [--rounds 40]
    python studies/bench_study.py memory BUNDLE [--images 2000]

`repeat` runs `hemotk bench BUNDLE` in a row and shows how far the ratios of the medians lie apart, and the seconds of
each. `overhead` times the int8 variant in the harness and in a bare loop around the interpreter, in turns, each in a
process of its own. `memory` scores more and more images in one worker. Each prints Markdown, and how busy it was here.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hemotk.artifacts import BenchReport, Estimate
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.measure.machine import others, snapshot
from hemotk.benchmarks.measure.runners import Runner, python_module
from hemotk.stats.paired import ratio_of_medians
from hemotk.store.bundle import StoredBundle, open_with_testset
from hemotk.tflite.runtime import find_runtime

TURN_SECONDS = 0.3
WARMUP_RUNS = 5
CHUNK = 64
# All there is between the clock's two readings in a program that only wants to know: the interpreter's own call.
BARE_LOOP = """
import importlib, json, sys, time
import numpy as np
model, images, scale, zero_point, runtime = json.loads(sys.stdin.readline())
interpreter = importlib.import_module(runtime + ".interpreter").Interpreter(model, num_threads=1)
interpreter.allocate_tensors()
(pixels,) = interpreter.get_input_details()
images = np.load(images)[..., None]
if pixels["dtype"] == np.float32:
    images = (scale * (images - np.float32(zero_point))).astype(np.float32)
for line in sys.stdin:
    samples = []
    for run in range(int(line) + 1):
        interpreter.set_tensor(pixels["index"], images[run % len(images)][None])
        began = time.perf_counter_ns()
        interpreter.invoke()
        samples.append(time.perf_counter_ns() - began)
    print(json.dumps(samples[1:]), flush=True)
"""


def repeat(bundle: Path, times: int) -> None:
    """Print the ratio of each variant in each of several benches in a row."""
    reports = []
    with tempfile.TemporaryDirectory() as scratch:
        for number in range(times):
            path = Path(scratch) / f"{number}.json"
            subprocess.run(
                [*python_module("hemotk"), "bench", str(bundle), "--json", str(path)],
                check=False,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            reports.append(BenchReport.read(path))
    numbers = " | ".join(str(number + 1) for number in range(times))
    print(f"| {times} benches in a row | {numbers} | furthest apart |\n|{'---|' * (times + 2)}")
    for row in reports[0].variants[1:]:
        found = [report.variant(row.kind) for report in reports]
        ratios = [item.latency.ratio.value for item in found if item is not None and item.latency is not None]
        known = [ratio for ratio in ratios if ratio is not None]
        apart = (max(known) - min(known)) / statistics.median(known)
        print(f"| {row.kind}, ratio of medians | {' | '.join(f'{ratio:.3f}' for ratio in known)} | {apart:.1%} |")
    print(f"| seconds | {' | '.join(f'{report.seconds:.0f}' for report in reports)} | |")
    for number, report in enumerate(reports):
        print(f"\nBench {number + 1}: {'; '.join(report.warnings) or 'no warnings'}.")


def overhead(bundle: Path, rounds: int) -> None:
    """Print the median in the harness against that in a bare loop, and the harness's time outside the clock."""
    opened = open_with_testset(bundle)
    ours, bare, wall = [], [], 0.0
    with Runner(BenchConfig()) as runner, bare_loop(opened) as loop:
        runner.load(int8_of(opened), opened.images, opened.card.preprocess)
        runs = max(1, int(TURN_SECONDS * 1e9 / min(runner.time(len(opened.items), WARMUP_RUNS))))
        for number in range(rounds + 1):
            if number % 2:
                bare.append(loop(runs))
            began = time.monotonic()
            ours.append(runner.time(len(opened.items), runs))
            wall += time.monotonic() - began if number else 0.0
            if not number % 2:
                bare.append(loop(runs))
    del ours[0], bare[0]  # the round that warms up
    found = ratio_of_medians(ours, bare)
    harness, alone = (np.quantile(np.concatenate(samples), (0.5, 0.1)) / 1e6 for samples in (ours, bare))
    inside = sum(map(sum, ours)) / 1e9 * (runs + 1) / runs  # one inference of each turn is not timed
    print(f"{opened.card.name} int8, {rounds} rounds of {runs} inferences each:\n")
    print(f"- median: harness {harness[0]:.3f} ms, bare loop {alone[0]:.3f} ms, ratio {interval(found)}")
    # What a busy machine does to a median it does less to the quickest tenth.
    print(
        f"- quickest tenth: harness {harness[1]:.3f} ms, bare loop {alone[1]:.3f} ms, ratio {harness[1] / alone[1]:.4f}"
    )
    print(
        f"- feeding images, pipes and the rest of the harness, outside the clock: {1 - inside / wall:.2%} of its time"
    )


@contextmanager
def bare_loop(opened: StoredBundle) -> Iterator[Callable[[int], list[int]]]:
    """A process that times the int8 variant with nothing around it: gives the nanoseconds of so many inferences."""
    process = subprocess.Popen(
        [sys.executable, "-c", BARE_LOOP], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    asked, said = process.stdin, process.stdout
    if asked is None or said is None:
        raise SystemExit("no pipes to the bare loop")
    spec = opened.card.preprocess
    model = str(int8_of(opened))
    print(
        json.dumps([model, str(opened.images), spec.scale, spec.zero_point, find_runtime().name]),
        file=asked,
        flush=True,
    )

    def loop(runs: int) -> list[int]:
        print(runs, file=asked, flush=True)
        samples: list[int] = json.loads(said.readline())
        return samples

    try:
        yield loop
    finally:
        process.kill()
        process.wait()


def memory(bundle: Path, images: int) -> None:
    """Print the most memory one worker held after more and more images."""
    opened = open_with_testset(bundle)
    size = opened.card.preprocess.size
    print("| images scored | most memory held, MB |\n|---|---|")
    with Runner(BenchConfig()) as runner, tempfile.TemporaryDirectory() as scratch:
        chunk = Path(scratch) / "chunk.npy"
        np.save(chunk, np.zeros((CHUNK, size, size), np.uint8))
        runner.load(int8_of(opened), chunk, opened.card.preprocess)
        scored, random = 0, np.random.default_rng(0)
        for milestone in (CHUNK, images // 4, images // 2, images):
            while scored < milestone:
                pixels = random.integers(0, 256, (CHUNK, size, size)).astype(np.uint8)
                np.save(chunk, pixels)
                scored += len([runner.score(row) for row in range(CHUNK)])
            runner.time(1, 1)
            print(f"| {scored} | {(runner.peak_bytes or 0) / 1e6:.1f} |")


def int8_of(opened: StoredBundle) -> Path:
    """The file of the int8 variant."""
    variant = opened.card.variant("int8")
    if variant is None:
        raise SystemExit(f"{opened.folder} has no int8 variant")
    return opened.path(variant)


def interval(found: Estimate) -> str:
    """A ratio with its interval."""
    return f"{found.value:.4f} ({found.low:.4f} to {found.high:.4f}, {found.method})"


def main() -> None:
    """Read the command line, do what it asks, and say how busy the machine was meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("repeat", "overhead", "memory"))
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--images", type=int, default=2000)
    given = parser.parse_args()
    before = snapshot()
    if given.what == "repeat":
        repeat(given.bundle, given.times)
    elif given.what == "overhead":
        overhead(given.bundle, given.rounds)
    else:
        memory(given.bundle, given.images)
    used = others(before, snapshot())
    print(f"\n{os.cpu_count()} cores, load {before.load} before; other processes used", end=" ")
    print("an unknown share meanwhile" if used is None else f"{used:.2f} cores meanwhile")


if __name__ == "__main__":
    main()

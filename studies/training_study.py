"""How long a step of training takes: in float32 and bfloat16, and how much of it waits for pictures.

    python studies/training_study.py precision SPLIT [--arch densenet121] [--size 160] [--rounds 8]
    python studies/training_study.py input SPLIT [--arch densenet121] [--size 160] [--rounds 8]

SPLIT is a split file, whose training part is learned from, in batches of 16. `precision` takes steps in both types,
in turns. `input` takes steps on pictures that are in memory and on pictures that are read from their files when needed,
each with the next batch made meanwhile and with it made afterwards, in turns. Each prints Markdown, and how busy it was
here. The first round, in which TensorFlow traces and allocates, is left out.
"""

import argparse
import os
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np

from hemotk.quiet import import_tensorflow

import_tensorflow()

from hemotk.artifacts import PreprocessSpec, SplitManifest  # noqa: E402
from hemotk.benchmarks.measure.machine import others, snapshot  # noqa: E402
from hemotk.data.read.lazy import prefetch  # noqa: E402
from hemotk.data.read.pipeline import open_items  # noqa: E402
from hemotk.models.build import Precision, build_model  # noqa: E402
from hemotk.models.families import named_shape  # noqa: E402
from hemotk.stats.paired import ratio_of_medians  # noqa: E402
from hemotk.training.config import TrainConfig  # noqa: E402
from hemotk.training.fit import Data, batches  # noqa: E402
from hemotk.training.steps import Batch, Trainer  # noqa: E402

STEPS = 6
RATE = 1e-4
# What a step is held against.
FLOAT32: Precision = "float32"
BFLOAT16: Precision = "bfloat16"
BASE = "in memory, made meanwhile"

Rounds = dict[str, list[list[int]]]
Name = TypeVar("Name", bound=str)


def training_part(split: SplitManifest, spec: PreprocessSpec, most: int) -> Data:
    """The training part, in memory if it takes at most so many bytes."""
    pixels, labels = open_items(split.part("train"), split.root(), spec, most=most)
    return Data({"train": pixels}, {"train": labels})


def new_trainer(config: TrainConfig, precision: Precision) -> Trainer:
    """A network with random weights, ready to learn."""
    model = build_model(named_shape(config.arch, config.size), precision=precision)
    return Trainer(model, config, PreprocessSpec(config.size))


def timed(trainer: Trainer, source: Iterable[Batch]) -> tuple[list[int], list[int]]:
    """Nanoseconds of each step, and those of them that it waited for its batch."""
    whole: list[int] = []
    waited: list[int] = []
    iterator = iter(source)
    while True:
        began = time.perf_counter_ns()
        batch = next(iterator, None)
        if batch is None:
            return whole, waited
        waited.append(time.perf_counter_ns() - began)
        trainer.step(batch, RATE)
        whole.append(time.perf_counter_ns() - began)


def precision(split: SplitManifest, config: TrainConfig, rounds: int) -> None:
    """Print what a step takes in either type."""
    data = training_part(split, PreprocessSpec(config.size), most=1 << 40)
    types = (FLOAT32, BFLOAT16)
    trainers = {name: new_trainer(config, name) for name in types}
    found: Rounds = {name: [] for name in types}
    for number in range(rounds + 1):
        for name in _in_turn(types, number):
            steps = islice(batches(config, data, number), STEPS)
            found[name].append(timed(trainers[name], prefetch(steps))[0])
    _table(found, FLOAT32)


def input_pipeline(split: SplitManifest, config: TrainConfig, rounds: int) -> None:
    """Print what a step takes and waits, by where its pictures come from."""
    spec = PreprocessSpec(config.size)
    sources = {"in memory": training_part(split, spec, most=1 << 40), "from files": training_part(split, spec, most=0)}
    trainer = new_trainer(config, FLOAT32)
    ways = [f"{source}, made {when}" for source in sources for when in ("meanwhile", "afterwards")]
    found: Rounds = {way: [] for way in ways}
    waits: Rounds = {way: [] for way in ways}
    for number in range(rounds + 1):
        for way in _in_turn(ways, number):
            source, when = way.split(", made ")
            steps = islice(batches(config, sources[source], number), STEPS)
            whole, waited = timed(trainer, prefetch(steps) if when == "meanwhile" else steps)
            # The first batch of an epoch has no step before it that it could be made in.
            found[way].append(whole[1:])
            waits[way].append(waited[1:])
    _table(found, BASE)
    print()
    for way in ways:
        share = sum(map(sum, waits[way][1:])) / sum(map(sum, found[way][1:]))
        print(f"- {way}: {share:.2%} of the time goes by waiting for the next batch")


def _in_turn(names: Iterable[Name], number: int) -> list[Name]:
    """The names, in the other direction every other time."""
    return list(names)[:: -1 if number % 2 else 1]


def _table(found: Rounds, base: str) -> None:
    print(f"| step | median | quickest tenth | of {base} |\n|---|---|---|---|")
    for name, rounds in found.items():
        samples = np.concatenate(rounds[1:]) / 1e6
        ratio = ratio_of_medians(rounds[1:], found[base][1:])
        against = "1" if name == base else f"{ratio.value:.3f} [{ratio.low:.3f}, {ratio.high:.3f}]"
        print(f"| {name} | {np.median(samples):.1f} ms | {np.quantile(samples, 0.1):.1f} ms | {against} |")


def main() -> None:
    """Read the command line, do what it asks, and say how busy the machine was meanwhile."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("precision", "input"))
    parser.add_argument("split", type=Path)
    parser.add_argument("--arch", default="densenet121")
    parser.add_argument("--size", type=int, default=160)
    parser.add_argument("--rounds", type=int, default=8)
    given = parser.parse_args()
    split = SplitManifest.read(given.split)
    before = snapshot()
    study = precision if given.what == "precision" else input_pipeline
    study(split, TrainConfig(given.arch, size=given.size), given.rounds)
    used = others(before, snapshot())
    print(f"\n{given.arch}, {given.size}×{given.size}, {given.rounds} rounds of {STEPS} steps;", end=" ")
    print(f"{os.cpu_count()} cores, load {before.load} before; other processes used", end=" ")
    print("an unknown share meanwhile" if used is None else f"{used:.2f} cores meanwhile")


if __name__ == "__main__":
    main()

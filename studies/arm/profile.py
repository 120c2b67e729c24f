"""Profiles a model with uint8 pixels: `python profile.py MODEL SIZE COUNT`, under the emulator with its clock.

Needs numpy, ai_edge_litert and hemotk. One line of JSON comes out: for each of COUNT inferences behind a first one the
events, each with its kind, name, index and microseconds, which are instructions by the emulator's clock.
"""

import dataclasses
import json
import sys
from pathlib import Path

import numpy as np

from hemotk.benchmarks.measure.litert import ProfiledModel


def main(model: str, size: str, count: str) -> None:
    """Run and print."""
    profiled = ProfiledModel(Path(model), threads=1)
    profiled.feed(np.full((1, int(size), int(size), 1), 128, np.uint8))
    runs = [profiled.profiled() for _ in range(1 + int(count))][1:]
    print(json.dumps([[dataclasses.astuple(event) for event in run] for run in runs]))


if __name__ == "__main__":
    main(*sys.argv[1:])

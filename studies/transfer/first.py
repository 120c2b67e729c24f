"""Train all networks of the study on one GPU.

    PYTHONPATH=studies python -m transfer.first PACKED OUT [--seconds 420] [--workers 6]

Writes OUT/scores.npz (logits by "job|weights|test"), OUT/trainings.json (losses, seconds, the share of epochs), and the
weights of the pretrained networks (OUT/pretrained NAME.pt). Epochs are cut by one share if all would take longer than
`--seconds`.
"""

import argparse
import gc
import json
import multiprocessing as mp
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from transfer.jobs import Job, first_jobs, second_jobs
from transfer.learn import Lesson, Material, scores, train
from transfer.network import round_to_half, standard
from transfer.pictures import Pictures, looks, read

TIMED = 12


def timed(data: Material, job: Job) -> float:
    """Seconds of a step, alone on the device."""
    chosen = np.resize(job.learned, TIMED * job.recipe.batch)
    return train(Lesson(standard(job.arch), chosen, replace(job.recipe, epochs=1)), data).seconds / TIMED


def work(jobs: Any, done: Any, folder: Path, states: Path, end: float) -> None:
    """Train jobs until there are none, or no time."""
    torch.set_num_threads(2)
    data = material(folder)
    while True:
        job = jobs.get()
        if job is None:
            return
        if time.time() > end:
            done.put((job.name, None, {}))
            continue
        try:
            done.put((job.name, *one(job, data, states)))
        except Exception as error:  # One lost training must not cost the others.
            done.put((job.name, repr(error), {}))
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def one(job: Job, data: Material, states: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Train, score, keep."""
    start = None if job.start is None else torch.load(states / f"{job.start}.pt", map_location="cpu")
    lesson = Lesson(standard(job.arch), job.learned, job.recipe, start, job.seed)
    learned = train(lesson, data)
    if job.kept:
        round_to_half(learned.averaged)
        torch.save(learned.averaged.state_dict(), states / f"{job.name}.pt")
    found = {}
    for weights, network in (("last", learned.last), ("averaged", learned.averaged)):
        for test, places in job.tested.items():
            found[f"{job.name}|{weights}|{test}"] = scores(network, places, data, job.recipe.size)
    return {"seconds": round(learned.seconds, 1), "steps": lesson.steps, "losses": learned.losses}, found


def material(folder: Path) -> Material:
    """What workers share through files, on the device."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.benchmark = False
    arrays = [np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("pixels", "looks", "labels", "cells")]
    pixels, changed, labels = (torch.from_numpy(np.array(array)).to(device) for array in arrays[:3])
    return Material(pixels, changed, labels, np.array(arrays[3]))


def run(jobs: Sequence[Job], folder: Path, workers: int, end: float, out: "Results") -> None:
    """All of these, several at once."""
    context = mp.get_context("spawn")
    waiting, done = context.Queue(), context.Queue()
    for job in [*jobs, *[None] * workers]:
        waiting.put(job)
    processes = [
        context.Process(target=work, args=(waiting, done, folder, out.folder, end), daemon=True) for _ in range(workers)
    ]
    for process in processes:
        process.start()
    for _ in jobs:
        out.add(*done.get())
    for process in processes:
        process.join(10)


class Results:
    """What came out so far; written after each training, since a lease may end."""

    def __init__(self, out: Path) -> None:
        self.folder = out
        self.said: dict[str, Any] = {}
        self._scores: dict[str, np.ndarray] = {}
        self._begun = time.monotonic()

    def add(self, name: str, said: Any, found: dict[str, np.ndarray]) -> None:
        """One training."""
        self.said[name] = said
        self._scores |= found
        self.write()
        at = time.monotonic() - self._begun
        print(f"{at:5.0f} s  {name}: {said if not isinstance(said, dict) else said['seconds']}", flush=True)

    def write(self) -> None:
        """Both files."""
        np.savez_compressed(self.folder / "scores.npz", **self._scores)  # type: ignore[arg-type]
        (self.folder / "trainings.json").write_text(json.dumps(self.said))


def main() -> None:
    """Both phases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packed", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seconds", type=float, default=420)
    parser.add_argument("--workers", type=int, default=4, help="at once; twice as many for fine-tuning")
    given = parser.parse_args()
    end = time.time() + given.seconds
    given.out.mkdir(parents=True, exist_ok=True)
    pictures = read(given.packed)
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    share_with_workers(pictures, folder)
    results = Results(given.out)
    phases = [list(first_jobs(pictures)), list(second_jobs(pictures))]
    share = fitting(phases, material(folder), end - time.time(), results)
    for number, jobs in enumerate(phases):
        workers = given.workers * (number + 1)
        run([shortened(job, share) for job in jobs], folder, workers, end, results)
    shutil.rmtree(folder)
    results.write()


def share_with_workers(pictures: Pictures, folder: Path) -> None:
    """Write what `material` reads."""
    arrays = {
        "pixels": pictures.pixels,
        "looks": looks(pictures.pixels, os.cpu_count() or 1),
        "labels": pictures.labels.astype(np.float32),
        "cells": np.char.add(pictures.sets, pictures.labels.astype(str)),
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)


def shortened(job: Job, share: float) -> Job:
    """The job with a share of its epochs."""
    return replace(job, recipe=replace(job.recipe, epochs=max(1, round(job.recipe.epochs * share))))


def fitting(phases: list[list[Job]], data: Material, seconds: float, results: Results) -> float:
    """The share of the epochs that fits, from what a step of each kind takes."""
    taken: dict[tuple, float] = {}
    total = 0.0
    for job in [job for jobs in phases for job in jobs]:
        kind = job.arch, job.recipe.size, job.recipe.batch
        if kind not in taken:
            taken[kind] = timed(data, job)
        total += Lesson(standard(job.arch), job.learned, job.recipe).steps * taken[kind]
    results.said["steps"] = {" ".join(map(str, kind)): value for kind, value in taken.items()}
    # Several at once take less than one after another.
    share = min(1.0, seconds / (0.95 * total))
    results.said["share of epochs"] = share
    print(f"step seconds {results.said['steps']}, all {total:.0f} s alone, share of epochs {share:.2f}", flush=True)
    return share


if __name__ == "__main__":
    main()

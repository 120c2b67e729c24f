"""hemotk beside stock TFLite, ONNX Runtime and OpenVINO: the same weights, calibration images and test images.

    python studies/peers.py RUN DATA OUT --peers PYTHON [--bundle FOLDER]

RUN is a trained DenseNet run, DATA the images of its split, OUT a folder for models and results (what is there is
kept), PYTHON the interpreter of an environment with peers.txt, FOLDER the run's bundle with float32 and int8 (exported
into OUT if not given). Every model runs on one thread in a process of its own; they are timed in turns. Writes
OUT/peers.json with every score and raw sample, and prints Markdown.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from common import calibration_pixels
from export_study import exported, made

from hemotk.artifacts import BUNDLE_CARD, TESTSET_CARD, TESTSET_IMAGES, TESTSET_SUFFIX, BundleCard, TestSetCard
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.measure import latency
from hemotk.benchmarks.measure.runners import RunnerFailed
from hemotk.stats.metrics import calibrated, decide, evaluate
from hemotk.stats.paired import percentile, ratio_of_medians

HERE = Path(__file__).parent
CALIBRATION = 100
MIN_RUNS, MIN_SECONDS = 200, 10.0


@dataclass(frozen=True)
class Peer:
    """One row: what it is called, which engine of the worker runs it, and its file."""

    name: str
    engine: str
    model: Path

    @property
    def bytes(self) -> int:
        """Of the model; OpenVINO keeps its weights in a .bin beside."""
        beside = self.model.with_suffix(".bin")
        return self.model.stat().st_size + (beside.stat().st_size if beside.exists() else 0)


class Worker:
    """A peer's process."""

    def __init__(self, peer: Peer, python: str, bundle: Path, images: Path | None = None) -> None:
        """For the bundle's test pictures, or the ones of the .npy `images`."""
        self.peer = peer
        images = images or bundle.with_name(bundle.name + TESTSET_SUFFIX) / TESTSET_IMAGES
        command = [python, HERE / "peer_worker.py", peer.engine, peer.model, bundle, images]
        self._process = subprocess.Popen(
            list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )

    def ask(self, **question: Any) -> dict[str, Any]:
        """The worker's answer; raises RunnerFailed if it has gone."""
        stdin, stdout = self._process.stdin, self._process.stdout
        if stdin is None or stdout is None or self._process.poll() is not None:
            raise RunnerFailed(f"{self.peer.name}: its process has ended")
        stdin.write(json.dumps(question) + "\n")
        line = stdout.readline()
        if not line:
            raise RunnerFailed(f"{self.peer.name}: its process has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def turn(self, runs: int) -> tuple[int, ...]:
        """Nanoseconds of so many inferences."""
        return tuple(self.ask(do="time", runs=runs)["samples_ns"])

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()


def peers(bundle: Path, out: Path) -> list[Peer]:
    """All rows; the first is what the others are held against."""
    files = {variant.kind: bundle / variant.file for variant in BundleCard.read(bundle / BUNDLE_CARD).variants}
    return [
        Peer("hemotk float32", "tflite", files["float32"]),
        Peer("hemotk int8", "tflite", files["int8"]),
        Peer("stock TFLite float32", "tflite", out / "stock_float32.tflite"),
        Peer("stock TFLite int8", "stock", out / "stock_int8.tflite"),
        Peer("ONNX Runtime float32", "onnxruntime", out / "onnx_float32.onnx"),
        Peer("ONNX Runtime int8", "onnxruntime", out / "onnx_int8.onnx"),
        Peer("OpenVINO float32", "openvino_f32", out / "openvino_float32.xml"),
        Peer("OpenVINO float32 file, as it comes", "openvino", out / "openvino_float32.xml"),
        Peer("OpenVINO int8 (NNCF)", "openvino", out / "openvino_int8.xml"),
    ]


def make_models(run: Path, data: Path, out: Path, python: str) -> None:
    """The stock .tflite files in this environment, the others in theirs."""
    made(out / "stock_float32.tflite", "stock.py", run, data, out / "stock_float32.tflite", "--float")
    made(out / "stock_int8.tflite", "stock.py", run, data, out / "stock_int8.tflite", "--calibration", str(CALIBRATION))
    with tempfile.TemporaryDirectory() as folder:  # pictures of people do not stay in OUT
        images = Path(folder) / "calibration.npy"
        np.save(images, calibration_pixels(run, data, CALIBRATION))
        command = [python, HERE / "peer_models.py", run, images, out]
        subprocess.run(list(map(str, command)), check=True, stdout=sys.stderr)


def measure(rows: list[Peer], bundle: Path, python: str, least: tuple[int, float]) -> dict[str, dict[str, Any]]:
    """name → scores, raw samples and figures of every row; `least` are runs and seconds of each."""
    workers = [Worker(row, sys.executable if row.engine in ("tflite", "stock") else python, bundle) for row in rows]
    try:
        scores = {worker.peer.name: worker.ask(do="score") for worker in workers}
        turns = {worker.peer.name: worker.turn for worker in workers}
        timings = latency.measure(turns, BenchConfig(min_runs=least[0], min_seconds=least[1]))
    finally:
        for worker in workers:
            worker.close()
    first = rows[0].name
    return {
        row.name: {
            **scores[row.name],
            **accuracy(scores[row.name]["logits"], scores[first]["logits"], bundle),
            **times(timings[row.name], timings[first]),
            "bytes": row.bytes,
        }
        for row in rows
    }


def accuracy(logits: list[float], reference: list[float], bundle: Path) -> dict[str, Any]:
    """Figures at the bundle's operating point, and how far from the reference's decisions and probabilities."""
    card = BundleCard.read(bundle / BUNDLE_CARD)
    items = TestSetCard.read(bundle.with_name(bundle.name + TESTSET_SUFFIX) / TESTSET_CARD).items
    found = evaluate(np.array([item.label for item in items]), np.array(logits), card.threshold, card.temperature)
    ours, theirs = (np.array(values) for values in (logits, reference))
    called, wanted = (decide(values, card.threshold, card.temperature) for values in (ours, theirs))
    drift = abs(calibrated(ours, card.temperature) - calibrated(theirs, card.temperature))
    return {
        "accuracy": found.accuracy.value,
        "auc": found.auc.value,
        "flips": int((called != wanted).sum()),
        "sqnr_db": float(10 * np.log10(theirs.var() / max(np.mean((ours - theirs) ** 2), 1e-30))),
        "max_drift": float(drift.max()),
    }


def times(timings: latency.Timings, reference: latency.Timings) -> dict[str, Any]:
    """Median and 90th percentile in ms, the ratio of medians with its interval, and the samples."""
    if timings.failure:
        raise RunnerFailed(timings.failure)
    samples = np.concatenate(timings.rounds)
    ratio = ratio_of_medians(timings.rounds, reference.rounds)
    return {
        "p50_ms": percentile(samples, 0.5) / 1e6,
        "p90_ms": percentile(samples, 0.9) / 1e6,
        "ratio": [ratio.value, ratio.low, ratio.high],
        "rounds_ns": timings.rounds,
    }


def markdown(found: dict[str, Any]) -> str:
    """The table and what it was measured with."""
    lines = [
        "| model | runtime | accuracy | AUC | flips | max Δp | median | p90 | ratio | size |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, row in found["models"].items():
        value, low, high = row["ratio"]
        lines.append(
            f"| {name} | {row['engine']} | {row['accuracy']:.3f} | {row['auc']:.3f} | {row['flips']} | "
            f"{row['max_drift']:.4f} | {row['p50_ms']:.1f} ms | {row['p90_ms']:.1f} ms | {value:.3f} "
            f"[{low:.3f}, {high:.3f}] | {row['bytes'] / 1e6:.1f} MB |"
        )
    load = ", ".join(f"{value:.1f}" for value in (*found["load_before"][:1], *found["load_after"][:1]))
    return "\n".join([*lines, "", f"{found['images']} test images. Load before and after: {load}. {found['machine']}"])


def main() -> None:
    """Everything in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--peers", required=True)
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--runs", type=int, default=MIN_RUNS, help="of each model, at least")
    parser.add_argument("--seconds", type=float, default=MIN_SECONDS, help="of each model, at least")
    asked = parser.parse_args()
    out = asked.out.resolve()
    out.mkdir(parents=True, exist_ok=True)
    bundle = asked.bundle.resolve() if asked.bundle else out / "bundle"
    if not asked.bundle:
        exported(asked.run, asked.data, bundle)
    make_models(asked.run, asked.data, out, asked.peers)
    before = os.getloadavg()
    models = measure(peers(bundle, out), bundle, asked.peers, (asked.runs, asked.seconds))
    found = {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}",
        "load_before": before,
        "load_after": os.getloadavg(),
        "images": len(next(iter(models.values()))["logits"]),
        "models": models,
    }
    (out / "peers.json").write_text(json.dumps(found, indent=1))
    print(markdown(found))


if __name__ == "__main__":
    main()

"""Our int8 against the stock converter's: fidelity, invariance, operators, latency, time and memory of the export.

    python studies/export_study.py RUN DATA OUT [--other FOLDER] [--count 300]

RUN is a trained DenseNet run, DATA the images of its split, OUT a folder for everything (made if missing, what is there
is kept), FOLDER another hospital's labelled images. Writes OUT/export_study.json and prints Markdown.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from common import latency, logits, other_images, test_images

from hemotk.artifacts import RUN_CARD, RunCard
from hemotk.benchmarks.measure.runners import python_module
from hemotk.stats.metrics import calibrated
from hemotk.tflite.facts import read_facts

HERE = Path(__file__).parent


def fidelity(exact: np.ndarray, found: np.ndarray, threshold: float) -> dict[str, Any]:
    """Flips, score and logit differences, SQNR in dB: variance of the exact logits over the mean squared error.

    `flipped` holds both probabilities of each image that flips, the exact one first.
    """
    p, q = calibrated(exact, 1.0), calibrated(found, 1.0)
    error = found - exact
    flipped = (p >= threshold) != (q >= threshold)
    return {
        "images": len(exact),
        "flips": int(flipped.sum()),
        "flipped": [[float(a), float(b)] for a, b in zip(p[flipped], q[flipped], strict=True)],
        "max_dp": float(abs(p - q).max()),
        "mean_dp": float(abs(p - q).mean()),
        "max_dlogit": float(abs(error).max()),
        "mean_dlogit": float(abs(error).mean()),
        "sqnr_db": float(10 * np.log10(exact.var() / np.mean(error**2))),
    }


def made(out: Path, script: str, *arguments: str | Path) -> dict[str, Any] | None:
    """Run one of the sibling scripts unless its result is there; its JSON line, if it prints one."""
    record = out.with_suffix(".json")
    if not out.exists():
        done = subprocess.run(
            [sys.executable, str(HERE / script), *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True
        )
        record.write_text(done.stdout.strip().splitlines()[-1] if done.stdout.strip() else "{}")
    return json.loads(record.read_text())


def exported(run: Path, data: Path, out: Path) -> dict[str, Any]:
    """`hemotk export` as a process of its own, with its wall time and greatest memory."""
    record = out.with_suffix(".json")
    if not (out / "bundle.json").exists():
        code = (
            "import json, resource, subprocess, sys, time\n"
            "t = time.monotonic()\n"
            "subprocess.run(sys.argv[1:], check=True, stdout=sys.stderr)\n"
            "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024\n"
            "print(json.dumps({'seconds': time.monotonic() - t, 'peak_bytes': peak}))\n"
        )
        command = [*python_module("hemotk"), "export", run, "--data", data, "--quantize", "int8", "--out", out]
        done = subprocess.run(
            [sys.executable, "-c", code, *map(str, command)], check=True, stdout=subprocess.PIPE, text=True
        )
        record.write_text(done.stdout)
    return json.loads(record.read_text())


def operators(model: Path) -> dict[str, int]:
    """Operators of a model by type."""
    facts = read_facts(model)
    return dict(Counter(facts.operators or {}))


def one_network(
    run: Path, data: Path, out: Path, images: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, Path]]:
    """Both exports of one run, and how far each is from the float network."""
    ours, stock, stock_float = (
        out / f"{run.name}-ours",
        out / f"{run.name}-stock.tflite",
        out / f"{run.name}-float.tflite",
    )
    result: dict[str, Any] = {"ours": exported(run, data, ours), "stock": made(stock, "stock.py", run, data, stock)}
    made(stock_float, "stock.py", run, data, stock_float, "--float")
    card = RunCard.read(run / RUN_CARD)
    models = {"float32": stock_float, "stock": stock, "ours": ours / "model_int8.tflite"}
    for name, pixels in images.items():
        exact, *found = (logits(path, pixels, card.preprocess) for path in models.values())
        result[name] = {
            kind: fidelity(exact, values, card.threshold) for kind, values in zip(("stock", "ours"), found, strict=True)
        }
        result[name]["float_logit_range"] = [float(exact.min()), float(exact.max())]
    return result, models


def main() -> None:
    """Everything in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--other", type=Path)
    parser.add_argument("--count", type=int, default=300)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

    images = {"test": test_images(asked.run, asked.data)[0]}
    if asked.other:
        spec = RunCard.read(asked.run / RUN_CARD).preprocess
        images["other"] = other_images(asked.other, spec, asked.count)[0]
    plain, models = one_network(asked.run, asked.data, asked.out, images)
    scrambled = asked.out / "scrambled"
    made(scrambled, "scramble.py", asked.run, scrambled)
    found = {
        "plain": plain,
        "scrambled": one_network(scrambled, asked.data, asked.out, images)[0],
        "operators": {name: operators(path) for name, path in models.items()},
        "bytes": {name: path.stat().st_size for name, path in models.items()},
        "latency": latency(models, images["test"], RunCard.read(asked.run / RUN_CARD).preprocess),
    }
    (asked.out / "export_study.json").write_text(json.dumps(found, indent=1))
    print(markdown(found))


def markdown(found: dict[str, Any]) -> str:
    """The figures as tables."""
    lines = [
        "| network | images | int8 | flips | max Δp | mean Δp | max Δlogit | SQNR dB |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for network in ("plain", "scrambled"):
        for where, rows in found[network].items():
            if where in ("ours", "stock"):
                continue
            for kind in ("stock", "ours"):
                r = rows[kind]
                lines.append(
                    f"| {network} | {where} ({r['images']}) | {kind} | {r['flips']} | {r['max_dp']:.4f} | "
                    f"{r['mean_dp']:.4f} | {r['max_dlogit']:.3f} | {r['sqnr_db']:.1f} |"
                )
    lines += ["", "| what | stock | ours |", "|---|---|---|"]
    for key, unit, scale in (("seconds", "s", 1), ("peak_bytes", "GB", 1e9)):
        stock, ours = (found["plain"][kind][key] / scale for kind in ("stock", "ours"))
        lines.append(f"| export, {key.partition('_')[0]} ({unit}) | {stock:.1f} | {ours:.1f} |")
    for name in ("MUL", "ADD", "MAXIMUM", "QUANTIZE", "CONV_2D", "CONCATENATION"):
        stock, ours = (found["operators"][kind].get(name, 0) for kind in ("stock", "ours"))
        lines.append(f"| operators {name} | {stock} | {ours} |")
    times = {kind: found["latency"][kind]["median_ms"] for kind in found["latency"]}
    lines.append(
        f"| median latency (ms, float32 {times['float32']:.1f}) | {times['stock']:.1f} | {times['ours']:.1f} |"
    )
    lines.append(f"| file (MB) | {found['bytes']['stock'] / 1e6:.1f} | {found['bytes']['ours'] / 1e6:.1f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()

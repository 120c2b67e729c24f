"""The share of each step of int8, on a run's validation and test part and on other folders, with peers beside it.

    python studies/int8_steps.py RUN [FOLDER …] [--every 1] [--data FOLDER]
        [--peers PYTHON --bundle BUNDLE --only-peers]

Everything is fitted to the calibration images of the run's training part. The reference is the float32 .tflite. Every
n-th picture of each set is scored. Rows: the stock converter; LiteRT Quantizer on the same network without
hemotk's rewrites; hemotk before these steps; then one step after the other; all together. PYTHON is the interpreter of
an environment with peers.txt, BUNDLE the run's bundle: with them NNCF (OpenVINO) and ONNX Runtime quantize, too.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from common import keras_network
from peers import HERE, Peer, Worker

from hemotk.data.read.preprocess import load_pixels, normalize
from hemotk.data.scan.folder import scan
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.integer.calibrate import tensor_ranges
from hemotk.exporting.integer.logit_bias import logits_of
from hemotk.exporting.integer.quantize import quantize
from hemotk.exporting.models import make_models
from hemotk.exporting.recipe import STEPS, Recipe, Step
from hemotk.exporting.source import Source, calibration_items, open_run
from hemotk.exporting.tflite.convert import convert_network
from hemotk.exporting.tflite.flatbuffer import add_signature
from hemotk.progress import silent
from hemotk.quiet import import_tensorflow
from hemotk.stats.paired import mcnemar

Pictures = tuple[str, np.ndarray, np.ndarray]
ORDER: tuple[Step, ...] = ("logit-bias", "biases", "roundings", "room")


def sets(run: Source, folders: list[Path], every: int) -> Iterator[Pictures]:
    """Name, pixels uint8 [n, size, size] and labels [n] of each set."""
    for part in ("validation", "test"):
        items = run.split.part(part)[::every]  # type: ignore[arg-type]
        yield f"{part} part", run.pixels(items), np.array([item.label for item in items])
    for folder in folders:
        images = scan(folder).images[::every]
        pixels = np.stack([load_pixels(folder / image.path, run.card.preprocess) for image in images])
        yield folder.name, pixels, np.array([image.label for image in images])


def recipes() -> Iterator[tuple[str, Recipe]]:
    """hemotk's int8 with more and more steps."""
    yield "hemotk before: bytes out, logit-bias", Recipe("int8", outputs="uint8", without=_without("logit-bias"))
    yield "float32 head alone", Recipe("int8", without=STEPS)
    for count in range(1, len(ORDER) + 1):
        yield f"and {ORDER[count - 1]}", Recipe("int8", without=_without(*ORDER[:count]))


def _without(*steps: Step) -> tuple[Step, ...]:
    return tuple(step for step in STEPS if step not in steps)


def peers(run: Source, calibration: np.ndarray) -> Iterator[tuple[str, bytes]]:
    """The same network as others quantize it: bytes in, bytes out, the same calibration images."""
    import tensorflow as tf

    spec = run.card.preprocess
    model = keras_network(run.folder)

    def network(h: Any) -> dict[str, Any]:
        logit, probability = model(h, training=False)
        return {"logit": logit, "probability": probability}

    plain = convert_network(network, spec.size)
    yield "LiteRT Quantizer", quantize(plain, Recipe("int8"), spec, tensor_ranges(plain, calibration, spec))
    function = tf.function(network).get_concrete_function(tf.TensorSpec((1, spec.size, spec.size, 1), name="pixels"))
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([normalize(image[None, :, :, None], spec)] for image in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    yield "stock converter", add_signature(bytes(converter.convert()), sorted(function.structured_outputs))


def other_runtimes(run: Path, calibration: np.ndarray, python: str, out: Path) -> Iterator[Peer]:
    """NNCF's int8 and ONNX Runtime's, from the same calibration images, written into `out`."""
    images = out / "calibration.npy"
    np.save(images, calibration)
    subprocess.run([python, HERE / "peer_models.py", run, images, out], check=True, stdout=sys.stderr)
    yield Peer("NNCF, in OpenVINO", "openvino", out / "openvino_int8.xml")
    yield Peer("ONNX Runtime", "onnxruntime", out / "onnx_int8.onnx")


def scored_by(peer: Peer, python: str, bundle: Path, pixels: np.ndarray, out: Path) -> np.ndarray:
    """The logits [n] of pictures in the peer's own process."""
    images = out / "pictures.npy"
    np.save(images, pixels)
    worker = Worker(peer, python, bundle, images)
    try:
        return np.array(worker.ask(do="score")["logits"])
    finally:
        worker.close()


def row(wanted: np.ndarray, found: np.ndarray, labels: np.ndarray, decision: float) -> str:
    """The figures of one line; `decision` is the logit from which a hemorrhage is called."""
    errors = found - wanted
    sqnr = 10 * np.log10(wanted.var() / np.square(errors).mean())
    before, after = wanted >= decision, found >= decision
    lost = int(((before == labels) & (after != labels)).sum())
    gained = int(((before != labels) & (after == labels)).sum())
    flips = int((before != after).sum())
    return (
        f"{sqnr:.1f} dB | {errors.mean():+.4f} | {errors.std():.4f} | {flips} | "
        f"{lost} | {gained} | {mcnemar(lost, gained):.2g} |"
    )


def main() -> None:
    """Print a row for each set and way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--peers")
    parser.add_argument("--bundle", type=Path)
    parser.add_argument("--only-peers", action="store_true", help="leave out hemotk's steps but the last")
    asked = parser.parse_args()
    import_tensorflow()
    run = open_run(asked.run, asked.data)
    spec, card = run.card.preprocess, run.card
    calibration = run.pixels(calibration_items(run.split, 100))
    made: dict[str, bytes] = {}
    for name, recipe in list(recipes())[-1 if asked.only_peers else 0 :]:
        started = time.monotonic()
        models = make_models(run, ExportConfig((recipe,)), calibration, silent)
        made |= {"float32": models.contents["float32"], name: models.contents["int8"]}
        print(f"{name}: {time.monotonic() - started:.0f} s, {len(made[name]) / 1e6:.2f} MB", flush=True)
    made = {**dict(peers(run, calibration)), **made}
    # Pictures of people do not stay.
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        beside = list(other_runtimes(run.folder, calibration, asked.peers, out)) if asked.peers else []

        def ways(pixels: np.ndarray) -> Iterator[tuple[str, np.ndarray]]:
            for peer in beside:
                yield peer.name, scored_by(peer, asked.peers, asked.bundle, pixels, out)
            for name, content in made.items():
                if name != "float32":
                    yield name, logits_of(content, pixels, spec)

        decision = card.temperature * float(np.log(card.threshold / (1 - card.threshold)))
        print("\n| set | images | int8 | SQNR | mean error | sd of the error | flips | lost | gained | McNemar p |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for title, pixels, labels in sets(run, asked.folders, asked.every):
            wanted = logits_of(made["float32"], pixels, spec)
            for name, found in ways(pixels):
                print(f"| {title} | {len(labels)} | {name} | {row(wanted, found, labels, decision)}", flush=True)


if __name__ == "__main__":
    main()

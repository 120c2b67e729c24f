"""One model in one runtime, in a process of its own: answers questions, a JSON line each, on one thread.

    python studies/peer_worker.py ENGINE MODEL BUNDLE IMAGES

ENGINE is one of `ENGINES`; IMAGES holds uint8 [n, N, N], BUNDLE the pixel contract. Questions:
{"do": "score"} → {"logits": [...], "engine": name and version}; {"do": "time", "runs": n} → {"samples_ns": [...]}.
A time is that of one inference on an image that was converted and handed over before.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.update(CI="true")  # OpenVINO reports its use to its makers otherwise

import numpy as np

from hemotk.artifacts import BUNDLE_CARD, BundleCard, PreprocessSpec
from hemotk.data.read.preprocess import normalize


@dataclass(frozen=True)
class Engine:
    """An opened model: takes uint8 [N, N], runs, says the logit; `about` names the runtime and its version."""

    feed: Callable[[np.ndarray], None]
    invoke: Callable[[], None]
    logit: Callable[[], float]
    about: str

    def score(self, image: np.ndarray) -> float:
        """The logit of one image."""
        self.feed(image)
        self.invoke()
        return self.logit()


def tflite(model: Path, spec: PreprocessSpec) -> Engine:
    """A .tflite in the LiteRT interpreter."""
    from hemotk.tflite.scorer import Scorer

    scorer = Scorer(model, spec, threads=1)
    return Engine(scorer.feed, scorer.invoke, lambda: scorer.read().logit, str(scorer.runtime))


def stock(model: Path, spec: PreprocessSpec) -> Engine:
    """A .tflite in the same interpreter whose input has a scale of its own, which hemotk's scorer refuses."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    runner = interpreter.get_signature_runner()
    entry = interpreter.get_input_details()[0]
    end = runner.get_output_details()["logit"]

    def feed(image: np.ndarray) -> None:
        scale, zero = entry["quantization"]
        stored = np.round(normalize(image, spec)[None, ..., None] / scale) + zero
        interpreter.set_tensor(entry["index"], np.clip(stored, 0, 255).astype(np.uint8))

    def logit() -> float:
        scale, zero = end["quantization"]
        return float((interpreter.get_tensor(end["index"]).item() - zero) * scale)

    return Engine(feed, interpreter.invoke, logit, f"ai-edge-litert {version('ai-edge-litert')}")


def onnxruntime(model: Path, spec: PreprocessSpec) -> Engine:
    """An .onnx on ONNX Runtime's processor provider."""
    import onnxruntime as ort

    ort.set_default_logger_severity(3)
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    held: dict[str, Any] = {}

    def feed(image: np.ndarray) -> None:
        held["input"] = {name: normalize(image, spec)[None, None]}

    def invoke() -> None:
        held["output"] = session.run(None, held["input"])

    return Engine(feed, invoke, lambda: float(held["output"][0].item()), f"onnxruntime {ort.__version__}")


def openvino(model: Path, spec: PreprocessSpec, **options: str) -> Engine:
    """An .xml on OpenVINO's processor plugin, which chooses the floating-point type itself."""
    import openvino as ov

    wanted = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERFORMANCE_HINT": "LATENCY", **options}
    compiled = ov.Core().compile_model(str(model), "CPU", wanted)
    request = compiled.create_infer_request()
    kind = compiled.get_property("INFERENCE_PRECISION_HINT").get_type_name()
    about = f"openvino {ov.__version__.partition('-')[0]}, floating point as {kind}"

    def feed(image: np.ndarray) -> None:
        request.set_input_tensor(ov.Tensor(normalize(image, spec)[None, None]))

    def invoke() -> None:
        request.infer()

    return Engine(feed, invoke, lambda: float(request.get_output_tensor().data.item()), about)


def openvino_f32(model: Path, spec: PreprocessSpec) -> Engine:
    """The same, held to float32."""
    return openvino(model, spec, INFERENCE_PRECISION_HINT="f32")


ENGINES = {
    "tflite": tflite,
    "stock": stock,
    "onnxruntime": onnxruntime,
    "openvino": openvino,
    "openvino_f32": openvino_f32,
}


def timed(engine: Engine, pixels: np.ndarray, runs: int) -> list[int]:
    """Nanoseconds of `runs` inferences, after an untimed one: the process has just been woken."""
    engine.score(pixels[-1])
    samples = []
    for run in range(runs):
        engine.feed(pixels[run % len(pixels)])
        before = time.perf_counter_ns()
        engine.invoke()
        samples.append(time.perf_counter_ns() - before)
    return samples


def main() -> None:
    """Answer until the questions end."""
    name, model, bundle, images = sys.argv[1], *map(Path, sys.argv[2:5])
    pixels: np.ndarray = np.load(images)
    engine = ENGINES[name](model, BundleCard.read(bundle / BUNDLE_CARD).preprocess)
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["do"] == "score":
            answer = {"logits": [engine.score(image) for image in pixels], "engine": engine.about}
        else:
            answer = {"samples_ns": timed(engine, pixels, asked["runs"])}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()

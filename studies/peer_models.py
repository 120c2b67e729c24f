"""The models of the other runtimes from one trained run, quantized as their guides say, with given images.

    python studies/peer_models.py RUN CALIBRATION.npy OUT

CALIBRATION.npy holds uint8 [n, N, N]. Writes into the folder OUT, what is there is kept: onnx_float32.onnx,
onnx_int8.onnx, openvino_float32.xml, openvino_int8.xml (with their .bin). Prints one JSON line: seconds of each.
"""

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

# NNCF and OpenVINO report their use to their makers otherwise.
os.environ.update(NNCF_CI="1", CI="true")

import numpy as np
import onnx
from peer_onnx import INPUT, to_onnx

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, RunCard
from hemotk.data.read.preprocess import normalize
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights

ONNX, ONNX_INT8, OPENVINO, OPENVINO_INT8 = (
    "onnx_float32.onnx",
    "onnx_int8.onnx",
    "openvino_float32.xml",
    "openvino_int8.xml",
)


def write_onnx(run: Path, out: Path) -> None:
    """The trained network in float32."""
    shape = DenseNetShape.read(run / SHAPE_FILE)
    size = RunCard.read(run / RUN_CARD).preprocess.size
    onnx.save(to_onnx(shape, read_weights(run / WEIGHTS_FILE, shape), size), out)


def quantize_onnx(source: Path, images: np.ndarray, out: Path) -> None:
    """Static QDQ by ONNX Runtime, as for processors with VNNI: uint8 activations, int8 weights per channel."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    class Images(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left: Iterator[np.ndarray] = iter(images)

        def get_next(self) -> dict[str, np.ndarray] | None:
            image = next(self._left, None)
            return None if image is None else {INPUT: image}

    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared),
            str(out),
            Images(),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )


def write_openvino(source: Path, out: Path) -> None:
    """The ONNX network as OpenVINO's own graph, weights in float32."""
    import openvino

    openvino.save_model(openvino.convert_model(str(source)), str(out), compress_to_fp16=False)


def quantize_openvino(source: Path, images: np.ndarray, out: Path) -> None:
    """Post-training quantization by NNCF with its defaults."""
    import nncf
    import openvino

    model = openvino.Core().read_model(str(source))
    quantized = nncf.quantize(model, nncf.Dataset(list(images)), subset_size=len(images))
    openvino.save_model(quantized, str(out), compress_to_fp16=False)


def main() -> None:
    """Make what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("calibration", type=Path)
    parser.add_argument("out", type=Path)
    asked = parser.parse_args()
    spec = RunCard.read(asked.run / RUN_CARD).preprocess
    images = normalize(np.load(asked.calibration), spec)[:, None, None]
    paths = {name: asked.out / name for name in (ONNX, ONNX_INT8, OPENVINO, OPENVINO_INT8)}
    steps: dict[str, Callable[[], None]] = {
        ONNX: lambda: write_onnx(asked.run, paths[ONNX]),
        ONNX_INT8: lambda: quantize_onnx(paths[ONNX], images, paths[ONNX_INT8]),
        OPENVINO: lambda: write_openvino(paths[ONNX], paths[OPENVINO]),
        OPENVINO_INT8: lambda: quantize_openvino(paths[OPENVINO], images, paths[OPENVINO_INT8]),
    }
    seconds = {}
    for name, step in steps.items():
        if not paths[name].exists():
            started = time.monotonic()
            step()
            seconds[name] = time.monotonic() - started
    print(json.dumps(seconds))


if __name__ == "__main__":
    main()

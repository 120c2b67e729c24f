"""What the model says of its golden pictures, for the Robolectric tests that go with the written project.

No library for phones runs on a computer, so those tests answer with these outputs. They hold the screens to these
verdicts.
"""

import io
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.android.selfcheck import PIXELS, SELFCHECK
from hemotk.artifacts import GOLDEN_FILE, BundleCard, TensorSpec, Variant
from hemotk.artifacts.series import SeriesPoint
from hemotk.data.read.plausible import judge, measure
from hemotk.data.read.preprocess import load_with_colours
from hemotk.data.series import series_score
from hemotk.stats.metrics import calibrated, decide
from hemotk.tflite.scorer import CAM, OUTPUTS, Scorer

RECORDED_FILE = Path("app/src/test/resources/recorded.json")
SCHEMA = "hemotk.recorded/1"
# As the app and `hemotk predict --k 3` have it where training chose no rule for a series.
ASSUMED_K = 3


def recorded(bundle: Path, model: Variant, card: BundleCard, golden: Mapping[str, bytes]) -> dict[str, Any]:
    """The record of the int8 `model` in `bundle`: of each picture in the self-check set `golden`, and of all as one.

    `outputs` are what the tensors store, little-endian, as hexadecimal digits; `drawn` holds them for the pixels in the
    bundle's golden file.
    """
    names = [picture["file"] for picture in json.loads(golden[SELFCHECK])["pictures"]]
    scorer = Scorer((bundle / model.file).read_bytes(), card.preprocess)
    pictures = []
    for name, image in zip(names, np.load(io.BytesIO(golden[PIXELS])), strict=True):
        outputs = _outputs(scorer, image, model)
        said = {**_finding(scorer.read().logit, card), "doubts": _doubts(name, golden[name], card)}
        pictures.append({"file": name, "outputs": outputs, **said})
    with np.load(bundle / GOLDEN_FILE) as file:
        drawn = [_outputs(scorer, image, model) for image in file["pixels"]]
    return {"model": model.sha256, "pictures": pictures, "drawn": drawn, "series": _series(pictures, card)}


def recorded_file(records: Sequence[Mapping[str, Any]]) -> bytes:
    """The file that the project's tests read, of the records of its models."""
    return json.dumps({"schema": SCHEMA, "models": records}, indent=1).encode() + b"\n"


def _finding(logit: float, card: BundleCard) -> dict[str, Any]:
    label = int(decide(logit, card.threshold, card.temperature))
    return {"probability": float(calibrated(logit, card.temperature)), "verdict": card.labels[label]}


def _outputs(scorer: Scorer, pixels: NDArray[np.uint8], model: Variant) -> dict[str, str]:
    scores = scorer.score(pixels)
    real = {name: np.array(getattr(scores, name)) for name in OUTPUTS}
    if scorer.has_cam:
        real[CAM] = scorer.cam()
    tensors = {tensor.name: tensor for tensor in model.outputs}
    return {name: _bytes(values, tensors[name]).hex() for name, values in real.items()}


def _bytes(values: NDArray[np.float64], tensor: TensorSpec) -> bytes:
    if tensor.dtype == "float32":
        return values.astype("<f4").tobytes()
    return (np.rint(values / tensor.scale) + tensor.zero_point).astype(np.uint8).tobytes()


def _doubts(name: str, content: bytes, card: BundleCard) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        looks = measure(*load_with_colours(path, card.preprocess.window, card.preprocess.hu_offset))
    return list(judge(looks))


def _series(pictures: Sequence[Mapping[str, Any]], card: BundleCard) -> dict[str, Any]:
    point = card.study or SeriesPoint(ASSUMED_K, card.threshold)
    probability = series_score([picture["probability"] for picture in pictures], point.k)
    verdict = card.labels[int(probability >= point.threshold)]
    return {"probability": probability, "threshold": point.threshold, "verdict": verdict}

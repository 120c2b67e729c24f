"""`golden.npz`: pictures that show nobody, and what every variant says about them, for apps to check themselves by."""

import io
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from hemotk.artifacts import PreprocessSpec
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.read.preprocess import to_pixels
from hemotk.tflite.scorer import Scorer

COUNT = 4
SEED = 20_210


def golden(models: Mapping[str, bytes], spec: PreprocessSpec) -> bytes:
    """The .npz file's bytes.

    `picture_<i>` uint8 [height, width] is a phantom before the pixel contract, `pixels` uint8 [n, size, size] after it;
    `<kind>_logit` and `<kind>_probability` float64 [n] are what the variant of that kind says, dequantized, and so is
    `<kind>_cam` float64 [n, height, width] where it has that output.
    """
    arrays: dict[str, Any] = {f"picture_{index}": picture for index, picture in enumerate(golden_pictures())}
    arrays["pixels"] = golden_pixels(spec)
    for kind, content in models.items():
        scorer = Scorer(content, spec)
        scores, maps = [], []
        for image in arrays["pixels"]:
            scores.append(scorer.score(image))
            maps += [scorer.cam()] if scorer.has_cam else []
        arrays[f"{kind}_logit"] = np.array([score.logit for score in scores])
        arrays[f"{kind}_probability"] = np.array([score.probability for score in scores])
        if maps:
            arrays[f"{kind}_cam"] = np.stack(maps)
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def golden_pixels(spec: PreprocessSpec) -> npt.NDArray[np.uint8]:
    """The pictures after the pixel contract: uint8 [n, size, size]."""
    return np.stack([to_pixels(picture, spec.size) for picture in golden_pictures()])


@cache
def golden_pictures() -> tuple[npt.NDArray[np.uint8], ...]:
    """The drawn pictures before the pixel contract, uint8 [height, width] each, which nobody may write to.

    An export asks for them nine times, and drawing them takes it longer than all else that a small network needs.
    """
    pictures = tuple(draw_slice(SEED, index, hemorrhage=bool(index % 2)) for index in range(COUNT))
    for picture in pictures:
        picture.flags.writeable = False
    return pictures

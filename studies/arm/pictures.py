"""The pictures a count runs on, as the input tensor of a model stores them."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import TESTSET_IMAGES, PreprocessSpec
from hemotk.data.phantom.draw import draw_slice
from hemotk.data.read.preprocess import normalize, to_pixels
from hemotk.errors import HemotkError
from hemotk.tflite.facts import ModelFacts, ModelTensor

PHANTOMS = 8


def input_tensor(model: Path, facts: ModelFacts) -> ModelTensor:
    """The one input of `model`, of shape [1, N, N, 1].

    Raises:
        HemotkError: the inputs are others.
    """
    shapes = [list(tensor.shape) for tensor in facts.inputs]
    size = shapes[0][1] if shapes and len(shapes[0]) == 4 else 0
    if size < 1 or shapes != [[1, size, size, 1]]:
        raise HemotkError(f"{model}: has inputs of shape {shapes} instead of one [1, N, N, 1]; export it with hemotk.")
    return facts.inputs[0]


def pixel_bytes(images: Path | None, size: int) -> NDArray[np.uint8]:
    """Pixels [n, size, size] of `images`, an array file or the folder of a test split; phantoms where it is None.

    Raises:
        HemotkError: there is no such file, or it holds something else.
    """
    if images is None:
        return np.stack([to_pixels(draw_slice(0, index, index % 2 == 1), size) for index in range(PHANTOMS)])
    path = images / TESTSET_IMAGES if images.is_dir() else images
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise HemotkError(f"{path}: is no array of images; name a test split's folder or a .npy file.") from error
    if array.dtype != np.uint8 or array.ndim != 3 or not len(array) or array.shape[1:] != (size, size):
        raise HemotkError(
            f"{path}: holds {array.dtype} {array.shape} where the model takes uint8 (n, {size}, {size}); "
            "name the images that were made for it."
        )
    return np.asarray(array)


def stored(pixels: NDArray[np.uint8], tensor: ModelTensor) -> NDArray[Any]:
    """Pixels [n, N, N] as the tensor stores what the pixel contract makes of them: [n, 1, N, N, 1].

    Raises:
        HemotkError: the tensor is neither float32 nor quantized.
    """
    network = normalize(pixels, PreprocessSpec(pixels.shape[1]))[:, np.newaxis, :, :, np.newaxis]
    if tensor.dtype == "float32":
        return network
    if tensor.dtype not in ("uint8", "int8", "int16") or tensor.scale <= 0:
        raise HemotkError(f"input '{tensor.name}': is {tensor.dtype} of scale {tensor.scale}; export with hemotk.")
    limits = np.iinfo(tensor.dtype)
    rounded = np.rint(network / np.float64(tensor.scale)) + tensor.zero_point
    return np.clip(rounded, limits.min, limits.max).astype(tensor.dtype)

"""Asking a .tflite of the pixel contract for its scores."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.tflite.runtime import (
    INTERPRETER_ERRORS,
    Delegate,
    Runtime,
    find_runtime,
    first_line,
    open_interpreter,
    signature_of,
)

OUTPUTS = ("logit", "probability")
CAM = "cam"
_QUANTIZED = (np.uint8, np.int8, np.int16)


@dataclass(frozen=True)
class Scores:
    """The outputs of a model for one image, as the model gives them, before temperature scaling."""

    logit: float
    probability: float


class Scorer:
    """A .tflite with input [1, N, N, 1] and the outputs `logit` and `probability`, ready to score gray bytes.

    `score` is `feed`, `invoke` and `read` in one; they are apart so that `invoke` can be timed alone. `has_cam` says
    whether there is an output `cam`, [1, height, width, 1], as well.

    Args:
        model: the file, or its bytes.
        preprocess: the pixel contract the model was exported for.
        runtime: the interpreter, as `find_runtime` gives it; None finds one.
        threads: CPU threads.
        delegate: what takes what it can of the graph, before the runtime's own delegates; None for those alone.

    Raises:
        HemotkError: the model is missing, cut short, or not of this contract; or the delegate cannot be loaded.
    """

    def __init__(
        self,
        model: Path | bytes,
        preprocess: PreprocessSpec,
        *,
        runtime: Runtime | None = None,
        threads: int = 1,
        delegate: Delegate | None = None,
    ) -> None:
        self.where = "model" if isinstance(model, bytes) else str(model)
        self.runtime = find_runtime() if runtime is None else runtime
        self._size = preprocess.size
        delegates = [] if delegate is None else [delegate.load(self.runtime)]
        with self._refusing():
            self._interpreter = open_interpreter(model, self.runtime, threads, delegates)
            inputs, outputs = signature_of(self._interpreter)
        pixels = self._only_input(inputs)
        self._input = pixels["index"]
        self._values = self._stored_values(pixels, preprocess)
        self._bind(outputs)

    def score(self, pixels: NDArray[np.uint8]) -> Scores:
        """Logit and probability of one image, uint8 [N, N].

        Raises:
            HemotkError: the image is of another size or type, or the interpreter refuses to run.
        """
        self.feed(pixels)
        self.invoke()
        return self.read()

    def feed(self, pixels: NDArray[np.uint8]) -> None:
        """Hand over one image, uint8 [N, N].

        Raises:
            HemotkError: the image is of another size or type, or the interpreter refuses it.
        """
        stored = self.stored(pixels)
        with self._refusing():
            self._interpreter.set_tensor(self._input, stored)

    def feed_stored(self, values: NDArray[Any]) -> None:
        """Hand over the values of a gray input tensor themselves: N·N of the tensor's type, rows first.

        Raises:
            HemotkError: the interpreter refuses them.
        """
        with self._refusing():
            self._interpreter.set_tensor(self._input, values.reshape(1, self._size, self._size, 1))

    def stored(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """The input tensor's values for one image, uint8 [N, N]: [1, N, N, 1] of the tensor's type.

        Raises:
            HemotkError: the image is of another size or type.
        """
        self.check_size(pixels)
        return self._values[pixels][np.newaxis, :, :, np.newaxis]

    def check_size(self, pixels: NDArray[np.uint8]) -> None:
        """Check that an image is uint8 [N, N].

        Raises:
            HemotkError: it is of another size or type.
        """
        if pixels.dtype != np.uint8 or pixels.shape != (self._size, self._size):
            raise HemotkError(
                f"{self.where}: takes uint8 images of {self._size}×{self._size}, not {pixels.dtype} of shape "
                f"{pixels.shape}; preprocess them as the bundle card says."
            )

    def invoke(self) -> None:
        """Run the network on what was fed.

        Raises:
            HemotkError: the interpreter refuses to run.
        """
        try:  # without `_refusing`, whose own time would count
            self._interpreter.invoke()
        except INTERPRETER_ERRORS as error:
            raise self._unusable(first_line(error)) from error

    def read(self) -> Scores:
        """The outputs of the last `invoke`, dequantized; NaN where the model gave NaN.

        Raises:
            HemotkError: the interpreter refuses to say it.
        """
        with self._refusing():
            logit, probability = (
                scale * (float(self._interpreter.get_tensor(index).reshape(-1)[0]) - zero_point)
                for index, scale, zero_point in self._outputs
            )
        return Scores(logit, probability)

    def cam(self) -> NDArray[np.float64]:
        """The class-activation map of the last `invoke`, dequantized: [height, width], its mean is about the logit.

        Raises:
            HemotkError: the model has no output `cam`.
        """
        if self._cam is None:
            raise HemotkError(
                f"{self.where}: has no output '{CAM}', so it gives no class-activation map; export the run again with "
                "`hemotk export --cam`."
            )
        index, scale, zero_point = self._cam
        stored = self._interpreter.get_tensor(index).astype(np.float64)
        return np.asarray(scale * (stored[0, :, :, 0] - zero_point))

    def position(self, name: str) -> int:
        """The place of the output `name` among the outputs of the file, from 0, for runtimes without signatures.

        Raises:
            HemotkError: the interpreter refuses to say it.
        """
        index = self._outputs[OUTPUTS.index(name)][0]
        with self._refusing():
            return [int(detail["index"]) for detail in self._interpreter.get_output_details()].index(index)

    def _bind(self, outputs: Mapping[str, Any]) -> None:
        """Find the outputs to read."""
        self._outputs = [self._output(outputs, name) for name in OUTPUTS]
        self.has_cam = CAM in outputs
        self._cam = self._map(outputs[CAM]) if self.has_cam else None

    def _only_input(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        shape = [1, self._size, self._size, 1]
        shapes = [list(map(int, detail["shape_signature"])) for detail in inputs.values()]
        if shapes != [shape]:
            raise self._unusable(f"inputs of shape {shapes} instead of one of {shape}")
        (pixels,) = inputs.values()
        return pixels

    def _stored_values(self, detail: Mapping[str, Any], preprocess: PreprocessSpec) -> NDArray[Any]:
        """The input tensor's value for each of the 256 pixel bytes."""
        network = preprocess.scale * (np.arange(256) - preprocess.zero_point)
        dtype = np.dtype(detail["dtype"])
        if dtype == np.float32:
            return network.astype(np.float32)
        if dtype not in _QUANTIZED:
            raise self._unusable(f"an input of type {dtype}")
        scale, zero_point = self._quantization(detail, "the input")
        if dtype == np.uint8:
            if zero_point != preprocess.zero_point or abs(scale / preprocess.scale - 1) > 1e-6:
                raise self._unusable(
                    f"an input of scale {scale:.7g} and zero point {zero_point} where the pixel contract has "
                    f"{preprocess.scale:.7g} and {preprocess.zero_point}"
                )
            return np.arange(256, dtype=np.uint8)
        limits = np.iinfo(dtype)
        return np.clip(np.rint(network / scale) + zero_point, limits.min, limits.max).astype(dtype)

    def _output(self, outputs: Mapping[str, Any], name: str) -> tuple[int, float, int]:
        """Tensor index, scale and zero point of one output."""
        if name not in outputs:
            raise self._unusable(f"no output '{name}' (it has {', '.join(sorted(outputs)) or 'none'})")
        detail = outputs[name]
        shape = tuple(map(int, detail["shape_signature"]))
        if any(size != 1 for size in shape):
            raise self._unusable(f"output '{name}' of shape {list(shape)} instead of one number")
        return self._place(detail, name)

    def _map(self, detail: Mapping[str, Any]) -> tuple[int, float, int]:
        """Tensor index, scale and zero point of the class-activation map."""
        shape = tuple(map(int, detail["shape_signature"]))
        if len(shape) != 4 or shape[0] != 1 or shape[3] != 1 or min(shape) < 1:
            raise self._unusable(f"output '{CAM}' of shape {list(shape)} instead of [1, height, width, 1]")
        return self._place(detail, CAM)

    def _place(self, detail: Mapping[str, Any], name: str) -> tuple[int, float, int]:
        """Tensor index, scale and zero point."""
        dtype = np.dtype(detail["dtype"])
        if dtype == np.float32:
            return detail["index"], 1.0, 0
        if dtype not in _QUANTIZED:
            raise self._unusable(f"output '{name}' of type {dtype}")
        return detail["index"], *self._quantization(detail, f"output '{name}'")

    def _quantization(self, detail: Mapping[str, Any], what: str) -> tuple[float, int]:
        scale, zero_point = detail["quantization"]
        if not (np.isfinite(scale) and scale > 0):
            raise self._unusable(f"no usable quantization scale for {what}")
        return float(scale), int(zero_point)

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Turn what the interpreter raises on purpose into a sentence."""
        try:
            yield
        except INTERPRETER_ERRORS as error:
            raise self._unusable(first_line(error)) from error

    def _unusable(self, reason: str) -> HemotkError:
        return HemotkError(f"{self.where}: cannot be used as a model ({reason}); export it again, or copy it again.")

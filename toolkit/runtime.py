"""Which LiteRT interpreter is used, and how a .tflite of the pixel contract is asked for its scores."""

import importlib
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.errors import HemotkError

RUNTIMES = ("ai_edge_litert", "tflite_runtime")
OUTPUTS = ("logit", "probability")
CAM = "cam"
_QUANTIZED = (np.uint8, np.int8, np.int16)

# What the interpreter raises on purpose when a model is not for it.
_INTERPRETER_ERRORS = (ValueError, RuntimeError, TypeError, KeyError, IndexError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Runtime:
    """One installed interpreter: the package's import name, its version, its `Interpreter` and its `load_delegate`."""

    name: str
    version: str
    interpreter: Any
    load_delegate: Any = None

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


@dataclass(frozen=True)
class Delegate:
    """An external delegate: a shared library, by path or by the name that the loader finds it by, and its options."""

    library: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> "Delegate":
        """From `PATH` or `PATH:key=value,key=value`.

        Raises:
            HemotkError: it is neither.
        """
        found = _DELEGATE.fullmatch(text)
        pairs = [pair.partition("=") for pair in (found["options"] or "").split(",") if pair] if found else []
        if found is None or not all(key and equals for key, equals, _ in pairs):
            raise HemotkError(f"--delegate {text}: is no library with options; write it as PATH or PATH:key=value,….")
        return cls(found["library"], {key: value for key, _, value in pairs})

    def load(self, runtime: Runtime) -> Any:
        """The delegate as `runtime` takes it; foreign code runs, which may do anything to this process.

        Raises:
            HemotkError: the library is missing, is no delegate, or refuses the options.
        """
        if runtime.load_delegate is None:
            raise HemotkError(f"--delegate {self.library}: {runtime} takes no delegates; leave the option out.")
        try:
            return runtime.load_delegate(self.library, dict(self.options))
        except (OSError, AttributeError, *_INTERPRETER_ERRORS) as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            reason = " ".join(lines).strip().rstrip(".") or type(error).__name__
            raise HemotkError(
                f"--delegate {self.library}: cannot be loaded by {runtime} ({reason}); check the path and its options."
            ) from error


# A colon begins the options only where a key and its value follow it: paths may hold colons.
_DELEGATE = re.compile(r"(?P<library>[^=]+?)(?::(?P<options>[^:=,/\\]+=.*))?", re.DOTALL)


@dataclass(frozen=True)
class Scores:
    """What a model says about one image; both as the model gives them, before temperature scaling."""

    logit: float
    probability: float


def find_runtime(preferred: str | None = None) -> Runtime:
    """The interpreter `preferred` by import name, else the first installed one of `RUNTIMES`.

    Raises:
        HemotkError: it is not known, not installed, or does not load.
    """
    if preferred is not None and preferred not in RUNTIMES:
        raise HemotkError(f"--runtime {preferred}: is not known; choose one of {', '.join(RUNTIMES)}.")
    names = RUNTIMES if preferred is None else (preferred,)
    reasons = []
    for name in names:
        try:
            module = importlib.import_module(f"{name}.interpreter")
        except (ImportError, OSError, AttributeError) as error:  # tflite_runtime fails on numpy 2 with the last
            reasons.append(f"{name}: {_first_line(error)}")
            continue
        version = getattr(importlib.import_module(name), "__version__", "unknown")
        return Runtime(name, str(version), module.Interpreter, getattr(module, "load_delegate", None))
    wanted = names[0].replace("_", "-")
    raise HemotkError(f"runtime: no LiteRT interpreter loads ({'; '.join(reasons)}); run `pip install {wanted}`.")


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
            self._interpreter = _open(model, self.runtime, threads, delegates)
            inputs, outputs = _signature(self._interpreter)
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

    def stored(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        """What the input tensor holds for one image, uint8 [N, N]: [1, N, N, 1] of the tensor's type.

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
        except _INTERPRETER_ERRORS as error:
            raise self._unusable(_first_line(error)) from error

    def read(self) -> Scores:
        """What the last `invoke` said, dequantized; NaN where the model said NaN.

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

    def _bind(self, outputs: Mapping[str, Any]) -> None:
        """Find the outputs to read."""
        self._outputs = [self._output(outputs, name) for name in OUTPUTS]
        self.has_cam = CAM in outputs
        self._cam = self._map(outputs[CAM]) if self.has_cam else None

    def _only_input(self, inputs: Mapping[str, Any]) -> Mapping[str, Any]:
        shape = [1, self._size, self._size, 1]
        found = [list(map(int, detail["shape_signature"])) for detail in inputs.values()]
        if found != [shape]:
            raise self._unusable(f"inputs of shape {found} instead of one of {shape}")
        (pixels,) = inputs.values()
        return pixels

    def _stored_values(self, detail: Mapping[str, Any], preprocess: PreprocessSpec) -> NDArray[Any]:
        """What the input tensor holds for each of the 256 pixel bytes."""
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
        except _INTERPRETER_ERRORS as error:
            raise self._unusable(_first_line(error)) from error

    def _unusable(self, reason: str) -> HemotkError:
        return HemotkError(f"{self.where}: cannot be used as a model ({reason}); export it again, or copy it again.")


def _open(model: Path | bytes, runtime: Runtime, threads: int, delegates: list[Any]) -> Any:
    """An interpreter with its tensors allocated."""
    if isinstance(model, Path) and not model.is_file():
        raise HemotkError(f"{model}: no such file; check the path.")
    if not (len(model) if isinstance(model, bytes) else model.stat().st_size):
        raise ValueError("it is empty")
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    with without_remarks():
        interpreter = runtime.interpreter(**source, num_threads=threads, experimental_delegates=delegates)
        interpreter.allocate_tensors()
    return interpreter


@contextmanager
def without_remarks() -> Iterator[None]:
    """Leave out of stderr what native code says as INFO; warnings and errors are passed on."""
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            for line in said:
                if not line.startswith(b"INFO:"):
                    os.write(2, line)


def _signature(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensor details of inputs and outputs by name: of the one signature, or of the tensors where there is none."""
    keys = list(interpreter.get_signature_list())
    if not keys:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        return {item["name"]: item for item in inputs}, {item["name"]: item for item in outputs}
    # The runner is let go here: while one is held, the interpreter refuses to be invoked itself.
    runner = interpreter.get_signature_runner("serving_default" if "serving_default" in keys else keys[0])
    return runner.get_input_details(), runner.get_output_details()


def _first_line(error: BaseException) -> str:
    """The first line of what was said, without the full stop, for use inside a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__

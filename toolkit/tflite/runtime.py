"""Find a LiteRT interpreter and open a .tflite in it."""

import importlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemotk.errors import HemotkError
from hemotk.quiet import without_remarks

RUNTIMES = ("ai_edge_litert", "tflite_runtime")

# The errors that the interpreter raises on purpose when a model is not for it.
INTERPRETER_ERRORS = (ValueError, RuntimeError, TypeError, KeyError, IndexError, OverflowError, MemoryError)


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
        match = _DELEGATE.fullmatch(text)
        pairs = [pair.partition("=") for pair in (match["options"] or "").split(",") if pair] if match else []
        if match is None or not all(key and equals for key, equals, _ in pairs):
            raise HemotkError(f"‹delegate› {text}: is no library with options; write it as PATH or PATH:key=value,….")
        return cls(match["library"], {key: value for key, _, value in pairs})

    def load(self, runtime: Runtime) -> Any:
        """The delegate as `runtime` takes it; foreign code runs, which may do anything to this process.

        Raises:
            HemotkError: the library is missing, is no delegate, or refuses the options.
        """
        if runtime.load_delegate is None:
            raise HemotkError(f"‹delegate› {self.library}: {runtime} takes no delegates; leave the option out.")
        try:
            return runtime.load_delegate(self.library, dict(self.options))
        except (OSError, AttributeError, *INTERPRETER_ERRORS) as error:
            lines = [line for line in str(error).splitlines() if line.strip()]
            reason = " ".join(lines).strip().rstrip(".") or type(error).__name__
            raise HemotkError(
                f"‹delegate› {self.library}: cannot be loaded by {runtime} ({reason}); check the path and its options."
            ) from error


# A colon begins the options only where a key and its value follow it: paths may hold colons.
_DELEGATE = re.compile(r"(?P<library>[^=]+?)(?::(?P<options>[^:=,/\\]+=.*))?", re.DOTALL)


def find_runtime(preferred: str | None = None) -> Runtime:
    """The interpreter `preferred` by import name, else the first installed one of `RUNTIMES`.

    Raises:
        HemotkError: it is not known, not installed, or does not load.
    """
    if preferred is not None and preferred not in RUNTIMES:
        raise HemotkError(f"‹runtime› {preferred}: is not known; choose one of {', '.join(RUNTIMES)}.")
    names = RUNTIMES if preferred is None else (preferred,)
    reasons = []
    for name in names:
        try:
            module = importlib.import_module(f"{name}.interpreter")
        except (ImportError, OSError, AttributeError) as error:  # tflite_runtime fails on numpy 2 with the last
            reasons.append(f"{name}: {first_line(error)}")
            continue
        version = getattr(importlib.import_module(name), "__version__", "unknown")
        return Runtime(name, str(version), module.Interpreter, getattr(module, "load_delegate", None))
    wanted = names[0].replace("_", "-")
    raise HemotkError(f"runtime: no LiteRT interpreter loads ({'; '.join(reasons)}); run `pip install {wanted}`.")


def open_interpreter(model: Path | bytes, runtime: Runtime, threads: int, delegates: list[Any]) -> Any:
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


def signature_of(interpreter: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensor details of inputs and outputs by name: of the one signature, or of the tensors where there is none."""
    keys = list(interpreter.get_signature_list())
    if not keys:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        return {item["name"]: item for item in inputs}, {item["name"]: item for item in outputs}
    # The runner is let go here: while one is held, the interpreter refuses to be invoked itself.
    runner = interpreter.get_signature_runner("serving_default" if "serving_default" in keys else keys[0])
    return runner.get_input_details(), runner.get_output_details()


def first_line(error: BaseException) -> str:
    """The first line of what was said, without the full stop, for use inside a sentence."""
    lines = str(error).strip().splitlines()
    return lines[0].strip().rstrip(".") if lines else type(error).__name__

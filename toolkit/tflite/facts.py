"""Facts that a .tflite file holds about itself.

Nothing in it is run here; but a file that no bundle card vouches for is first opened and run in a process of its own,
because the interpreter ends the process on some damaged ones.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.artifacts import BUNDLE_CARD, BundleCard
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes
from hemotk.probing import probe
from hemotk.quiet import without_remarks
from hemotk.tflite.runtime import INTERPRETER_ERRORS, Runtime, find_runtime

SUFFIX = ".tflite"
_IDENTIFIER = slice(4, 8)
_TFL3 = b"TFL3"

_SECONDS = 30.0  # for opening a model and one inference, which takes a large network a second


@dataclass(frozen=True)
class ModelTensor:
    """An input or output: real value = `scale` · (stored − `zero_point`); scale 0 means stored as is, size −1 any."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    scale: float
    zero_point: int


@dataclass(frozen=True)
class ModelFacts:
    """Inputs and outputs (by the names of the first signature, where there is one), and what the graph is made of.

    `operators` counts the main graph's operators by type, most frequent first, as they are in the file, before a
    delegate takes any; None where the interpreter does not list them. `runtime` is the interpreter that was asked.
    """

    inputs: tuple[ModelTensor, ...]
    outputs: tuple[ModelTensor, ...]
    signatures: tuple[str, ...]
    tensors: int
    operators: Mapping[str, int] | None
    runtime: str


def is_model(path: Path) -> bool:
    """Whether the file at `path` is called a .tflite, or begins like one."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        with path.open("rb") as stream:
            return stream.read(_IDENTIFIER.stop)[_IDENTIFIER] == _TFL3
    except OSError:
        return False


def read_facts(path: Path, runtime: Runtime | None = None) -> ModelFacts:
    """Ask the interpreter what is in the .tflite at `path`.

    Raises:
        HemotkError: missing, unreadable, cut short, or no .tflite; or it would end this process or never come back.
    """
    content = _content(path)
    if not _is_vouched_for(path, content):
        probe(run_once, path, seconds=_SECONDS)
    return _facts(path, content, runtime)


def run_once(path: Path) -> None:
    """Do with the .tflite at `path` all that may be done with it later: ask, allocate, and run it on zeros."""
    content = _content(path)
    _facts(path, content)
    interpreter = find_runtime().interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], np.zeros(detail["shape"], detail["dtype"]))
    interpreter.invoke()
    for detail in interpreter.get_output_details():
        interpreter.get_tensor(detail["index"])


def _is_vouched_for(path: Path, content: bytes) -> bool:
    """Whether the bundle card beside `path` names these very bytes: hemotk has made and run them."""
    try:
        card = BundleCard.read(path.parent / BUNDLE_CARD)
    except HemotkError:
        return False
    sha256 = sha256_bytes(content)
    return any(variant.file == path.name and variant.sha256 == sha256 for variant in card.variants)


def _facts(path: Path, content: bytes, runtime: Runtime | None = None) -> ModelFacts:
    runtime = find_runtime() if runtime is None else runtime
    try:
        with without_remarks():
            interpreter = runtime.interpreter(model_content=content, num_threads=1)
            signatures = tuple(interpreter.get_signature_list())
            inputs, outputs = _ends(interpreter, signatures)
        return ModelFacts(
            inputs=inputs,
            outputs=outputs,
            signatures=signatures,
            tensors=len(interpreter.get_tensor_details()),
            operators=_operators(interpreter),
            runtime=str(runtime),
        )
    except INTERPRETER_ERRORS as error:
        raise _no_model(path, str(error).strip().partition("\n")[0].rstrip(".")) from error


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise HemotkError(f"{path}: no such file; check the path.") from error
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise HemotkError(f"{path}: cannot be read ({reason}); check the path and its rights.") from error
    if content[_IDENTIFIER] != _TFL3:
        raise _no_model(path, "it does not begin like one")
    return content


def _ends(interpreter: Any, signatures: tuple[str, ...]) -> tuple[tuple[ModelTensor, ...], tuple[ModelTensor, ...]]:
    if not signatures:
        inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
        return _tensors((item["name"], item) for item in inputs), _tensors((item["name"], item) for item in outputs)
    runner = interpreter.get_signature_runner(signatures[0])
    return _tensors(runner.get_input_details().items()), _tensors(runner.get_output_details().items())


def _tensors(named: Iterable[tuple[str, Mapping[str, Any]]]) -> tuple[ModelTensor, ...]:
    return tuple(
        ModelTensor(
            name=name,
            dtype=np.dtype(detail["dtype"]).name,
            shape=tuple(int(size) for size in detail["shape_signature"]),
            scale=float(detail["quantization"][0]),
            zero_point=int(detail["quantization"][1]),
        )
        for name, detail in named
    )


def _operators(interpreter: Any) -> Mapping[str, int] | None:
    """Counts by type; the only list of operators that both interpreters offer is not public, so it may go away."""
    listed = getattr(interpreter, "_get_ops_details", None)
    if listed is None:
        return None
    return dict(Counter(operator["op_name"] for operator in listed()).most_common())


def _no_model(path: Path, reason: str) -> HemotkError:
    return HemotkError(f"{path}: is no whole .tflite model ({reason}); export it again, or copy it again.")

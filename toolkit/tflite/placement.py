"""The placement of a .tflite's operators: in a delegate, or one by one in the interpreter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hemotk.errors import HemotkError
from hemotk.quiet import without_remarks
from hemotk.tflite.runtime import Delegate, Runtime

DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Node:
    """One operator of the main graph: its index, its type, and the name of what it makes."""

    index: int
    operator: str
    name: str


@dataclass(frozen=True)
class Placement:
    """The nodes that run in the interpreter itself, and into how many pieces delegates cut the graph."""

    runtime: str
    pieces: int
    left_out: tuple[Node, ...]

    @property
    def outside(self) -> Mapping[str, int]:
        """The number of nodes of each type that run in the interpreter itself."""
        return Counter(node.operator for node in self.left_out)


def placement(model: Path | bytes, runtime: Runtime, delegate: Delegate | None = None) -> Placement | None:
    """Load the model and look where its operators went; None where the runtime does not say.

    A delegate's node lists what it reads and writes. An operator is inside if its outputs lie on the way back from a
    delegate node's outputs to its inputs.

    Raises:
        HemotkError: the interpreter refuses the model, or the delegate cannot be loaded.
    """
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    delegates = [] if delegate is None else [delegate.load(runtime)]
    try:
        with without_remarks():
            interpreter = runtime.interpreter(**source, num_threads=1, experimental_delegates=delegates)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise HemotkError(f"{runtime}: refuses the model ({reason}); export with other options.") from error
    listed = getattr(interpreter, "_get_ops_details", None)  # the only list of nodes there is
    if listed is None:
        return None
    nodes = listed()
    pieces = [node for node in nodes if node["op_name"] == DELEGATE]
    plain = [node for node in nodes if node["op_name"] != DELEGATE]
    inside = _inside(plain, pieces)
    names = {detail["index"]: detail["name"] for detail in interpreter.get_tensor_details()}
    left_out = tuple(
        Node(int(node["index"]), node["op_name"], names.get(next(map(int, node["outputs"]), -1), ""))
        for node in plain
        if node["index"] not in inside
    )
    return Placement(str(runtime), len(pieces), left_out)


def _inside(plain: Sequence[Mapping[str, Any]], pieces: Sequence[Mapping[str, Any]]) -> set[int]:
    makers = {int(tensor): node for node in plain for tensor in node["outputs"]}
    inside: set[int] = set()
    for piece in pieces:
        read = {int(tensor) for tensor in piece["inputs"]}
        waiting = [int(tensor) for tensor in piece["outputs"]]
        while waiting:
            tensor = waiting.pop()
            maker = makers.get(tensor)
            if tensor in read or maker is None or maker["index"] in inside:
                continue
            inside.add(maker["index"])
            waiting += [int(source) for source in maker["inputs"]]
    return inside

"""Where the operators of a .tflite run: in a delegate, or one by one in the interpreter."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hemotk.errors import HemotkError
from hemotk.runtime import Runtime, without_remarks

DELEGATE = "DELEGATE"


@dataclass(frozen=True)
class Placement:
    """How often each operator runs in the interpreter itself, and into how many pieces a delegate cuts the graph."""

    runtime: str
    pieces: int
    outside: Mapping[str, int]


def placement(content: bytes, runtime: Runtime) -> Placement | None:
    """Load the model and look where its operators went; None where the runtime does not say.

    A delegate's node lists what it reads and writes. An operator is inside when what it makes is found on the way back
    from what a delegate writes to what it reads.

    Raises:
        HemotkError: the interpreter refuses the model.
    """
    try:
        with without_remarks():
            interpreter = runtime.interpreter(model_content=content, num_threads=1)
            interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise HemotkError(f"{runtime}: refuses the model ({reason}); export with other options.") from error
    listed = getattr(interpreter, "_get_ops_details", None)  # the only list of nodes there is
    if listed is None:
        return None
    nodes = listed()
    delegates = [node for node in nodes if node["op_name"] == DELEGATE]
    plain = [node for node in nodes if node["op_name"] != DELEGATE]
    inside = _inside(plain, delegates)
    outside = Counter(node["op_name"] for node in plain if node["index"] not in inside)
    return Placement(str(runtime), len(delegates), dict(outside))


def _inside(plain: Sequence[Mapping[str, Any]], delegates: Sequence[Mapping[str, Any]]) -> set[int]:
    makers = {int(tensor): node for node in plain for tensor in node["outputs"]}
    inside: set[int] = set()
    for delegate in delegates:
        read = {int(tensor) for tensor in delegate["inputs"]}
        waiting = [int(tensor) for tensor in delegate["outputs"]]
        while waiting:
            tensor = waiting.pop()
            maker = makers.get(tensor)
            if tensor in read or maker is None or maker["index"] in inside:
                continue
            inside.add(maker["index"])
            waiting += [int(source) for source in maker["inputs"]]
    return inside

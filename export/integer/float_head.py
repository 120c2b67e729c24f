"""Where the head of a network begins, which int8 leaves in float32: outputs are then as fine as what comes before.

A byte holds 256 logits. On a network whose logits are spread that step alone decides pictures otherwise. The head costs
next to nothing: it begins with one value per channel, or it is no more than the layer of the logit.
"""

from collections.abc import Sequence

from hemotk.exporting.tflite.flatbuffer import Operator, operators

OUTPUTS = ("logit", "probability", "cam")
# Operators of a head, from the outputs back to the global average.
_HEAD = frozenset({"LOGISTIC", "FULLY_CONNECTED", "RESHAPE", "MEAN", "SQUEEZE"})
# The average, and the 1×1 convolution in front of it that makes a class-activation map.
_FIRST = "MEAN"
_DENSE = "FULLY_CONNECTED"
_MAP = "CONV_2D"


def head_operations(content: bytes) -> tuple[str, ...]:
    """The names of the operations from the outputs of a float32 .tflite back to its last global average, in order.

    A network without an average has every place of its last map in front of its first dense layer, most of its weights:
    there they are the layer of the logit and what follows it.
    """
    found = operators(content)
    head = _back_to(found, (_FIRST, _MAP))
    if not any(operator.name == _FIRST and {*operator.outputs} & head for operator in found):
        head = _back_to(found, (_DENSE, _MAP))
    return tuple(name for operator in found for name in operator.outputs if name in head)


def _back_to(found: Sequence[Operator], first: tuple[str, ...]) -> set[str]:
    """What the operators of a head make, from the outputs back to the nearest of the operators `first`."""
    makers = {name: operator for operator in found for name in operator.outputs}
    head: set[str] = set()
    waiting = [name for name in OUTPUTS if name in makers]
    while waiting:
        name = waiting.pop()
        operator = makers.get(name)
        if operator is None or name in head or not _in_head(operator, name):
            continue
        head.add(name)
        if operator.name not in first:
            waiting.extend(operator.inputs)
    return head


def _in_head(operator: Operator, name: str) -> bool:
    return operator.name in _HEAD or (operator.name == _MAP and name == "cam")

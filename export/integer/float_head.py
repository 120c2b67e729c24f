"""Where the head of a network begins, which int8 leaves in float32: outputs are then as fine as what comes before.

A byte holds 256 logits. On a network whose logits are spread that step alone decides pictures otherwise. The head costs
next to nothing: it begins with one value per channel.
"""

from hemotk.exporting.tflite.flatbuffer import Operator, operators

OUTPUTS = ("logit", "probability", "cam")
# Operators of a head, from the outputs back to the global average.
_HEAD = frozenset({"LOGISTIC", "FULLY_CONNECTED", "RESHAPE", "MEAN", "SQUEEZE"})
# The average, and the 1×1 convolution in front of it that makes a class-activation map.
_FIRST = "MEAN"
_MAP = "CONV_2D"


def head_operations(content: bytes) -> tuple[str, ...]:
    """The names of the operations from the outputs of a float32 .tflite back to its last global average, in order.

    Where no average is met, they end at the first operator that belongs to no head.
    """
    found = operators(content)
    makers = {name: operator for operator in found for name in operator.outputs}
    head: set[str] = set()
    waiting = [name for name in OUTPUTS if name in makers]
    while waiting:
        name = waiting.pop()
        operator = makers.get(name)
        if operator is None or name in head or not _in_head(operator, name):
            continue
        head.add(name)
        if operator.name not in (_FIRST, _MAP):
            waiting.extend(operator.inputs)
    return tuple(name for operator in found for name in operator.outputs if name in head)


def _in_head(operator: Operator, name: str) -> bool:
    return operator.name in _HEAD or (operator.name == _MAP and name == "cam")

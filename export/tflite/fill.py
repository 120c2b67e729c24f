"""Arrays put into a .tflite after its conversion, in place of marks.

The converter keeps a copy of every array for each of its passes, several gigabytes for a large network, and reads them
all each time. It needs their shapes only.
"""

from collections.abc import Sequence

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from hemotk.exporting.graph.ir import Array
from hemotk.exporting.tflite.flatbuffer import read_model, write_model


def mark(index: int) -> float:
    """What fills the array of this index during conversion: another number for each, none that a converter folds."""
    return index + 3.0


def fill(content: bytes, arrays: Sequence[Array]) -> bytes | None:
    """The .tflite with `arrays` where their marks are, output channels first; None where not each is there once."""
    model = read_model(content)
    waiting = {mark(index): array for index, array in enumerate(arrays)}
    for tensor in model.subgraphs[0].tensors:
        buffer = model.buffers[tensor.buffer]
        if buffer.data is None or tensor.type != schema.TensorType.FLOAT32:
            continue
        values = np.frombuffer(bytes(buffer.data), np.float32)
        found = waiting.get(float(values[0])) if values.size else None
        if found is not None and found.size == values.size and np.ptp(values) == 0:
            del waiting[float(values[0])]
            first = np.moveaxis(found, -1, 0).astype(np.float32)
            buffer.data = np.frombuffer(first.tobytes(), np.uint8)
    return None if waiting else write_model(model)

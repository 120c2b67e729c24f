"""Writing a .tflite with its arrays where the schema wants them: at multiples of 16 bytes."""

from typing import Any

import flatbuffers

ALIGNMENT = 16


class _Builder(flatbuffers.Builder):
    """Puts byte vectors at multiples of 16; schema.fbs asks it of buffers, the generated Python code leaves it out."""

    def StartVector(self, elemSize: int, numElems: int, alignment: int) -> int:
        return int(super().StartVector(elemSize, numElems, ALIGNMENT if elemSize == 1 else alignment))


def pack(model: Any, room: int = 1024) -> bytes:
    """The bytes of a `schema_py_generated.ModelT`, all arrays inside the flatbuffer.

    `room` are the bytes to begin with, best a little more than the result needs: less is doubled until it is enough.
    """
    builder = _Builder(room)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(memoryview(builder.Bytes)[builder.Head() :])

"""Runs a model on given inputs: `python inference.py MODEL INPUTS.npy`, under the emulator and natively alike.

Needs numpy and ai_edge_litert alone. INPUTS.npy holds [n, *input shape] as the input tensor stores it. Before and after
every inference the process asks kill(itself, 0), which does nothing; the counting plugin takes note of it. One line of
JSON comes out: the interpreter's version, and for each input the bytes of every integer output in hexadecimal.
"""

import json
import os
import sys
from typing import Any


def main(model: str, inputs: str) -> None:
    """Run `model` on every row of `inputs` with one thread and print the line."""
    import ai_edge_litert
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=model, num_threads=1)
    interpreter.allocate_tensors()
    (pixels,) = interpreter.get_input_details()
    outputs = [detail for detail in interpreter.get_output_details() if np.dtype(detail["dtype"]).kind in "iu"]
    said: list[dict[str, str]] = []
    for row in np.load(inputs, allow_pickle=False):
        interpreter.set_tensor(pixels["index"], row)
        _mark()
        interpreter.invoke()
        _mark()
        said.append({detail["name"]: _stored(interpreter, detail) for detail in outputs})
    print(json.dumps({"version": ai_edge_litert.__version__, "outputs": said}))


def _mark() -> None:
    os.kill(os.getpid(), 0)


def _stored(interpreter: Any, detail: dict[str, Any]) -> str:
    content: bytes = interpreter.get_tensor(detail["index"]).tobytes()
    return content.hex()


if __name__ == "__main__":
    main(*sys.argv[1:])

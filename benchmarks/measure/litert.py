"""LiteRT's own profiler, by the C interface of the library in the ai_edge_litert package.

The package's Python classes do not offer it. The declarations follow litert/c/*.h of LiteRT 2.3. Anything
unexpected ends in a sentence; a library that breaks the declarations unnoticed ends only its own process.
"""

import ctypes
import importlib.util
from ctypes import byref, c_char_p, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hemotk.errors import HemotkError

PACKAGE = "ai_edge_litert"
LIBRARIES = ("libLiteRt.so", "libLiteRt.dylib", "LiteRt.dll", "libLiteRt.dll")
CPU = 1
WRITE = 1

# LiteRtProfilerEventType: a node of the graph; what a delegate runs, by both names.
NODE, INSIDE = 2, (4, 8)
EVENT_TYPES = frozenset(1 << bit for bit in range(9))
SOURCES = frozenset(range(3))


@dataclass(frozen=True)
class Event:
    """Something the profiler timed: `index` is the node's in the graph, or the operator's in its delegate's piece."""

    kind: int
    name: str
    index: int
    microseconds: int


class _Event(ctypes.Structure):
    """ProfiledEventData; the memory figures (resident, allocated, in use; before and after) are not read."""

    _fields_ = [
        ("tag", c_void_p),
        ("kind", c_int),
        ("start", c_uint64),
        ("elapsed", c_uint64),
        ("memory", c_int64 * 6),
        ("index", c_uint64),
        ("extra", c_uint64),
        ("source", c_int),
    ]


class _TensorType(ctypes.Structure):
    """LiteRtRankedTensorType: element type, then rank, sizes and strides; handed from one call to the next only."""

    _fields_ = [("words", c_int32 * 64)]


def find_library() -> Path:
    """The shared library of the installed package.

    Raises:
        HemotkError: there is none.
    """
    spec = importlib.util.find_spec(PACKAGE)
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    libraries = [Path(folder) / name for folder in folders for name in LIBRARIES if (Path(folder) / name).is_file()]
    if not libraries:
        raise HemotkError(f"‹profile›: {PACKAGE} comes without LiteRT's library here; leave the option out.")
    return libraries[0]


@ctypes.CFUNCTYPE(None, c_void_p)
def _keep(payload: int) -> None:
    """The bytes of an option are Python's to free."""


class ProfiledModel:
    """A .tflite compiled for the CPU, XNNPACK included, to be run under the profiler.

    Args:
        model: the file.
        threads: CPU threads.

    Raises:
        HemotkError: there is no such library, or it refuses the model.
    """

    def __init__(self, model: Path, threads: int) -> None:
        self._library = ctypes.CDLL(str(find_library()))
        self._payloads: list[bytes] = []
        self._environment = self._made("LiteRtCreateEnvironment", c_int(0), None)
        self._model = self._made("LiteRtCreateModelFromFile", self._environment, str(model).encode())
        options = self._options(threads)
        self._compiled = self._made("LiteRtCreateCompiledModel", self._environment, self._model, options)
        self._profiler = self._made("LiteRtCompiledModelGetProfiler", self._compiled)
        self._inputs = self._buffers("Input")
        self._outputs = self._buffers("Output")

    def feed(self, stored: NDArray[Any]) -> None:
        """Write the input tensor, in its own type."""
        content, buffer = np.ascontiguousarray(stored), self._inputs[0]
        place, size = c_void_p(), c_size_t()
        self._call("LiteRtGetTensorBufferSize", c_void_p(buffer), byref(size))
        if size.value < content.nbytes:
            raise HemotkError(f"‹profile›: LiteRT's input holds {size.value} bytes, not {content.nbytes}.")
        self._call("LiteRtLockTensorBuffer", c_void_p(buffer), byref(place), c_int(WRITE))
        ctypes.memmove(place, content.ctypes.data, content.nbytes)
        self._call("LiteRtUnlockTensorBuffer", c_void_p(buffer))

    def run(self) -> None:
        """One inference."""
        ins, outs = self._inputs, self._outputs
        counts = c_size_t(len(ins)), c_size_t(len(outs))
        self._call("LiteRtRunCompiledModel", self._compiled, c_size_t(0), counts[0], ins, counts[1], outs)

    def profiled(self) -> list[Event]:
        """One inference, and what the profiler saw of it in the order it happened.

        Raises:
            HemotkError: the profiler gives nothing, or not what is known of it.
        """
        self._call("LiteRtStartProfiler", self._profiler)
        self.run()
        self._call("LiteRtStopProfiler", self._profiler)
        count = c_int()
        self._call("LiteRtGetNumProfilerEvents", self._profiler, byref(count))
        events = (_Event * max(1, count.value))()
        self._call("LiteRtGetProfilerEvents", self._profiler, count, events)
        if not all(event.kind in EVENT_TYPES and event.source in SOURCES for event in events):
            raise HemotkError(f"‹profile›: the profiler of this {PACKAGE} has another format; install version 2.3.")
        return [
            Event(event.kind, ctypes.string_at(event.tag).decode() if event.tag else "", event.index, event.elapsed)
            for event in events
        ]

    def _options(self, threads: int) -> c_void_p:
        options = self._made("LiteRtCreateOptions")
        self._call("LiteRtSetOptionsHardwareAccelerators", options, c_int(CPU))
        self._add(options, b"runtime_options_string", b"enable_profiling = true\n")
        self._add(options, b"xnnpack", b"num_threads = %d\n" % threads)
        return options

    def _add(self, options: c_void_p, identifier: bytes, toml: bytes) -> None:
        self._payloads += [identifier, toml]
        payload = ctypes.cast(c_char_p(toml), c_void_p)
        self._call(
            "LiteRtAddOpaqueOptions", options, self._made("LiteRtCreateOpaqueOptions", identifier, payload, _keep)
        )

    def _buffers(self, kind: str) -> Any:
        """An array of buffers for the main graph's tensors of that kind, Input or Output."""
        graph, count = self._made("LiteRtGetModelSubgraph", self._model, c_size_t(0)), c_size_t()
        self._call(f"LiteRtGetNumSubgraph{kind}s", graph, byref(count))
        buffers = (c_void_p * count.value)()
        for place in range(count.value):
            index, tensor_type = c_size_t(place), _TensorType()
            tensor = self._made(f"LiteRtGetSubgraph{kind}", graph, index)
            self._call("LiteRtGetRankedTensorType", tensor, byref(tensor_type))
            needs = self._made(f"LiteRtGetCompiledModel{kind}BufferRequirements", self._compiled, c_size_t(0), index)
            make = "LiteRtCreateManagedTensorBufferFromRequirements"
            buffers[place] = self._made(make, self._environment, byref(tensor_type), needs)
        return buffers

    def _made(self, name: str, *arguments: Any) -> c_void_p:
        """The value that a function gives by its last parameter."""
        made = c_void_p()
        self._call(name, *arguments, byref(made))
        return made

    def _call(self, name: str, *arguments: Any) -> None:
        try:
            function = getattr(self._library, name)
        except AttributeError as error:
            raise HemotkError(f"‹profile›: this {PACKAGE} has no {name}; install version 2.3.") from error
        function.restype = c_int
        status = function(*arguments)
        if status:
            raise HemotkError(f"‹profile›: {name} of {PACKAGE} fails with status {status}; leave the option out.")

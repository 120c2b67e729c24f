"""Runs a model in the aarch64 interpreter under qemu with every instruction counted, or natively for comparison."""

import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import hemotk
from arm.counts import Count
from hemotk.benchmarks.measure.litert import Event
from hemotk.errors import HemotkError

CPU = "cortex-a76"
FOLDER = Path(__file__).resolve().parents[2] / "build" / "arm"
SETUP = Path(__file__).with_name("setup.sh")
INFERENCE = Path(__file__).with_name("inference.py")
PROFILE = Path(__file__).with_name("profile.py")
PACKAGES = Path(hemotk.__file__).parents[1]
PATIENCE = 3600.0
# Nothing of the caller's environment: it could lead this Python to libraries of the host.
ALONE = {"OPENBLAS_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}

_LACKS = 3


class Missing(Exception):
    """This machine lacks something that the emulation needs; the message is a sentence."""


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of one inference per input.

    `outputs` are the stored bytes of every integer output, by tensor name. `counts` is empty for a native run.
    """

    version: str
    outputs: tuple[dict[str, bytes], ...]
    counts: tuple[Count, ...] = ()


def set_up(script: Path = SETUP) -> None:
    """Have all in place that `emulated` needs; at once if it already is.

    Raises:
        Missing: qemu, Debian 12 or the network is not there.
        HemotkError: the setup broke.
    """
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(["bash", script], stdout=subprocess.PIPE, text=True, check=False, env=environment)
    if done.returncode == _LACKS:
        raise Missing(_last_line(done.stdout))
    if done.returncode:
        raise HemotkError(f"{script}: ended with code {done.returncode}; {FOLDER / 'setup.log'} may say more.")


def qemu_version() -> str:
    """The version of qemu, such as 7.2.22."""
    said = subprocess.run([_qemu(), "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    return said.partition("version ")[2].split()[0]


def emulated(model: Path, inputs: NDArray[Any]) -> Answer:
    """Run `model` under the emulator on `inputs` [n, *input shape].

    Raises:
        HemotkError: the interpreter refuses the model or dies, or the counts cannot be read.
    """
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        log = Path(folder) / "counts"
        plugin = ("-plugin", str(FOLDER / "count.so"), "-d", "plugin", "-D", str(log))
        environment = {**ALONE, "PYTHONPATH": str(FOLDER / "site")}
        answer = _run(_python(*plugin), model, inputs, Path(folder), environment)
        counts = parse_counts(log.read_text() if log.exists() else "", len(inputs), model)
    return dataclasses.replace(answer, counts=counts)


def profiled(model: Path, size: int, inferences: int) -> list[list[Event]]:
    """What LiteRT's profiler sees of each inference of a model with uint8 pixels; a microsecond is an instruction.

    Raises:
        HemotkError: the runtime refuses the model or dies.
    """
    if not (FOLDER / "clock.so").exists():
        raise Missing(
            "aarch64-linux-gnu-gcc is not installed; run 'apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross' "
            f"as root and remove {FOLDER / 'ready'}."
        )
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        counter = Path(folder) / "counter"
        counter.write_bytes(bytes(8))
        plugin = ("-plugin", f"{FOLDER / 'count.so'},counter={counter}", "-E", f"LD_PRELOAD={FOLDER / 'clock.so'}")
        environment = {**ALONE, "PYTHONPATH": f"{FOLDER / 'site'}:{PACKAGES}", "COUNTER": str(counter)}
        command = (*_python(*plugin), str(PROFILE), str(model.resolve()), str(size), str(inferences))
        said = _said(command, model, environment)
    return [[Event(*event) for event in run] for run in json.loads(said)]


def native(model: Path, inputs: NDArray[Any]) -> Answer:
    """Run `model` in this Python's interpreter, in a process of its own.

    Raises:
        HemotkError: the interpreter refuses the model or dies.
    """
    with tempfile.TemporaryDirectory() as folder:
        return _run((sys.executable,), model, inputs, Path(folder), dict(os.environ))


def parse_counts(log: str, inferences: int, model: Path) -> tuple[Count, ...]:
    """The instructions of each inference, from the plugin's totals before and after it.

    Raises:
        HemotkError: the log is not what the plugin writes on so many `inferences`.
    """
    try:
        marks = [Count(*map(int, line.split())) for line in log.splitlines()]
        pairs = zip(marks[::2], marks[1::2], strict=True)
        counts = tuple(Count(after.all - before.all, after.sdot - before.sdot) for before, after in pairs)
    except (ValueError, TypeError):
        counts = ()
    if len(counts) != inferences:
        raise HemotkError(f"{model}: qemu's log does not hold two counts an inference; remove {FOLDER} and try again.")
    return counts


def _qemu() -> str:
    found = shutil.which("qemu-aarch64")
    if found is None:
        raise Missing("qemu-aarch64 is not installed; run 'apt-get install qemu-user' as root.")
    return found


def _python(*plugin: str) -> tuple[str, ...]:
    """The Python under the emulator, whose plugin these options are of."""
    root = FOLDER / "root"
    return (_qemu(), "-cpu", CPU, "-L", str(root), *plugin, str(root / "usr/bin/python3.11"), "-s")


def _run(python: Sequence[str], model: Path, inputs: NDArray[Any], folder: Path, environment: dict[str, str]) -> Answer:
    """What inference.py says in `python`."""
    array = folder / "inputs.npy"
    np.save(array, inputs)
    line = json.loads(_said((*python, str(INFERENCE), str(model.resolve()), str(array)), model, environment))
    outputs = ({name: bytes.fromhex(stored) for name, stored in row.items()} for row in line["outputs"])
    return Answer(line["version"], tuple(outputs))


def _said(command: Sequence[str], model: Path, environment: dict[str, str]) -> str:
    """The last line that the command prints."""
    where = Path(command[0]).name
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False, env=environment)
    except subprocess.TimeoutExpired as error:
        raise HemotkError(f"{model}: did not end within {PATIENCE:g} s in {where}; try fewer images.") from error
    if done.returncode:
        said = _last_line(done.stderr).rstrip(".") or "it said nothing"
        raise HemotkError(f"{model}: failed in {where} with code {done.returncode} ({said}); check the model.")
    return _last_line(done.stdout)


def _last_line(text: str) -> str:
    return (text.strip().splitlines() or [""])[-1].strip()

"""Facts on the machine of a bench, and whether it was quiet enough to believe its times."""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.artifacts import THERMAL, Device, Latency, RowSource, VariantResult
from hemotk.environment import machine, versions
from hemotk.errors import HemotkError
from hemotk.tflite.runtime import Runtime

# Above these a bench says so: load per core beforehand, share of the cores that others used meanwhile, p90 over median,
# spread of the rounds' medians over the median, change of the clock rate, degrees Celsius.
LOAD = 0.25
OTHERS = 0.1
SPREAD = 1.25
ROUNDS_SPREAD = 0.1
CLOCK_CHANGE = 0.1
HOT = 85.0
# On Android the processors are slowed down from this thermal status on.
THROTTLING = THERMAL.index("moderate")

# The middle 80 % of the rounds are looked at, and that only where there are so many.
ROUNDS = 5
MIDDLE = (0.1, 0.9)
# An idle processor's clock rate says nothing: it is asked after so many seconds of work.
WORK = 0.05

CPU_FOLDER = Path("/sys/devices/system/cpu")
THERMAL_FOLDER = Path("/sys/class/thermal")
GROUP_FILES = (Path("/sys/fs/cgroup/cpu.stat"), Path("/sys/fs/cgroup/cpu/cpu.stat"))
PROCESSORS = Path("/proc/stat")
IDLE = (3, 4)  # the columns of a processor in that file that are no work: idle, waiting for a disk


@dataclass(frozen=True)
class Snapshot:
    """The machine at one moment; None where the system does not say.

    Attributes:
        load: processes that ran or waited in the last minute, on average.
        mhz: clock rate of the fastest core after a moment of work.
        celsius: the warmest sensor.
        throttled: how often processors have slowed down for heat, or a container's quota has stopped its processes.
        busy: seconds that the usable cores have worked, for whomever.
        own: seconds that this process and those it has ended have worked.
        clock: seconds of a clock that only goes forward.
    """

    load: float | None = None
    mhz: float | None = None
    celsius: float | None = None
    throttled: int | None = None
    busy: float | None = None
    own: float = 0.0
    clock: float = 0.0


@dataclass(frozen=True)
class Surroundings:
    """Facts about the machine, as the report keeps them, and warnings about its noise."""

    facts: dict[str, Any]
    warnings: tuple[str, ...]


def snapshot() -> Snapshot:
    """The machine now."""
    try:
        load = os.getloadavg()[0]
    except (AttributeError, OSError):
        load = None
    own = os.times()
    return Snapshot(
        load=load,
        mhz=_mhz(),
        celsius=_celsius(),
        throttled=_throttled(),
        busy=_busy(),
        own=own.user + own.system + own.children_user + own.children_system,
        clock=time.monotonic(),
    )


def surroundings(
    runtime: Runtime, before: Snapshot, variants: Sequence[VariantResult], threads: int, cpus: Sequence[int] = ()
) -> Surroundings:
    """Facts and warnings at the end of a bench that began at `before`, once its workers have ended.

    `variants` are the rows measured here, `cpus` the processors that they were pinned to, if they were.
    """
    after, facts = snapshot(), machine()
    noise = warnings(before, after, variants, Room(int(facts["cores"]), len(cpus) or int(facts["cores"]), threads))
    facts = {
        **facts,
        "runtime": runtime.name,
        "runtime_version": runtime.version,
        "governor": _read(CPU_FOLDER / "cpu0/cpufreq/scaling_governor"),
        "before": asdict(before),
        "after": asdict(after),
        "others": others(before, after),
        "versions": versions("numpy"),
    }
    return Surroundings(facts, noise)


@dataclass(frozen=True)
class Room:
    """The number of usable cores, the number that the workers may use, and the number of threads they used."""

    cores: int
    ours: int
    threads: int


def warnings(before: Snapshot, after: Snapshot, variants: Sequence[VariantResult], room: Room) -> tuple[str, ...]:
    """The reasons why the times may not repeat, a clause each; empty on a quiet machine."""
    names = {id(row): f"{row.bundle} {row.kind}" for row in variants}
    if len({row.bundle for row in variants}) < 2:
        names = {id(row): row.kind for row in variants}
    clauses = list(_of_machine(before, after, room.cores))
    for row in variants:
        if row.latency is not None:
            clauses.extend(_of_times(names[id(row)], row.latency))
    if room.threads > room.ours:
        clauses.append(f"{room.threads} threads share {room.ours} cores")
    return tuple(clauses)


def device_warnings(sources: Sequence[RowSource], variants: Sequence[VariantResult]) -> tuple[str, ...]:
    """The reasons why times of devices in `sources` may not repeat, a clause each; `variants` are of any source."""
    clauses: list[str] = []
    for source in sources:
        if source.device is None:
            continue
        clauses.extend(_of_heat(source.name, source.device))
        clauses.extend(_of_power(source.name, source.device))
        for row in variants:
            if row.source == source.name and row.latency is not None:
                clauses.extend(_of_times(f"{row.bundle} {row.kind} on {source.name}", row.latency))
    return tuple(clauses)


def _of_heat(name: str, device: Device) -> Iterator[str]:
    known = [status for status in (device.thermal_before, device.thermal_after) if status is not None]
    if known and known[-1] > known[0]:
        yield f"the thermal status of {name} went from {THERMAL[known[0]]} to {THERMAL[known[-1]]}"
    elif known and max(known) >= THROTTLING:
        yield f"the thermal status of {name} was {THERMAL[max(known)]}"


def _of_power(name: str, device: Device) -> Iterator[str]:
    """What makes a phone run slower than it can."""
    if device.foreground is False:
        yield f"the app was not in the foreground of {name} all the time"
    if device.power_save:
        yield f"power saving was on at {name}"


def others(before: Snapshot, after: Snapshot) -> float | None:
    """The number of cores that other processes, or other guests of this machine's host, used on average meanwhile."""
    seconds = after.clock - before.clock
    if before.busy is None or after.busy is None or seconds <= 0:
        return None
    return max(0.0, (after.busy - before.busy) - (after.own - before.own)) / seconds


def _of_machine(before: Snapshot, after: Snapshot, cores: int) -> Iterator[str]:
    used = others(before, after)
    if used is not None and used > OTHERS * cores:
        yield f"other processes used {used:.1f} of {cores} cores meanwhile"
    # The load includes whatever ran a minute ago, another bench for one; it counts where nothing better is known.
    if used is None and before.load is not None and before.load > LOAD * cores:
        yield f"{cores} cores already had a load of {before.load:.1f} when the bench began"
    if before.mhz and after.mhz and abs(after.mhz / before.mhz - 1) > CLOCK_CHANGE:
        yield f"the clock rate went from {before.mhz:.0f} to {after.mhz:.0f} MHz"
    if after.celsius is not None and after.celsius >= HOT:
        yield f"the warmest sensor shows {after.celsius:.0f} °C"
    if before.throttled is not None and after.throttled is not None and after.throttled > before.throttled:
        yield f"the processors were throttled {after.throttled - before.throttled} times, for heat or a quota"


def _of_times(name: str, latency: Latency) -> Iterator[str]:
    if latency.p90_ns > SPREAD * latency.p50_ns:
        yield f"a tenth of the runs of {name} took {latency.p90_ns / latency.p50_ns:.2f} times its median or more"
    medians = [float(np.median(samples)) for samples in latency.rounds_ns if samples]
    if len(medians) >= ROUNDS:
        low, high = np.quantile(medians, MIDDLE)
        spread = float(high - low) / latency.p50_ns
        if spread > ROUNDS_SPREAD:
            yield f"the rounds of {name} differ: their medians spread over {spread:.2f} of the median"


def check_cpus(cpus: Sequence[int]) -> None:
    """Check that workers can be pinned to `cpus`.

    Raises:
        HemotkError: this system cannot pin, or has no such processor.
    """
    if not cpus:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise HemotkError("‹cpu›: this system cannot pin a process to a processor; leave the option out.")
    usable = os.sched_getaffinity(0)
    missing = sorted(set(cpus) - usable)
    if missing:
        raise HemotkError(
            f"‹cpu›: there is no processor {', '.join(map(str, missing))} to use here; choose among "
            f"{', '.join(map(str, sorted(usable)))}."
        )


def _mhz() -> float | None:
    """Clock rate of the fastest core, after a moment of work."""
    until = time.monotonic() + WORK
    while time.monotonic() < until:
        pass
    rates = [_read(path) for path in sorted(CPU_FOLDER.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))]
    values = [float(rate) / 1000 for rate in rates if rate]
    if not values:
        lines = (_read(Path("/proc/cpuinfo")) or "").splitlines()
        values = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return max(values, default=None)


def _celsius() -> float | None:
    """The warmest sensor that shows what a running machine can have."""
    shown = [_whole(_read(path)) for path in sorted(THERMAL_FOLDER.glob("thermal_zone*/temp"))]
    values = [value / 1000 for value in shown if value is not None]
    return max((value for value in values if 0 < value < 150), default=None)


def _throttled() -> int | None:
    """All counts there are: per core, and of the group of processes that this one is in."""
    counts = [_whole(_read(path)) for path in sorted(CPU_FOLDER.glob("cpu[0-9]*/thermal_throttle/core_throttle_count"))]
    for path in GROUP_FILES:
        fields = dict(line.split() for line in (_read(path) or "").splitlines() if len(line.split()) == 2)
        counts.append(_whole(fields.get("nr_throttled")))
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _busy() -> float | None:
    """Seconds that the cores which this process may use have worked since the system started."""
    usable = {f"cpu{core}" for core in os.sched_getaffinity(0)} if hasattr(os, "sched_getaffinity") else set()
    columns = [line.split() for line in (_read(PROCESSORS) or "").splitlines()]
    # The last two columns, of guests, are already in the first two.
    worked = [[int(ticks) for ticks in words[1:9]] for words in columns if words and words[0] in usable]
    if not worked:
        return None
    ticks = sum(sum(core) - sum(core[column] for column in IDLE) for core in worked)
    return float(ticks / os.sysconf("SC_CLK_TCK"))


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        return None


def _whole(text: str | None) -> int | None:
    try:
        return None if text is None else int(text)
    except ValueError:
        return None

"""What a bench ran on, and whether the machine was quiet enough to believe its times."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hemotk.artifacts import VariantResult
from hemotk.environment import machine, versions
from hemotk.errors import HemotkError
from hemotk.runtime import Runtime

# Above these a bench says so: share of the cores busy beforehand, p90 over median, change of the clock rate.
BUSY = 0.25
SPREAD = 1.25
CLOCK_CHANGE = 0.1
CPU_FOLDER = Path("/sys/devices/system/cpu")


@dataclass(frozen=True)
class Snapshot:
    """The machine at one moment: processes that ran or waited in the last minute on average, clock rate in MHz.

    None where the system does not say.
    """

    load: float | None
    mhz: float | None


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
    return Snapshot(load, _mhz())


def surroundings(runtime: Runtime, before: Snapshot, variants: Sequence[VariantResult], threads: int) -> Surroundings:
    """What there is to say at the end of a bench that began at `before`."""
    after, facts = snapshot(), machine()
    noise = warnings(before, after, variants, int(facts["cores"]), threads)
    facts = {
        **facts,
        "runtime": runtime.name,
        "runtime_version": runtime.version,
        "governor": _read(CPU_FOLDER / "cpu0/cpufreq/scaling_governor"),
        "before": asdict(before),
        "after": asdict(after),
        "versions": versions("numpy"),
    }
    return Surroundings(facts, noise)


def warnings(
    before: Snapshot, after: Snapshot, variants: Sequence[VariantResult], cores: int, threads: int
) -> tuple[str, ...]:
    """Why the times may not be repeatable, a sentence each; empty on a quiet machine."""
    found = []
    if before.load is not None and before.load > BUSY * cores:
        found.append(f"{cores} cores already had a load of {before.load:.1f} when the bench began")
    if before.mhz and after.mhz and abs(after.mhz / before.mhz - 1) > CLOCK_CHANGE:
        found.append(f"the clock rate went from {before.mhz:.0f} to {after.mhz:.0f} MHz")
    for variant in variants:
        if variant.latency is not None and variant.latency.p90_ns > SPREAD * variant.latency.p50_ns:
            spread = variant.latency.p90_ns / variant.latency.p50_ns
            found.append(f"a tenth of the runs of {variant.kind} took {spread:.2f} times its median or more")
    if threads > cores:
        found.append(f"{threads} threads share {cores} cores")
    return tuple(found)


def check_cpus(cpus: Sequence[int]) -> None:
    """Check that workers can be pinned to `cpus`.

    Raises:
        HemotkError: this system cannot pin, or has no such processor.
    """
    if not cpus:
        return
    if not hasattr(os, "sched_setaffinity"):
        raise HemotkError("--cpu: this system cannot pin a process to a processor; leave the option out.")
    usable = os.sched_getaffinity(0)
    missing = sorted(set(cpus) - usable)
    if missing:
        raise HemotkError(
            f"--cpu: there is no processor {', '.join(map(str, missing))} to use here; choose among "
            f"{', '.join(map(str, sorted(usable)))}."
        )


def _mhz() -> float | None:
    """The mean clock rate of all cores."""
    rates = [_read(path) for path in sorted(CPU_FOLDER.glob("cpu[0-9]*/cpufreq/scaling_cur_freq"))]
    values = [float(rate) / 1000 for rate in rates if rate]
    if not values:
        lines = (_read(Path("/proc/cpuinfo")) or "").splitlines()
        values = [float(line.partition(":")[2]) for line in lines if line.startswith("cpu MHz")]
    return sum(values) / len(values) if values else None


def _read(path: Path) -> str | None:
    try:
        return path.read_text().strip()
    except OSError:
        return None

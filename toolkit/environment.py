"""Facts on this machine and its packages, for the record in every artefact."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

from hemotk._version import VERSION

_KERNEL_FEATURES = {"avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "amx_tile", "asimddp", "i8mm", "sve"}


def versions(*packages: str) -> dict[str, str]:
    """Versions of hemotk, Python and those of `packages` (distribution names) that are installed."""
    by_package = {"hemotk": VERSION, "python": platform.python_version()}
    for package in packages:
        try:
            by_package[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return by_package


def machine() -> dict[str, Any]:
    """Processor, usable cores, memory in bytes and operating system."""
    return {
        "processor": _processor(),
        "architecture": platform.machine(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_bytes": _memory(),
        "system": f"{platform.system()} {platform.release()}",
    }


def device() -> str:
    """The device that TensorFlow, which is imported, computes on, in words; says if it leaves a GPU unused."""
    import tensorflow

    gpus = tensorflow.config.list_physical_devices("GPU")
    if gpus:
        names = [tensorflow.config.experimental.get_device_details(gpu).get("device_name", "GPU") for gpu in gpus]
        return f"on {', '.join(names)}"
    count = os.cpu_count() or 1
    words = f"on the CPU, {count} processor{'' if count == 1 else 's'}"
    if Path("/dev/nvidia0").exists():
        words += "; there is an NVIDIA GPU that TensorFlow does not see: pip install 'tensorflow[and-cuda]'"
    return words


def kernel_features() -> tuple[str, ...]:
    """Instructions of this processor that decide which kernels a runtime takes, sorted; none where nothing says so."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    found = next((line.partition(":")[2].split() for line in lines if line.startswith(("flags", "Features"))), [])
    return tuple(sorted(set(found) & _KERNEL_FEATURES))


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Hardware", "CPU part")):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return None

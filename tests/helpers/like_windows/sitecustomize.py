"""A Linux Python that behaves as one on Windows where hemotk could notice: put this folder into PYTHONPATH.

There are no modules and functions of POSIX alone. A file that is open, locked or mapped can be neither removed nor
replaced, nor can a folder that holds one be renamed. Only what may be written can be synced. Text files that are opened
by hemotk without an encoding are an error, since the default differs. What it cannot show: paths, and Windows' shell.
"""

import asyncio  # noqa: F401 - which filelock imports: it is that of this system, and needs what goes below
import errno
import fcntl
import os
import sys
import warnings
from functools import partial

GONE = (
    "sched_getaffinity",
    "sched_setaffinity",
    "getloadavg",
    "sysconf",
    "fork",
    "nice",
    "getuid",
    "geteuid",
    "mkfifo",
)

flags, real_fsync = fcntl.fcntl, os.fsync


def in_use(path) -> str:
    """`path`, or a file in it, that this process has open or mapped; '' if there is none."""
    target = os.path.realpath(os.fspath(path))
    names = [os.path.realpath(f"/proc/self/fd/{name}") for name in os.listdir("/proc/self/fd")]  # noqa: PTH208
    with open("/proc/self/maps", encoding="utf-8") as maps:  # noqa: PTH123 - not with what is replaced here
        names += [line.split(maxsplit=5)[5].strip() for line in maps if line.count("/")]
    return next((name for name in names if name == target or name.startswith(target + "/")), "")


def careful(real):
    """A function of os that moves or removes its paths, where nothing uses them."""

    def checked(*paths, **options):
        for path in paths:
            if not options and isinstance(path, str | bytes | os.PathLike) and (held := in_use(path)):
                raise PermissionError(errno.EACCES, f"{held} is in use", os.fspath(path))
        return real(*paths, **options)

    return partial(checked)  # no function, which Python 3.10's pathlib would bind to an object of its own


def fsync(handle):
    """Only what may be written."""
    if flags(handle, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
        raise OSError(errno.EBADF, "Bad file descriptor")
    real_fsync(handle)


os.fsync = fsync
for name in ("rename", "replace", "unlink", "remove", "rmdir"):
    setattr(os, name, careful(getattr(os, name)))
for name in GONE:
    delattr(os, name)
for name in ("fcntl", "resource", "pwd", "grp", "termios"):
    sys.modules[name] = None  # type: ignore[assignment]
warnings.filterwarnings("error", category=EncodingWarning, module=r"hemotk\b")

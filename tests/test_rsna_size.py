"""A folder in the layout of RSNA 2019 is scanned and split within a minute and a gigabyte, and so is its split read.

Runs on a small folder; `make rsna-size` sets HEMOTK_RSNA_SIZE=full, for one of the set's own size.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rsna_files import IMAGES, PATIENTS, REPEATED, write_rsna

FULL = os.environ.get("HEMOTK_RSNA_SIZE") == "full"
SECONDS, GIGABYTE = 60, 1 << 30
READ_SPLIT = "import pathlib, hemotk.artifacts as a; a.SplitManifest.read(pathlib.Path('split.json'))"
READ_FOLDS = "import pathlib, hemotk.data.split.folds as f; f.read_folds(pathlib.Path('folds'))"

# In between, since a process counts as its own the peak of the one that it was forked from, which may be large here.
MEASURE = """
import json, os, subprocess, sys
child = subprocess.Popen([sys.executable, *sys.argv[2:]])
_, status, used = os.wait4(child.pid, 0)
child.returncode = os.waitstatus_to_exitcode(status)
with open(sys.argv[1], "w") as stream:
    json.dump([child.returncode, used.ru_utime + used.ru_stime, used.ru_maxrss], stream)
"""

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="this system does not say what a child process took")


def measured(arguments: Sequence[str], folder: Path) -> None:
    """Run Python with `arguments` in `folder` and hold it to its limits."""
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", MEASURE, "measured.json", *arguments], cwd=folder, check=True)
    code, worked, most = json.loads((folder / "measured.json").read_text())
    seconds, peak = time.monotonic() - started, most * (1 if sys.platform == "darwin" else 1024)
    print(f"{seconds:6.1f} s, {worked:6.1f} s of the processor, {peak / 1e6:6.0f} MB  {' '.join(arguments)[:90]}")
    assert code == 0
    # Time on the wall depends on what else the machine does; on one that does nothing else it is hardly more.
    assert worked < SECONDS and peak < GIGABYTE


def test_scanned_split_and_read_within_a_minute_and_a_gigabyte(tmp_path: Path) -> None:
    images, patients = (IMAGES, PATIENTS) if FULL else (3000, 300)
    names = write_rsna(tmp_path / "rsna", images, patients, repeated=REPEATED)
    split = ("-m", "hemotk", "data", "split", "rsna")
    measured((*split, "--groups", "none", "--out", "alone.json"), tmp_path)
    rows = "".join(f"{name},{place % patients}\n" for place, name in enumerate(names))
    (tmp_path / "patients.csv").write_text("id,patient\n" + rows)
    measured((*split, "--patients", "patients.csv"), tmp_path)
    measured(("-c", READ_SPLIT), tmp_path)
    measured((*split, "--patients", "patients.csv", "--folds", "5"), tmp_path)
    measured(("-c", READ_FOLDS), tmp_path)
    shutil.rmtree(tmp_path / "rsna")

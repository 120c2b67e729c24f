"""The table of what parts take on an emulated processor; a script that runs everything natively takes qemu's place."""

import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

sys.path.append(str(Path(__file__).parents[2] / "studies"))

from arm import costs, emulator
from arm.emulator import Missing

from hemotk.artifacts import CostTable
from hemotk.sweep import part_costs

# {what} becomes of what profile.py prints.
FAKE = """\
#!{python}
import json, os, subprocess, sys
if "--version" in sys.argv:
    sys.exit(print("qemu-aarch64 version 7.2.22 (Fake)"))
assert os.path.getsize(os.environ["COUNTER"]) == 8 and sys.argv[sys.argv.index("-E") + 1].startswith("LD_PRELOAD=")
done = subprocess.run([sys.executable, *sys.argv[-4:]], stdout=subprocess.PIPE, env={{"PYTHONPATH": {path!r}}})
runs = json.loads(done.stdout)
{what}
print(json.dumps(runs))
"""
PART = '[[*event[:3], 7 * (event[0] in (2, 4, 8)) + 7000 * (event[1] == "Invoke")] for event in run]'


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Every operator takes 7 instructions, and the whole network 7,000."""
    pytest.importorskip("tf_keras")
    qemu = tmp_path / "qemu-aarch64"
    what = f"runs = [{PART} for run in runs]"
    qemu.write_text(FAKE.format(python=sys.executable, path=str(emulator.PACKAGES), what=what))
    qemu.chmod(qemu.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setattr(emulator, "FOLDER", tmp_path)
    monkeypatch.setattr(costs, "set_up", lambda: None)
    for name, few in (("BOTTLENECKS", (8, 32)), ("GROWTHS", (8, 16)), ("STEMS", (8, 16))):
        monkeypatch.setattr(part_costs, name, few)
    return tmp_path


def table_in(folder: Path, *more: str) -> tuple[int, str]:
    done = CliRunner().invoke(costs.main, [str(folder / "arm.json"), "--size", "32", "--blocks", "1", *more])
    return done.exit_code, done.output


def test_a_table_of_instructions(fake: Path) -> None:
    (fake / "clock.so").touch()
    code, said = table_in(fake)
    assert code == 0 and "wrote" in said, said
    table = CostTable.read(fake / "arm.json")
    assert (table.unit, table.processor, table.size) == ("instructions", "cortex-a76 (qemu 7.2.22)", 32)
    acts = [part for part in table.parts if part.part == "act"]
    assert [(part.side, part.fixed, part.per_channel) for part in acts] == [(8, 7.0, 0.0)]
    (handover,) = (part for part in table.parts if part.part == "handover")
    assert 100 < handover.fixed < 7000
    assert table_in(fake)[0] == 2 and table_in(fake, "--overwrite")[0] == 0


def test_what_is_missing_is_said(fake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, said = table_in(fake)
    assert (code, said.count("\n")) == (0, 1) and "skipped: aarch64-linux-gnu-gcc is not installed; run 'apt" in said

    def lacking() -> None:
        raise Missing("qemu-aarch64 is not installed.")

    monkeypatch.setattr(costs, "set_up", lacking)
    assert table_in(fake) == (0, "arm.costs: skipped: qemu-aarch64 is not installed.\n")
    assert not (fake / "arm.json").exists()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs gcc")
def test_the_clock_counts_what_its_file_holds(tmp_path: Path) -> None:
    """A microsecond for each count, as on the emulated processor; natively nobody changes the file."""
    library, counter = tmp_path / "clock.so", tmp_path / "counter"
    source = emulator.SETUP.with_name("clock.c")
    subprocess.run(["gcc", "-O2", "-Wall", "-Werror", "-shared", "-fPIC", "-o", library, source], check=True)
    counter.write_bytes((12_345_678).to_bytes(8, "little"))
    command = [sys.executable, "-c", "import time; print(time.monotonic_ns())"]
    environment = {"LD_PRELOAD": str(library), "COUNTER": str(counter)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "12345678000\n"
    without = subprocess.run(command, env={"LD_PRELOAD": str(library)}, capture_output=True, check=False)
    assert without.returncode == 97

"""Fuzzes every reader of files: `run.py [SECONDS] [TARGET…]`; `make fuzz` calls it.

Nothing but a HemotkError may come out of a reader, within 10 seconds a file. Exit code 1 where something else did.
"""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
OUT = Path("build/fuzz")
# On some damaged files LiteRT itself ends the process, and HDF5 itself never comes back: of the last two, what is
# fuzzed is whether trying a file in another process first finds them all.
NAMES = ("artefacts", "labels", "rsna", "metadata", "dicom", "pictures", "weights", "tflite", "keras", "torch")
STARTING = 240  # seconds that a process may take besides


def fuzz(name: str, seconds: int) -> bool:
    """Fuzz one target and print a line about it; whether nothing was found."""
    findings = OUT / "findings" / name
    findings.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", "-seed=1", "-timeout=10", "-rss_limit_mb=2048", "-max_len=65536"]
    command = [sys.executable, str(HERE / "one.py"), name, str(OUT / "corpus" / name), *limits]
    command += [f"-artifact_prefix={findings}/", "-print_final_stats=1"]
    try:
        done = subprocess.run(command, check=False, capture_output=True, timeout=seconds + STARTING)
        code, said = done.returncode, (done.stdout + done.stderr).decode(errors="replace")
    except subprocess.TimeoutExpired as error:
        code, said = -1, (error.stderr or b"").decode(errors="replace") + "\nit did not come to its end"
    (OUT / f"{name}.log").write_text(said)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", said) or [("0", "0")]
    counted = re.findall(r"^#(\d+)|number_of_executed_units: (\d+)", said, re.MULTILINE)
    runs = max((int(number) for pair in counted for number in pair if number), default=0)
    good = code == 0 and runs > 0
    print(f"{name:10} {runs:8} files {covered[-1][0]:>6} edges {covered[-1][1]:>6} features", end="  ")
    print("no finding" if good else f"FOUND SOMETHING (exit {code}): {OUT / f'{name}.log'}, {findings}", flush=True)
    if not good:
        print(said[-3000:])
    return good


def main() -> int:
    """Share the time among the targets; the exit code."""
    if importlib.util.find_spec("atheris") is None:
        print("skipped: atheris is not installed; `make fuzz` shows what pip says about it")
        return 0
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    names = tuple(sys.argv[2:]) or NAMES
    results = [fuzz(name, max(1, seconds // len(names))) for name in names]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())

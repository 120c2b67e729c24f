"""Proves that the sdist installs and works with one Python, away from the repository; `make installs` calls it.

python tests/install_check.py PYTHON FOLDER [--constraint FILE] [--with REQUIREMENT]… [--tests PATH]…

FOLDER must not exist; some 3 GB go into it, so remove it afterwards. PYTHON is the interpreter to try. Into a fresh
environment goes the sdist with the extras train and dev and each REQUIREMENT, such as another version of TensorFlow; uv
installs it where it is there, else pip. Then the demo runs, with a small network, and the tests run in the unpacked
sdist. Prints the versions and what each step took.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUILD = "import sys; from setuptools import build_meta; build_meta.build_sdist(sys.argv[1])"
# The path as typed, training and resuming, export with its rewrites, files: some two minutes of one core.
FAST = (
    "tests/test_path.py",
    "tests/toolkit/test_files.py",
    "tests/toolkit/training/test_loop.py",
    "tests/export/test_bundle.py",
    "tests/export/graph/test_exact_rewrites.py",
    "tests/export/integer/test_quantize.py",
)
DEMO = ("--arch", "densenet-tiny", "--size", "48", "--epochs", "3", "--count", "60")


def main() -> None:
    """Do it, and end with 1 where something fails."""
    parser = argparse.ArgumentParser()
    parser.add_argument("python")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--constraint", type=Path)
    parser.add_argument("--with", action="append", default=[], dest="others")
    parser.add_argument("--tests", action="append", default=[])
    given = parser.parse_args()
    folder = given.folder.absolute()
    folder.mkdir(parents=True)
    took: dict[str, float] = {}
    source = unpacked(folder)
    python = folder / "venv/bin/python"
    run(took, "environment", folder, given.python, "-m", "venv", folder / "venv")
    pinned = () if given.constraint is None else ("--constraint", given.constraint.absolute())
    run(took, "installation", folder, *installer(python), *pinned, f"{source}.tar.gz[train,dev]", *given.others)
    run(took, "check of versions", folder, python, "-m", "pip", "check")
    # A network this small may be slower in int8, and then the gate of the demo's bench fails.
    run(took, "demo", folder, folder / "venv/bin/hemotk", "demo", "--out", folder / "demo", *DEMO, codes=(0, 1))
    if not (folder / "demo/bundles/densenet-tiny/bundle.json").is_file():
        sys.exit("the demo made no bundle")
    tests = given.tests or FAST
    run(took, "tests", source, python, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests)
    print(json.dumps({**versions(python), "seconds": {name: round(seconds) for name, seconds in took.items()}}))


def installer(python: Path) -> tuple[object, ...]:
    """The command that installs into the environment of `python`."""
    if shutil.which("uv"):
        return "uv", "pip", "install", "--quiet", "--python", python
    return python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"


def unpacked(folder: Path) -> Path:
    """The sdist of the repository, made and unpacked in `folder`."""
    subprocess.run([sys.executable, "-W", "ignore", "-c", BUILD, folder], cwd=ROOT, capture_output=True, check=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder, filter="data")
    return folder / archive.name.removesuffix(".tar.gz")


def run(took: dict[str, float], name: str, where: Path, *command: object, codes: tuple[int, ...] = (0,)) -> None:
    """Run `command` in `where`, with nothing in the environment that could lead to the repository."""
    print(f"== {name}", flush=True)
    started = time.monotonic()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "HEMOTK"))}
    code = subprocess.run(list(map(str, command)), cwd=where, env=environment, check=False).returncode
    took[name] = time.monotonic() - started
    if code not in codes:
        sys.exit(f"{name}: ended with {code}")


def versions(python: Path) -> dict[str, str]:
    """Those of Python and of the packages that most depends on."""
    program = (
        "import json, platform\nfrom importlib.metadata import version\n"
        "names = ('hemotk', 'tensorflow', 'tf_keras', 'numpy', 'ai-edge-litert', 'litert-quantizer')\n"
        "print(json.dumps({'python': platform.python_version(), **{name: version(name) for name in names}}))"
    )
    said = subprocess.run([python, "-c", program], stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, str] = json.loads(said)
    return found


if __name__ == "__main__":
    main()

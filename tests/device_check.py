"""Proves an install without TensorFlow: bench, predict and info on a small bundle, the same in every environment.

python tests/device_check.py make FOLDER       the bundle and pictures of it; needs ai-edge-litert and flatbuffers
python tests/device_check.py size ENVIRONMENT  that what is installed there takes no more than it may
python tests/device_check.py run FOLDER NAME   the commands, with this Python's hemotk; results to FOLDER/NAME
python tests/device_check.py compare FOLDER NAME NAME
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

# One step of the int8 logit, which two versions of the kernels may round apart; and what float ones may.
STEP, ROUNDING = 0.1, 1e-4
MOST_BYTES = 200_000_000
# What `python -m venv` puts there, and is not ours.
BESIDE = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")


def make(folder: Path) -> None:
    """Write `folder`/tiny with its test split, and the split's pictures."""
    from converted_bundles import draw_images, write_bundle
    from float_and_int8_models import float_model, int8_model
    from PIL import Image

    images = draw_images()
    write_bundle(
        folder / "tiny",
        {"float32": float_model(), "int8": int8_model()},
        images,
        [row % 2 for row in range(len(images))],
    )
    (folder / "pictures").mkdir()
    for row, image in enumerate(images):
        Image.fromarray(image).save(folder / "pictures" / f"{row:02}.png")


def run(folder: Path, name: str) -> None:
    """Every command of the device install; each must succeed without a word on stderr."""
    out = folder / name
    out.mkdir()
    bundle, pictures = folder / "tiny", folder / "pictures"
    # A network of microseconds says nothing about speed: the limit on the ratio is lifted.
    quick = ["--min-runs", "20", "--min-seconds", "0.5", "--max-latency-ratio", "1000", "--profile"]
    hemotk("bench", bundle, "--json", out / "bench.json", *quick)
    for kind in ("float32", "int8"):
        hemotk("predict", bundle, pictures, "--variant", kind, "--json", out / f"{kind}.json")
    for path in (bundle, bundle / "int8.tflite", out / "bench.json"):
        hemotk("info", path)


def hemotk(command: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hemotk", command, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    print(f"{sys.executable}: hemotk {command}: {done.returncode}")
    if done.returncode or "Traceback" in done.stderr:
        sys.exit(f"{done.stdout}{done.stderr}hemotk {command} ended with {done.returncode}")


def compare(folder: Path, first: str, second: str) -> None:
    """Hold every score of both environments against each other."""
    for kind, limit in (("float32", ROUNDING), ("int8", STEP)):
        for read in (benched, predicted):
            ours, theirs = read(folder / first, kind), read(folder / second, kind)
            furthest = max(abs(a - b) for a, b in zip(ours, theirs, strict=True))
            same = sum(a == b for a, b in zip(ours, theirs, strict=True))
            print(f"{first} and {second}: {kind} {read.__name__}: {same} of {len(ours)} same, furthest {furthest:.3g}")
            if furthest > limit:
                sys.exit(f"{kind} scores of {first} and {second} differ by {furthest:.3g}")
    for name in (first, second):
        report = json.loads((folder / name / "bench.json").read_text())
        facts = report["sources"][0]["environment"]
        print(f"{name}: {facts['runtime']} {facts['runtime_version']}, numpy {facts['versions']['numpy']}")
        for row in report["variants"]:
            print(f"{name}: profile of {row['kind']}: {row['profile']['why'] or row['profile']['method']}")


def benched(folder: Path, kind: str) -> list[float]:
    """The logits of the bench."""
    report = json.loads((folder / "bench.json").read_text())
    return next(row["scores"]["logit"] for row in report["variants"] if row["kind"] == kind)


def predicted(folder: Path, kind: str) -> list[float]:
    """The logits of predict."""
    return [item["logit"] for item in json.loads((folder / f"{kind}.json").read_text())["predictions"]]


def size(environment: Path) -> None:
    """Hold the size of what an `environment` has installed, pip and setuptools aside, against what it may take."""
    places = [place for place in environment.glob("lib/python*/site-packages/*") if not place.name.startswith(BESIDE)]
    files = [file for place in places for file in (place.rglob("*") if place.is_dir() else (place,)) if file.is_file()]
    total = sum(file.stat().st_size for file in files)
    print(f"{environment}: {total / 1e6:.0f} MB of {MOST_BYTES / 1e6:.0f}")
    if total > MOST_BYTES:
        sys.exit(f"the device install takes {total / 1e6:.0f} MB, more than {MOST_BYTES / 1e6:.0f}")


if __name__ == "__main__":
    action, place, *names = sys.argv[1:]
    actions: dict[str, Callable[..., None]] = {"make": make, "size": size, "run": run, "compare": compare}
    actions[action](Path(place), *names)

"""What a file or folder of hemotk is called, and the way from it to what was wanted."""

import json
from collections.abc import Mapping
from pathlib import Path

# kind (the middle of the schema 'hemotk.<kind>/<version>') → what it is, and the command that makes one
CALLED: Mapping[str, tuple[str, str]] = {
    "run": ("a run", "hemotk train"),
    "bundle": ("a bundle", "hemotk export"),
    "testset": ("a test set", "hemotk export"),
    "cv": ("a cross-validation", "hemotk train --folds"),
    "sweep": ("a sweep of prunings", "hemotk prune --sweep"),
    "split": ("a split", "hemotk data split"),
    "bench": ("a bench report", "hemotk bench --json"),
    "audit": ("an audit", "hemotk data audit --json"),
    "plan": ("a plan", "hemotk plan --json"),
    "costs": ("a table of costs", "hemotk prune --costs"),
    "golden": ("a golden set", "hemotk export"),
    "outputs": ("outputs of an app", ""),
    "verification": ("a verification", "hemotk verify --json"),
    "predictions": ("scores of pictures", "hemotk predict --json"),
    "device-bench": ("the bench of a phone or a page", ""),
    "calibration": ("the list of a bundle's calibration images", "hemotk export"),
    "site": ("the card of a web page", "hemotk web"),
}
# The file that a folder has → its kind.
_FOLDERS: Mapping[str, str] = {
    "run.json": "run",
    "bundle.json": "bundle",
    "testset.json": "testset",
    "cv.json": "cv",
    "sweep.json": "sweep",
    "site.json": "site",
}
# (what is there, what was wanted) → the next step; {0} is the path
_STEPS: Mapping[tuple[str, str], str] = {
    ("run", "bundle"): "make one of it with `hemotk export {0}`",
    ("run", "split"): "name its split, {0}/split.json",
    ("run", "images"): "name the images, or its split, {0}/split.json",
    ("bundle", "run"): "name the run that it was exported from",
    ("bundle", "images"): "name the images that it is to score or to learn from",
    ("testset", "run"): "name a run folder",
    ("testset", "bundle"): "name the bundle that it belongs to",
    ("testset", "images"): "name the images that it was made of",
    ("cv", "run"): "name one of its folds, such as {0}/fold-1",
    ("cv", "bundle"): "export one of its folds first",
    ("split", "run"): "make one of it with `hemotk train {0}`",
    ("split", "bundle"): "train a run with `hemotk train {0}`, then export it",
    ("sweep", "run"): "name a run below it",
    ("sweep", "bundle"): "name a bundle below it",
}


def kind_of(path: Path) -> str:
    """The kind of the folder or JSON file at `path`, such as 'run'; empty for anything else."""
    if path.is_dir():
        return next((kind for card, kind in _FOLDERS.items() if _kind_of_file(path / card) == kind), "")
    return _kind_of_file(path)


def _kind_of_file(path: Path) -> str:
    if path.suffix.lower() != ".json" or not path.is_file():
        return ""
    try:
        return schema_kind(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError):
        return ""


def schema_kind(body: object) -> str:
    """The kind that parsed JSON says it is; empty if it is none of hemotk's."""
    schema = body.get("schema") if isinstance(body, dict) else None
    kind = str(schema).partition("/")[0].removeprefix("hemotk.")
    return kind if kind in CALLED else ""


def not_wanted(path: Path, found: str, wanted: str) -> str:
    """The sentence on `path`, which is of the kind `found` where one of the kind `wanted` is needed.

    `wanted` is a kind, or 'images' for a folder of pictures.
    """
    name, maker = ("a folder of images", "") if wanted == "images" else CALLED.get(wanted, ("what is needed", ""))
    step = _STEPS.get((found, wanted), f"name one that `{maker}` makes" if maker else "name another path")
    return f"{path}: is {CALLED[found][0]}, not {name}; {step.format(path)}."

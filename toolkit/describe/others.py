"""What else may lie at a path: files of hemotk without a description of their own, unfinished work, pictures."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from hemotk.artifacts.codec import schema_of
from hemotk.artifacts.site import SITE_CARD
from hemotk.artifacts.stages import kind_of
from hemotk.data.scan.listing import SUFFIXES
from hemotk.describe.descriptions import OtherDescription
from hemotk.store.unfinished import PARTIAL_SUFFIX

# what a folder may hold several of: the plural, and what to do with it
_LISTED: Mapping[str, tuple[str, str]] = {
    "run": ("runs", "`hemotk runs {0}` lists them"),
    "bundle": ("bundles", "`hemotk info` describes each"),
    "testset": ("test sets", "they belong to the bundles beside them"),
}
GRADLE = "settings.gradle.kts"
# schema → what the file is, and what to do with it
_FILES: Mapping[str, tuple[str, str]] = {
    "hemotk.audit": ("an audit", "`hemotk card RUN --audit FILE` takes it into a model card"),
    "hemotk.calibration": ("the images that a bundle was calibrated on, by name", "keep it in the house"),
    "hemotk.costs": (
        "a table of what each part of a network takes on a machine",
        "`hemotk prune --costs FILE` uses it",
    ),
    "hemotk.device-bench": ("the bench of a phone or a page", "`hemotk bench BUNDLE --import FILE` reads it"),
    "hemotk.golden": ("the golden set of a bundle", "`hemotk verify BUNDLE --against outputs.json` compares with it"),
    "hemotk.learned": ("what a run and those before it learned from", "it belongs to its run"),
    "hemotk.outputs": ("what an app made of the golden set", "`hemotk verify BUNDLE --against FILE` compares it"),
    "hemotk.phantoms": ("the card of a folder of phantoms", "`hemotk data split FOLDER` splits it"),
    "hemotk.plan": ("a plan", "`hemotk plan` makes such files"),
    "hemotk.predictions": ("scores of pictures", "`hemotk predict --json` makes such files"),
    "hemotk.sensitivity": ("how much each layer loses in int8", "it belongs to its bundle"),
    "hemotk.site": ("what a page says of its bundle", "it belongs to its page"),
    "hemotk.sweep": ("a sweep of prunings", "`hemotk info` describes the runs and bundles beside it"),
    "hemotk.verification": ("which step of an app differs", "`hemotk verify` makes such files"),
}


def describe_other(path: Path) -> OtherDescription | None:
    """What lies at `path` and what to do with it; None where hemotk does not know it."""
    found = _folder(path) if path.is_dir() else _file(path)
    return None if found is None else OtherDescription(str(path), *found)


def _folder(path: Path) -> tuple[str, str] | None:
    if path.name.endswith(PARTIAL_SUFFIX):
        name = path.name.removesuffix(PARTIAL_SUFFIX)
        return (
            "unfinished work",
            f"start the command that makes {name} again, with --resume, to go on; `hemotk runs {path.parent}` says how "
            "far a training is",
        )
    if (path / GRADLE).is_file() and (path / "core").is_dir():
        return "an Android project", "its README.md says how to build it"
    if (path / SITE_CARD).is_file():
        return "a web page", "`hemotk web --serve` shows one; a server can serve the folder as it is"
    if folds := len(list(path.glob("fold[0-9]*.json"))):
        return f"the splits of {folds} folds", f"`hemotk train {path} --folds {folds}` trains on each"
    if (path / "sweep.json").is_file():
        return "a sweep of prunings", "sweep.md and sweep.png show it; `hemotk info` describes the runs below it"
    kinds = Counter(kind for child in _shown(path) if child.is_dir() and (kind := kind_of(child)) in _LISTED)
    if kinds:
        ((kind, number),) = kinds.most_common(1)
        return f"a folder with {number} {kind if number == 1 else _LISTED[kind][0]}", _LISTED[kind][1].format(path)
    shown = (file for child in _shown(path) for file in (child, *child.rglob("*")))
    count = sum(1 for file in shown if file.suffix.lower() in SUFFIXES and file.is_file())
    if count:
        return f"a folder with {count:,} pictures", f"`hemotk data audit {path}` looks at them"
    return None


def _shown(folder: Path) -> Iterator[Path]:
    """What lies in a folder and is not hidden, as what is being written or replaced is."""
    return (child for child in folder.iterdir() if not child.name.startswith("."))


def _file(path: Path) -> tuple[str, str] | None:
    if path.suffix.lower() in SUFFIXES:
        return "a picture", f"`hemotk predict {path}` scores it"
    return _FILES.get(schema_of(path).partition("/")[0])

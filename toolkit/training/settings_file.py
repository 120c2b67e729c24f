"""`settings.toml` of a run: what it was made with, as options of the command that makes it again."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hemotk.artifacts import SPLIT_FILE
from hemotk.render.toml import Value, section
from hemotk.store.unfinished import PARTIAL_SUFFIX
from hemotk.training.config import APPEARANCES

# Settings that options are called after, by the source or the method of a run.
_TRAIN = (
    "arch",
    "recipe",
    "weights",
    "size",
    "epochs",
    "head_epochs",
    "head_views",
    "batch",
    "precision",
    "learning_rate",
    "rate_decay",
    "draw",
    "label_smoothing",
    "seed",
)
_OF_ALL = ("method", "epochs", "batch", "learning_rate", "seed")
_PRUNE: Mapping[str, tuple[str, ...]] = {
    "channels": (*_OF_ALL, "macs", "steps", "importance", "multiple", "drop_layers"),
    "magnitude": (*_OF_ALL, "sparsity", "structure", "begin", "end"),
}
_HEAD = ("head_epochs", "head_views")


def run_settings(settings: Mapping[str, Any], parents: Mapping[str, str], out: Path) -> str:
    """The settings of the run at `out`, as its card has them, as TOML; `parents` are checksums by name.

    Settings that no option gives stand in a comment.
    """
    return _pruned(settings, parents, out) if "method" in settings else _trained(settings, out)


def _trained(settings: Mapping[str, Any], out: Path) -> str:
    # While a cross-validation or a sweep goes on, its runs lie in a folder with another name.
    place = Path(*(part.removesuffix(PARTIAL_SUFFIX) for part in out.parts))
    values: dict[str, Value] = {"source": (place / SPLIT_FILE).as_posix()}
    scratch = settings["weights"] == "none"
    values |= _given(settings, [name for name in _TRAIN if not (scratch and name in _HEAD)])
    window = settings["window"]
    values["window"] = f"{window['level']:g}/{window['width']:g}"
    values |= _operating(settings["operating"])
    used = [*_TRAIN, "window", "operating"]
    looks = [name for name, look in APPEARANCES.items() if asdict(look) == settings["appearance"]]
    if looks:
        values["appearance"] = looks[0]
        used.append("appearance")
    return section(
        "train",
        values,
        (
            f"How {out.name} was trained. hemotk train --config THIS_FILE --out ANOTHER_RUN trains it again.",
            *_others(settings, used),
        ),
    )


def _operating(operating: Mapping[str, Any]) -> dict[str, Value]:
    values: dict[str, Value] = {"calibrate": bool(operating["calibrate"])}
    if operating["rule"] == "sensitivity":
        return {"min-sensitivity": operating["min_sensitivity"], **values}
    return {"threshold": "youden" if operating["rule"] == "youden" else operating["threshold"], **values}


def _pruned(settings: Mapping[str, Any], parents: Mapping[str, str], out: Path) -> str:
    names = _PRUNE[settings["method"]]
    # A structure says how many zeros there are, and when they come.
    implied = ("structure",) if settings.get("structure") == "none" else ("sparsity", "begin", "end")
    values = _given(settings, [name for name in names if name not in implied])
    used = [*names]
    if settings.get("latency_ratio") is not None:
        values["target-latency-ratio"] = settings["latency_ratio"]
    if "distill" in settings:
        values |= {f"teacher-{name}": value for name, value in settings["distill"].items()}
    used += ["latency_ratio", "distill"]
    before = ", ".join(f"{name} {sha256[:12]}" for name, sha256 in parents.items())
    return section(
        "prune",
        values,
        (
            f"How {out.name} was pruned. hemotk prune RUN --config THIS_FILE --out ANOTHER_RUN prunes again.",
            f"The SHA-256 of what it was made from, of a run that of its run.json, begins with: {before}.",
            *_others(settings, used),
        ),
    )


def _given(settings: Mapping[str, Any], names: Sequence[str]) -> dict[str, Value]:
    return {name.replace("_", "-"): settings[name] for name in names if settings.get(name) is not None}


def _others(settings: Mapping[str, Any], used: Sequence[str]) -> tuple[str, ...]:
    """What no option gives, in a line."""
    rest = {name: value for name, value in settings.items() if name not in used}
    words = ", ".join(f"{name} {_plain(value)}" for name, value in rest.items())
    return (f"No option gives: {words}.",) if words else ()


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "(" + ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items()) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value).replace("\n", " ")

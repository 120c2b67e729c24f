"""Unfinished work beside an output, and whether it is of the job that is asked for now."""

import json
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hemotk.artifacts import SPLIT_FILE
from hemotk.errors import HemotkError
from hemotk.store.lock import LOCK_FILES

PARTIAL_SUFFIX = ".partial"
CHECKPOINT_FILE = "checkpoint.npz"


def partial_of(out: Path) -> Path:
    """The folder in which the unfinished `out` grows, beside it.

    Raises:
        HemotkError: `out` has no name, as the folder one is in.
    """
    if out.name in ("", ".."):
        raise HemotkError(f"‹out› {out}: has no name of its own; name the folder to write, such as runs/first.")
    return out.with_name(out.name + PARTIAL_SUFFIX)


def kept_split(out: Path) -> Path | None:
    """The file with the split that the unfinished training of `out` was started with, if there is one."""
    path = partial_of(out) / SPLIT_FILE
    return path if path.is_file() else None


def foreign(folder: Path, files: Collection[str], folders: Collection[str] = ()) -> list[str]:
    """Sorted names in `folder` that are none of `files` and `folders`; none where there is no such folder.

    A file whose process was killed while writing it is not foreign: it has such a name with a dot before it.
    """
    if not folder.is_dir():
        return []
    return [path.name for path in sorted(folder.iterdir()) if not _is_one(path, folders if path.is_dir() else files)]


def remove_partial(folder: Path) -> None:
    """Remove `folder`, its lock and note last."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in LOCK_FILES:
            path.unlink(missing_ok=True)
    for name in LOCK_FILES:
        (folder / name).unlink(missing_ok=True)
    folder.rmdir()


def _is_one(path: Path, names: Collection[str]) -> bool:
    return path.name in names or path.name.startswith(tuple(f".{name}." for name in names))


def check_identity(
    path: Path, kept: Mapping[str, Any], identity: Mapping[str, Any], earlier: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Check that what was `kept` in `path` is what is asked for now; `earlier` has settings that older files lack.

    Raises:
        HemotkError: naming the first setting that differs.
    """
    asked = json.loads(json.dumps(dict(identity)))
    for name in asked:
        was = kept.get(name, earlier.get(name))
        if was != asked[name]:
            raise HemotkError(
                f"{path}: was trained with {name} {was}, now it is {asked[name]}; resume with the same "
                "settings, or remove the folder and start again."
            )

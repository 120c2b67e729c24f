"""The folders above a picture as facts: its class, the part it was given to, its patient."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hemotk.artifacts import Part
from hemotk.data.scan.offenders import counted, listed
from hemotk.data.scan.words import class_of, looks_like_fold, looks_like_patient, part_of
from hemotk.errors import HemotkError

_FEW, _SEVERAL = 3, 5  # names that a level needs to be one of patients: if they look like it, and if they do not
_MOST_SLICES = 100  # of one patient, on average, where names do not look like those of patients
_PLAIN_PAIRS = (("0", "1"), ("no", "yes"), ("false", "true"), ("negative", "positive"), ("neg", "pos"))


@dataclass(frozen=True)
class Level:
    """One level of folders, counted from 0 at the top, with the name that each file has there."""

    depth: int
    names: dict[str, str]

    def example(self) -> str:
        """Some names, for a sentence."""
        names = list(dict.fromkeys(self.names.values()))
        return ", ".join(names[:2]) + (" …" if len(names) > 2 else "")


def folders_of(file: str) -> list[str]:
    """The folders above `file`, a path with '/', from the top."""
    return file.split("/")[:-1]


def levels(files: Sequence[str]) -> list[Level]:
    """Every level of folders that at least one file has."""
    all_levels: list[Level] = []
    for file in files:
        for depth, name in enumerate(folders_of(file)):
            if depth == len(all_levels):
                all_levels.append(Level(depth, {}))
            all_levels[depth].names[file] = name
    return all_levels


def class_labels(files: Sequence[str], classes: tuple[str, str]) -> dict[str, int]:
    """The label of each file that lies below a folder of a class, by the level where most files do."""
    labels = [_read(level, lambda name: class_of(name, classes)) for level in levels(files)]
    best = max(labels, key=len, default={})
    if best or not labels:
        return best
    for pair in _PLAIN_PAIRS:
        for level in levels(files):
            if len(level.names) == len(files) and {name.casefold() for name in level.names.values()} == set(pair):
                return {file: pair.index(name.casefold()) for file, name in level.names.items()}
    return {}


def names_of(files: Sequence[str], labels: Mapping[str, int], label: int) -> set[str]:
    """The names of the folders with pictures of `label`, at the one level that tells the classes apart."""
    for level in levels(files):
        names = [{name for file, name in level.names.items() if labels.get(file) == one} for one in (0, 1)]
        if len(level.names) == len(files) and not names[0] & names[1] and max(map(len, names)) <= _SEVERAL:
            return names[label]
    return set()


def two_classes_at_once(files: Iterable[str], classes: tuple[str, str]) -> list[str]:
    """Files below folders of both classes."""
    return [file for file in files if len({class_of(name, classes) for name in folders_of(file)} - {None}) > 1]


def given_parts(files: Sequence[str]) -> dict[str, Part]:
    """The part of each file, if all of them lie below folders such as train/, val/ and test/; else nothing."""
    for level in levels(files):
        parts = _read(level, part_of)
        if len(parts) == len(files) and len(set(parts.values())) > 1:
            return parts
    return {}


def folders_like_parts(folder: Path, files: Sequence[str], classes: tuple[str, str]) -> Level | None:
    """The outermost level of folders that may name parts and that `given_parts` cannot read.

    Raises:
        HemotkError: folders of two parts or more lie beside others.
    """
    for level in levels(files):
        names = dict.fromkeys(level.names.values())
        parts = {name: part_of(name) for name in names if class_of(name, classes) is None}
        named = {part for part in parts.values() if part}
        others = [name for name, part in parts.items() if part is None]
        if len(named) > 1 and (others or len(level.names) < len(files)):
            lying = [file for file in files if part_of(level.names.get(file, "")) is None]
            beside = listed([f"{name}/" for name, part in parts.items() if part])
            raise HemotkError(
                f"{folder / (others[0] if others else lying[0])}: lies beside the folders {beside}, and is no part "
                f"({counted(len(lying), 'picture')}); move it into one of them, or give all of them names that are no "
                "parts."
            )
        if others and (named or all(map(looks_like_fold, others))) and len(names) > 1:
            return level
    return None


def patient_level(files: Sequence[str], labels: dict[str, int], classes: tuple[str, str]) -> tuple[Level | None, bool]:
    """The outermost level of folders that may be patients, and whether it plainly is."""
    for level in levels(files):
        names = set(level.names.values())
        if len(level.names) < len(files) or len(names) < _FEW:
            continue
        if any(class_of(name, classes) is not None or part_of(name) or looks_like_fold(name) for name in names):
            continue
        return level, _plainly_patients(level, names, labels)
    return None, False


def file_name_patients(files: Sequence[str]) -> Level | None:
    """The text before the last number in the files' names, where that may be the patient: `p050_s01` → `p050`."""
    names = {file: _before_last_number(file.rpartition("/")[2]) for file in files}
    counts = Counter(names.values())
    several = [name for name, count in counts.items() if count > 1]
    if "" in counts or len(counts) < _FEW or len(several) * 2 < len(counts):
        return None
    return Level(-1, names) if all(any(letter.isdecimal() for letter in name) for name in counts) else None


def _before_last_number(name: str) -> str:
    stem = (name.rpartition(".")[0] or name).rstrip(")")  # Windows numbers files so: `P7 (2).png`
    head = stem.rstrip("0123456789")
    if head == stem:
        return ""
    return head.rstrip("-_ .(abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")


def _plainly_patients(level: Level, names: set[str], labels: dict[str, int]) -> bool:
    if all(looks_like_patient(name) for name in names):
        return True
    pure = len({(name, labels.get(file)) for file, name in level.names.items()}) == len(names)
    return pure and len(names) >= _SEVERAL and len(level.names) <= _MOST_SLICES * len(names)


def _read(level: Level, meaning: Callable[[str], object]) -> dict:  # type: ignore[type-arg]
    known = {name: meaning(name) for name in set(level.names.values())}
    return {file: known[name] for file, name in level.names.items() if known[name] is not None}

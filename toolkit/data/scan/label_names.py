"""The file that a table means: by path, by name, by an id without zeros or suffix, or by patient and slice."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePosixPath

_WINDOW = "brain"  # CT-ICH has each slice in two windows, in folders of these names


class Names:
    """Finds files, paths with '/', by what a table calls them; letter case, slashes and suffixes may differ."""

    def __init__(self, files: Sequence[str], suffixes: Iterable[str]) -> None:
        self._suffixes = frozenset(suffixes)
        self._exact = {cleaned(file): file for file in files}
        self._short: dict[str, list[str]] = {}
        for file in files:
            for key in self._keys(cleaned(file)):
                self._short.setdefault(key, []).append(file)

    def find(self, cell: str) -> list[str]:
        """The files that `cell` may mean: one if it is plain, none if it names no file."""
        name = cleaned(cell)
        if name in self._exact:
            return [self._exact[name]]
        for tail in _tails(name.casefold()):
            for key in (tail, self._without_suffix(tail), _without_zeros(self._without_suffix(tail))):
                if found := self._short.get(key):
                    return found
        return []

    def _keys(self, file: str) -> set[str]:
        folded = file.casefold()
        keys = set()
        for tail in _tails(folded):
            stem = self._without_suffix(tail)
            keys |= {tail, stem}
        return keys | {_without_zeros(self._without_suffix(folded.rpartition("/")[2]))}

    def _without_suffix(self, name: str) -> str:
        suffix = PurePosixPath(name).suffix
        return name[: -len(suffix)] if suffix in self._suffixes else name


class NumberedSlices:
    """Finds files by the number of the patient and of the slice, the last two numbers in their paths."""

    def __init__(self, files: Sequence[str]) -> None:
        self._found: dict[tuple[int, int], list[str]] = {}
        for file in files:
            stem = str(PurePosixPath(file).with_suffix(""))
            numbers = [int(number) for number in re.findall(r"\d{1,15}", stem)]
            if len(numbers) > 1 and stem[-1].isdecimal():  # else it is a mask or the like: 12_HGE_Seg.jpg
                self._found.setdefault((numbers[-2], numbers[-1]), []).append(file)

    def find(self, patient: str, number: str) -> list[str]:
        """The files of slice `number` of `patient`; of several those in a folder called brain."""
        try:
            found = self._found.get((int(float(patient)), int(float(number))), [])
        except (ValueError, OverflowError):
            return []
        brain = [file for file in found if _WINDOW in PurePosixPath(file.casefold()).parts]
        return brain if len(found) > 1 and brain else found


def cleaned(path: str) -> str:
    """`path` with '/', composed letters, and nothing that means the same folder."""
    text = unicodedata.normalize("NFC", path).replace("\\", "/").strip().removeprefix("file://")
    return "/".join(part for part in text.split("/") if part not in ("", "."))


def _tails(path: str) -> Iterator[str]:
    """`a/b/c`, `b/c`, `c`."""
    parts = path.split("/")
    for start in range(len(parts)):
        yield "/".join(parts[start:])


def _without_zeros(name: str) -> str:
    return name.lstrip("0") or "0" if name.isdecimal() else name

"""The errors that hemotk raises on purpose.

    HemotkError            wrong use or bad input: exit code 2
    ├── FieldError         a field of an artefact or of a configuration does not fit
    ├── UnreadablePicture  one picture cannot be read, where others may be
    └── CheckFailed        the input was fine, the result is not: exit code 1

A message is one sentence: what, where, remedy. In the source, the name of a setting stands between ‹ and ›: a Python
user reads it as the name of an argument, the command line as its option.
"""

import re
from collections.abc import Callable

_SETTING = re.compile("‹([a-z_]+)›")


class HemotkError(Exception):
    """Wrong use or bad input: one sentence that says what, where (file, field) and the remedy. Exit code 2."""

    exit_code = 2

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence

    def __str__(self) -> str:
        return self.worded(str)

    def worded(self, name: Callable[[str], str]) -> str:
        """The sentence, with each setting called as `name` says: `lambda setting: '--' + setting`."""
        return _SETTING.sub(lambda match: name(match[1]), self.sentence)

    @property
    def field(self) -> str | None:
        """The setting that the sentence begins with; None where it begins with something else."""
        match = _SETTING.match(self.sentence)
        return None if match is None else match[1]

    @property
    def value(self) -> str | None:
        """The value of that setting, in words; None where the sentence does not say it."""
        match = _SETTING.match(self.sentence)
        if match is None:
            return None
        return self.sentence[match.end() :].partition(":")[0].strip() or None

    @property
    def remedy(self) -> str | None:
        """The remedy, without full stop; None where the sentence does not say it."""
        _, mark, remedy = str(self).rpartition("; ")
        return remedy.rstrip(".") if mark else None


class FieldError(HemotkError):
    """A value that does not fit its field; the reader adds the file's name and the remedy.

    `must` says what it must be, in words that go on after 'must be'; None where something else is wrong.
    """

    def __init__(self, sentence: str, field: str | None = None, must: str | None = None) -> None:
        super().__init__(sentence)
        self._field = field
        self.must = must

    @property
    def field(self) -> str | None:
        """The field that does not fit."""
        return self._field


class CheckFailed(HemotkError):
    """A gate or an export check that did not hold; the input was fine, the result is not. Exit code 1."""

    exit_code = 1


class UnreadablePicture(HemotkError):
    """One picture that cannot be read, where others may be."""

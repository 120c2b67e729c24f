"""The findings that an audit may fail on, word by word."""

from collections.abc import Callable, Mapping, Sequence

from hemotk.artifacts import AuditReport
from hemotk.errors import HemotkError


def _shortcuts(report: AuditReport) -> str:
    if not report.probes:
        return "shortcuts could not be looked for, which needs labels of both classes"
    names = ", ".join(probe.name for probe in report.shortcuts())
    return f"{names} alone predicts the label" if names else ""


def _contradictions(report: AuditReport) -> str:
    if not sum(report.counts):
        return "contradictions could not be looked for, since no image has a label"
    return _counted(len(report.contradictions()), "pairs of equal pictures have different labels")


def _leaks(report: AuditReport) -> str:
    leaks = (
        _counted(len(report.leaks()), "pairs of duplicates lie in two parts"),
        _counted(report.shared_patients or 0, "patients lie in several parts"),
    )
    return " and ".join(filter(None, leaks))


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count else ""


# word → what is wrong, empty if nothing is
GATES: Mapping[str, Callable[[AuditReport], str]] = {
    "unreadable": lambda report: _counted(len(report.unreadable), "files cannot be read"),
    "blank": lambda report: _counted(len(report.blank or ()), "pictures are blank"),
    "grays": lambda report: _counted(len(report.few_grays or ()), "pictures have 16 gray levels or fewer"),
    "duplicates": lambda report: _counted(len(report.pairs), "pairs are equal or nearly so"),
    "contradictions": _contradictions,
    "patients": lambda report: _counted(
        sum(pair.same_patient is False for pair in report.pairs), "pairs of duplicates are of two patients"
    ),
    "leaks": _leaks,
    "shortcuts": _shortcuts,
    "problems": lambda report: "; ".join(problem.rstrip(".") for problem in report.problems or ()),
}


def words_of(text: str) -> tuple[str, ...]:
    """The words in 'a,b', which may be empty.

    Raises:
        HemotkError: one of them is no gate.
    """
    words = tuple(filter(None, (word.strip() for word in text.split(","))))
    unknown = [word for word in words if word not in GATES]
    if unknown:
        raise HemotkError(f"‹fail_on› {','.join(unknown)}: is unknown; choose of {', '.join(GATES)}.")
    return words


def failures(report: AuditReport, words: Sequence[str]) -> list[str]:
    """A sentence for each of `words` that applies to `report`."""
    reasons = ((word, GATES[word](report)) for word in dict.fromkeys(words))
    return [f"{word}: {what}." for word, what in reasons if what]

"""One figure against one limit: holds, fails, or cannot be told from so few images or on such a machine."""

from collections.abc import Callable
from dataclasses import dataclass

from hemotk.artifacts import Estimate, Outcome, VariantResult, Verdict, row_name

# A drop of 3 of 30 images must not fail a limit of 0.1 because of how fractions round.
SLACK = 1e-9
# A limit of up to so many digits is printed as it was given.
_DIGITS = 15


@dataclass(frozen=True)
class Figure:
    """A measured value, None where there is none, and what it may be: its 95 % interval over `of`, such as "12 images".

    Without an interval `low` and `high` are the value.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    of: str = ""

    @property
    def least(self) -> float | None:
        """The lower end of the interval."""
        return self.value if self.low is None else self.low

    @property
    def most(self) -> float | None:
        """The upper end of the interval."""
        return self.value if self.high is None else self.high


def figure(estimate: Estimate | None, of: str) -> Figure:
    """`estimate` with its interval over `of`."""
    return Figure(None) if estimate is None else Figure(estimate.value, estimate.low, estimate.high, of)


@dataclass(frozen=True)
class LimitCheck:
    """One limit held against one row."""

    limit: str
    measured: float | None
    allowed: float | None
    outcome: Outcome
    words: str

    def verdict(self, row: VariantResult, several: bool, *, undecided_passes: bool) -> Verdict:
        """The check as the report keeps it; `several` says whether the report has several bundles."""
        sentence = f"{row_name(row, several)}: {self.words}"
        passed = self.outcome == "holds" or (self.outcome == "cannot tell" and undecided_passes)
        where = (row.bundle, row.source, row.kind)
        return Verdict(self.limit, *where, self.measured, self.allowed, passed, sentence, self.outcome)


def at_most(limit: str, measured: Figure, allowed: float, *, fails_at: float | None = None) -> LimitCheck:
    """Hold `measured` against a greatest value: it holds if its whole interval does, and fails if `fails_at` is above.

    `fails_at` is the value unless given otherwise; a figure that was not measured fails.
    """
    decisive = measured.value if fails_at is None else fails_at
    outcome = _outcome(decisive, measured.most, lambda value: value <= allowed + SLACK)
    held = measured.value is not None and measured.value <= allowed + SLACK
    value, bound = _said(measured.value, allowed, lambda number, most: (number <= most) == held)
    return _check(limit, measured, allowed, outcome, f"{limit} {value}, at most {bound} allowed")


def at_least(limit: str, measured: Figure, needed: float) -> LimitCheck:
    """Hold `measured` against a least value: it holds if its whole interval does, and fails if the value is below."""
    outcome = _outcome(measured.value, measured.least, lambda value: value >= needed - SLACK)
    held = measured.value is not None and measured.value >= needed - SLACK
    value, bound = _said(measured.value, needed, lambda number, least: (number >= least) == held)
    return _check(limit, measured, needed, outcome, f"{limit} {value}, at least {bound} needed")


def _outcome(decisive: float | None, farthest: float | None, keeps: Callable[[float], bool]) -> Outcome:
    if decisive is None or farthest is None or not keeps(decisive):
        return "fails"
    return "holds" if keeps(farthest) else "cannot tell"


def _check(limit: str, measured: Figure, bound: float, outcome: Outcome, words: str) -> LimitCheck:
    if outcome == "cannot tell":
        words += f"; cannot tell: over {measured.of} it may be {measured.least:.3g} to {measured.most:.3g}"
    return LimitCheck(limit, measured.value, bound, outcome, words)


def _said(measured: float | None, limit: float, agrees: Callable[[float, float], bool]) -> tuple[str, str]:
    """The measured value and the limit in words: three digits, or as many as it takes.

    A failing 0.94962 must not read as the 0.95 that was needed: `agrees` is whether two numbers, as printed, compare
    as those measured do.
    """
    bound = f"{limit:.{_DIGITS}g}"
    if measured is None:
        return "not measured", bound
    texts = [f"{measured:.{digits}g}" for digits in range(3, _DIGITS + 1)]
    return next((text for text in texts if agrees(float(text), float(bound))), texts[0]), bound

"""One limit held against one row of a bench, and what came of it."""

from dataclasses import dataclass
from typing import Literal, get_args

from hemotk.artifacts.bundle import Kind
from hemotk.artifacts.codec import require

Outcome = Literal["holds", "fails", "cannot tell"]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)


@dataclass(frozen=True)
class Verdict:
    """One limit held against one row; `measured` is None where there was nothing to measure, which fails.

    `passed` is the gate's count. `outcome` is the knowledge behind it: for "cannot tell" (too few patients, a busy
    machine), `passed` follows the setting for such cases. Files from before it have none: there it follows from
    `passed`.
    """

    limit: str
    bundle: str
    source: str
    kind: Kind
    measured: float | None
    allowed: float | None
    passed: bool
    sentence: str
    outcome: Outcome | None = None

    def __post_init__(self) -> None:
        fits = {"holds": (True,), "fails": (False,)}.get(self.outcome or "", (True, False))
        require(self.passed in fits, "outcome", "what 'passed' says, or 'cannot tell'")

    @property
    def told(self) -> Outcome:
        """The outcome, also of a file from before it was kept."""
        return self.outcome or ("holds" if self.passed else "fails")

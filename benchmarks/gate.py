"""The gate: limits held against what was measured, a pure function."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass

from hemotk.artifacts import HERE, VariantResult, Verdict, row_name
from hemotk.benchmarks.accuracy import CONSTANT, unusable
from hemotk.errors import HemotkError

FLOAT = "float32"
# int16x8 is a reference for fidelity: no accelerated kernels exist for it, and nobody ships it for its speed.
NOT_FOR_SPEED = ("int16x8",)
# A drop of 3 of 30 images must not fail a limit of 0.1 because of how fractions round.
SLACK = 1e-9
# A limit of up to so many digits is printed as it was given.
_DIGITS = 15
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Limits:
    """What every row but a float parent must keep to, and `min_auc`, which float parents keep to as well.

    Fractions, None for no limit. Drops are float parent − variant; `latency_ratio` is the median over the parent's;
    `flips` counts images; `score_drift` is the largest |Δ probability| of any image; `size` is in megabytes,
    10⁶ bytes.
    """

    accuracy_drop: float | None = 0.01
    latency_ratio: float | None = 1.1
    flips: int | None = None
    sensitivity_drop: float | None = 0.01
    score_drift: float | None = None
    min_auc: float | None = None
    size: float | None = None

    def __post_init__(self) -> None:
        for value, option, fits, must in (
            (self.accuracy_drop, "--max-accuracy-drop", _fraction, "a fraction, 0 to 1"),
            (self.sensitivity_drop, "--max-sensitivity-drop", _fraction, "a fraction, 0 to 1"),
            (self.score_drift, "--max-score-drift", _fraction, "a fraction, 0 to 1"),
            (self.min_auc, "--min-auc", _fraction, "a fraction, 0 to 1"),
            (self.latency_ratio, "--max-latency-ratio", _positive, "a finite number above 0"),
            (self.size, "--max-size", _positive, "a finite number above 0"),
            (self.flips, "--max-flips", lambda count: count >= 0, "0 or more"),
        ):
            if value is not None and not fits(value):
                raise HemotkError(f"{option}: must be {must}; change the value.")


def judge(rows: Sequence[VariantResult], limits: Limits) -> tuple[Verdict, ...]:
    """One verdict per limit and row; every row, float parents included, must be usable at all.

    Without labels `accuracy_drop` holds for the share of decisions that are not those of the float parent, the most
    that accuracy can have dropped. A limit whose figure could not be measured is not held, and fails. It is left out
    where no row can have the figure: the images have no labels or none with label 1, or the row's device ran no float
    parent to be compared with.
    """
    several, verdicts = len({row.bundle for row in rows}) > 1, []
    for row in rows:
        found = [_usable(row)]
        if not _broken(row):
            found += _held(row, rows, limits)
        verdicts += [check.verdict(row, several) for check in found]
    return tuple(verdicts)


def left_out(rows: Sequence[VariantResult], limits: Limits) -> tuple[str, ...]:
    """Which of the `limits` that were asked for `judge` leaves out, and why; a sentence each without full stop."""
    if all(row.kind == FLOAT for row in rows):
        return tuple(_without_variants(rows, limits))
    found = []
    if not _labelled(rows):
        asked = (limits.accuracy_drop, limits.sensitivity_drop, limits.min_auc)
        if any(limit is not None for limit in asked):
            found.append(_without_labels(limits))
    elif limits.sensitivity_drop is not None and not _positives(rows):
        found.append("no image has label 1: no limit on sensitivity was held")
    if limits.latency_ratio is not None:
        found += [
            f"no float32 was run on {source}: the latency limit was not held there"
            for source in dict.fromkeys(row.source for row in rows)
            if any(row.source == source and not _parent_there(row, rows) for row in rows)
        ]
    return tuple(found)


def _without_variants(rows: Sequence[VariantResult], limits: Limits) -> Iterator[str]:
    if any(limit is not None for limit in astuple(limits)):
        held = "no limit but that on AUC" if limits.min_auc is not None and _labelled(rows) else "no limit"
        yield f"no variant but float32: {held} was held"


def _without_labels(limits: Limits) -> str:
    if limits.accuracy_drop is None:
        return "the images have no labels: no limit on sensitivity or AUC was held"
    return (
        "the images have no labels: the limit on accuracy was held against the share of decisions that are not those "
        "of float, none on sensitivity or AUC was held"
    )


@dataclass(frozen=True)
class _Check:
    """One limit held against one row."""

    limit: str
    measured: float | None
    allowed: float | None
    passed: bool
    words: str

    def verdict(self, row: VariantResult, several: bool) -> Verdict:
        sentence = f"{row_name(row, several)}: {self.words}"
        where = (row.bundle, row.source, row.kind)
        return Verdict(self.limit, *where, self.measured, self.allowed, self.passed, sentence)


def _usable(row: VariantResult) -> _Check:
    reason = _broken(row) or ("; ".join(row.findings) if unusable(row.findings) else "")
    return _Check("usable", float(not reason), None, not reason, reason or "runs, and its scores are usable")


def _broken(row: VariantResult) -> str:
    """Why no limit can be held against the row; empty if one can."""
    if row.failure:
        return row.failure
    if row.scores is None or None in row.scores.logit + row.scores.output or CONSTANT in row.findings:
        return "; ".join(row.findings) or "has no scores"
    return ""


def _held(row: VariantResult, rows: Sequence[VariantResult], limits: Limits) -> Iterator[_Check]:
    labelled, paired = _labelled(rows), row.paired
    if labelled and limits.min_auc is not None:
        yield _at_least("AUC", None if row.metrics is None else row.metrics.auc.value, limits.min_auc)
    if row.kind == FLOAT:
        return
    if limits.accuracy_drop is not None:
        if labelled:
            yield _at_most("accuracy drop", _drop(row, rows, "accuracy"), limits.accuracy_drop)
        else:
            yield _at_most("disagreement with float", _disagreement(row), limits.accuracy_drop)
    if labelled and limits.sensitivity_drop is not None and _positives(rows):
        yield _at_most("sensitivity drop", _drop(row, rows, "sensitivity"), limits.sensitivity_drop)
    if limits.flips is not None:
        yield _at_most("flips", None if paired is None else float(len(paired.flips)), float(limits.flips))
    if limits.score_drift is not None:
        yield _at_most("score drift", None if paired is None else paired.max_drift, limits.score_drift)
    if limits.latency_ratio is not None and row.kind not in NOT_FOR_SPEED and _parent_there(row, rows):
        ratio = None if row.latency is None else row.latency.ratio.value
        yield _at_most("latency ratio", ratio, limits.latency_ratio)
    if limits.size is not None:
        yield _at_most("size in MB", row.bytes / MEGABYTE, limits.size)


def _drop(row: VariantResult, rows: Sequence[VariantResult], figure: str) -> float | None:
    """Float parent − row; the parent measured here is as good where the row's device could not run it."""
    parents = (_parent(row, rows, source) for source in (row.source, HERE))
    before = next((parent.metrics for parent in parents if parent is not None and parent.metrics is not None), None)
    if row.metrics is None or before is None:
        return None
    value, parent_value = getattr(row.metrics, figure).value, getattr(before, figure).value
    return None if value is None or parent_value is None else float(parent_value - value)


def _disagreement(row: VariantResult) -> float | None:
    """The share of images decided otherwise than by the float parent: accuracy cannot have dropped by more."""
    agreement = None if row.paired is None else row.paired.agreement.value
    return None if agreement is None else 1 - agreement


def _parent(row: VariantResult, rows: Sequence[VariantResult], source: str) -> VariantResult | None:
    wanted = (row.bundle, source, FLOAT)
    return next((other for other in rows if (other.bundle, other.source, other.kind) == wanted), None)


def _parent_there(row: VariantResult, rows: Sequence[VariantResult]) -> bool:
    return _parent(row, rows, row.source) is not None


def _labelled(rows: Sequence[VariantResult]) -> bool:
    """Whether the images have labels, told by any row that has metrics; if all rows failed nothing is held anyway."""
    return any(row.metrics is not None for row in rows)


def _positives(rows: Sequence[VariantResult]) -> bool:
    return any(row.metrics is not None and row.metrics.positives for row in rows)


def _at_most(limit: str, measured: float | None, allowed: float) -> _Check:
    held = measured is not None and measured <= allowed + SLACK
    found, bound = _said(measured, allowed, lambda value, most: (value <= most) == held)
    return _Check(limit, measured, allowed, held, f"{limit} {found}, at most {bound} allowed")


def _at_least(limit: str, measured: float | None, needed: float) -> _Check:
    held = measured is not None and measured >= needed - SLACK
    found, bound = _said(measured, needed, lambda value, least: (value >= least) == held)
    return _Check(limit, measured, needed, held, f"{limit} {found}, at least {bound} needed")


def _said(measured: float | None, limit: float, agrees: Callable[[float, float], bool]) -> tuple[str, str]:
    """What was measured, in three digits or as many as it takes, and the limit.

    A failing 0.94962 must not read as the 0.95 that was needed: `agrees` is whether two numbers, as printed, compare
    as those measured do.
    """
    bound = f"{limit:.{_DIGITS}g}"
    if measured is None:
        return "not measured", bound
    texts = [f"{measured:.{digits}g}" for digits in range(3, _DIGITS + 1)]
    return next((text for text in texts if agrees(float(text), float(bound))), texts[0]), bound


def _fraction(value: float) -> bool:
    return 0 <= value <= 1


def _positive(value: float) -> bool:
    return 0 < value < float("inf")

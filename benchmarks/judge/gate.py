"""The gate: limits held against what was measured, a pure function."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import astuple, dataclass

from hemotk.artifacts import HERE, PARENTS, DrawnCheck, Drops, Estimate, Outcome, VariantResult, Verdict
from hemotk.benchmarks.judge.accuracy import CONSTANT, unusable
from hemotk.benchmarks.judge.check import Figure, LimitCheck, at_least, at_most, figure
from hemotk.benchmarks.judge.limits import BenchLimits, Undecided
from hemotk.stats.paired import median_of_rounds

# int16x8 is a reference for fidelity: no accelerated kernels exist for it, and nobody ships it for its speed.
NOT_FOR_SPEED = ("int16x8",)
MEGABYTE = 1_000_000
# On a busy machine an interval of times is taken this much wider at both ends: it knows only what slowed whole rounds.
BUSY = 1.25


@dataclass(frozen=True)
class Doubt:
    """Reasons besides few images to leave limits undecided: the `busy` sources; and the outcome for such limits."""

    busy: Collection[str] = ()
    undecided: Undecided = "pass"


def judge(rows: Sequence[VariantResult], limits: BenchLimits, doubt: Doubt | None = None) -> tuple[Verdict, ...]:
    """One verdict per limit and row; every row, float parents included, must be usable at all.

    A limit on accuracy fails if the measured figure is beyond it, holds if its whole 95 % interval keeps it, and cannot
    be told in between. A limit on time fails only if the whole interval is beyond it. Where patients are known,
    intervals and p-values are over these. Flips, score drift and size are what they are on these images.

    Without labels `accuracy_drop` holds for the share of decisions that are not those of the float parent, the most
    that accuracy can have dropped. A limit whose figure could not be measured fails. It is left out where no row can
    have the figure: the images have no labels or none of one class, or the row's device ran no float parent to be
    compared with.
    """
    several, verdicts = len({row.bundle for row in rows}) > 1, []
    doubt = doubt or Doubt()
    for row in rows:
        checks = [_usable(row)]
        if not _broken(row):
            checks += _held(row, rows, limits)
            checks += _in_time(row, rows, limits, busy=row.source in doubt.busy)
            if limits.size is not None and row.kind not in PARENTS:
                checks.append(at_most("size in MB", Figure(row.bytes / MEGABYTE), limits.size))
        verdicts += [check.verdict(row, several, undecided_passes=doubt.undecided == "pass") for check in checks]
    return tuple(verdicts)


def left_out(rows: Sequence[VariantResult], limits: BenchLimits) -> tuple[str, ...]:
    """The requested limits that `judge` leaves out, and why; a sentence each without full stop."""
    if all(row.kind in PARENTS for row in rows):
        return tuple(_without_variants(rows, limits))
    sentences = []
    if not _labelled(rows):
        asked = (limits.accuracy_drop, limits.sensitivity_drop, limits.specificity_drop, limits.min_auc)
        if any(limit is not None for limit in (*asked, limits.min_sensitivity, limits.min_mcnemar_p)):
            sentences.append(_without_labels(limits))
    else:
        if (limits.sensitivity_drop, limits.min_sensitivity) != (None, None) and not _positives(rows):
            sentences.append("no image has label 1: no limit on sensitivity was held")
        if limits.specificity_drop is not None and not _negatives(rows):
            sentences.append("no image has label 0: no limit on specificity was held")
    sentences += [
        f"only drawn pictures were run on {source}: no limit on decisions was held there"
        for source in dict.fromkeys(row.source for row in rows if row.drawn is not None)
    ]
    if limits.latency_ratio is not None:
        sentences += [
            f"no float32 was run on {source}: the latency limit was not held there"
            for source in dict.fromkeys(row.source for row in rows)
            if any(row.source == source and not _parent_there(row, rows) for row in rows)
        ]
    return tuple(sentences)


def _without_variants(rows: Sequence[VariantResult], limits: BenchLimits) -> Iterator[str]:
    if any(limit is not None for limit in astuple(limits)):
        asked = (("AUC", limits.min_auc, True), ("sensitivity", limits.min_sensitivity, _positives(rows)))
        held = " and ".join(name for name, limit, there in asked if limit is not None and there and _labelled(rows))
        yield f"no float parent to compare with: {f'no limit but that on {held}' if held else 'no limit'} was held"


def _without_labels(limits: BenchLimits) -> str:
    none = "none on sensitivity, specificity or AUC"
    if limits.accuracy_drop is None:
        return "the images have no labels: no limit on sensitivity, specificity or AUC was held"
    return (
        "the images have no labels: the limit on accuracy was held against the share of decisions that are not those "
        f"of float, {none} was held"
    )


def _usable(row: VariantResult) -> LimitCheck:
    if row.drawn is not None:
        return _checked(row.drawn)
    reason = _broken(row) or ("; ".join(row.findings) if unusable(row.findings) else "")
    outcome: Outcome = "fails" if reason else "holds"
    return LimitCheck("usable", float(not reason), None, outcome, reason or "runs, and its scores are usable")


def _checked(drawn: DrawnCheck) -> LimitCheck:
    """A device that ran the drawn pictures alone: they show that it runs the model rightly, and nothing more."""
    return LimitCheck("usable", float(drawn.holds), None, "holds" if drawn.holds else "fails", drawn.words)


def _broken(row: VariantResult) -> str:
    """The reason why no limit can be held against the row; '' if there is none."""
    if row.failure:
        return row.failure
    if row.drawn is not None:
        return "" if row.drawn.holds else "does not give the recorded answers"
    if row.scores is None or None in row.scores.logit + row.scores.output or CONSTANT in row.findings:
        return "; ".join(row.findings) or "has no scores"
    return ""


def _held(row: VariantResult, rows: Sequence[VariantResult], limits: BenchLimits) -> Iterator[LimitCheck]:
    """Every limit on what the row says of the images."""
    paired, labelled = row.paired, _labelled(rows)
    if row.drawn is not None:
        return
    if labelled:
        yield from _absolute(row, rows, limits)
    if row.kind in PARENTS:
        return
    if labelled:
        yield from _against_parent(row, rows, limits)
    elif limits.accuracy_drop is not None:
        yield at_most("disagreement with float", _disagreement(row), limits.accuracy_drop)
    if limits.flips is not None:
        yield at_most("flips", Figure(None if paired is None else float(len(paired.flips))), float(limits.flips))
    if limits.score_drift is not None:
        yield at_most("score drift", Figure(None if paired is None else paired.max_drift), limits.score_drift)
    if limits.logit_shift is not None and _has_shift(row):
        shift = None if paired is None else paired.logit_shift
        yield at_most("logit shift", figure(shift, _paired_images(row)), limits.logit_shift)


def _has_shift(row: VariantResult) -> bool:
    """Whether the parent's logits have a spread that a shift can be measured by; unknown counts as yes."""
    if row.paired is None:
        return True
    return row.paired.logit_shift is not None and row.paired.logit_shift.value is not None


def _paired_images(row: VariantResult) -> str:
    """The unit that the interval of the shift counts."""
    count = 0 if row.scores is None else len(row.scores.logit)
    grouped = row.paired is not None and row.paired.grouped_agreement is not None
    return f"{count} images in groups" if grouped else f"{count} images"


def _absolute(row: VariantResult, rows: Sequence[VariantResult], limits: BenchLimits) -> Iterator[LimitCheck]:
    """The limits that float parents must keep to as well."""
    figures, of = row.grouped or row.metrics, _counted(row)
    if limits.min_auc is not None:
        yield at_least("AUC", figure(None if figures is None else figures.auc, of), limits.min_auc)
    if limits.min_sensitivity is not None and _positives(rows):
        positives = _counted(row, positive=True)
        found_share = figure(None if figures is None else figures.sensitivity, positives)
        yield at_least("sensitivity", found_share, limits.min_sensitivity)


def _against_parent(row: VariantResult, rows: Sequence[VariantResult], limits: BenchLimits) -> Iterator[LimitCheck]:
    for name, limit, there in (
        ("accuracy", limits.accuracy_drop, True),
        ("sensitivity", limits.sensitivity_drop, _positives(rows)),
        ("specificity", limits.specificity_drop, _negatives(rows)),
    ):
        if limit is not None and there:
            yield at_most(f"{name} drop", _drop(row, rows, name), limit)
    if limits.min_mcnemar_p is not None:
        yield _mcnemar(row, limits.min_mcnemar_p)


def _mcnemar(row: VariantResult, least: float) -> LimitCheck:
    """A change for the better is no reason to fail, however sure it is."""
    paired = row.paired
    if paired is None or paired.mcnemar is None or paired.lost is None or paired.gained is None:
        return at_least("McNemar p", Figure(None), least)
    measured = paired.mcnemar if paired.grouped_mcnemar is None else paired.grouped_mcnemar
    counts = f"{paired.lost} lost, {paired.gained} gained"
    if paired.lost <= paired.gained:
        return LimitCheck("McNemar p", measured, least, "holds", f"McNemar p {measured:.3g}: no net loss ({counts})")
    check = at_least("McNemar p", Figure(measured), least)
    return LimitCheck(check.limit, measured, least, check.outcome, f"{check.words} ({counts})")


def _in_time(
    row: VariantResult, rows: Sequence[VariantResult], limits: BenchLimits, *, busy: bool
) -> Iterator[LimitCheck]:
    if row.kind in PARENTS or row.kind in NOT_FOR_SPEED:
        return
    if limits.latency_ratio is not None and _parent_there(row, rows):
        yield _time(
            "latency ratio", None if row.latency is None else row.latency.ratio, limits.latency_ratio, row, busy
        )
    if limits.latency_ms is not None:
        median = None if row.latency is None else median_of_rounds(row.latency.rounds_ns)
        yield _time("median in ms", _scaled(median, 1e-6), limits.latency_ms, row, busy)


def _time(limit: str, estimate: Estimate | None, most: float, row: VariantResult, busy: bool) -> LimitCheck:
    rounds = 0 if row.latency is None else len(row.latency.rounds_ns)
    times = figure(estimate, f"{rounds} rounds")
    if busy and times.least is not None and times.most is not None:
        times = Figure(times.value, times.least / BUSY, times.most * BUSY, f"{rounds} rounds on a busy machine")
    return at_most(limit, times, most, fails_at=times.least)


def _scaled(estimate: Estimate | None, factor: float) -> Estimate | None:
    if estimate is None or estimate.value is None:
        return estimate
    if estimate.low is None or estimate.high is None:
        return Estimate(estimate.value * factor, method=estimate.method)
    return Estimate(estimate.value * factor, estimate.low * factor, estimate.high * factor, estimate.method)


def _drop(row: VariantResult, rows: Sequence[VariantResult], name: str) -> Figure:
    """Float parent − row; the parent measured here is as good where the row's device could not run it."""
    parents = (_parent(row, rows, source) for source in (row.source, HERE))
    before = next((parent.metrics for parent in parents if parent is not None and parent.metrics is not None), None)
    if row.metrics is None or before is None:
        return Figure(None)
    value, parent_value = getattr(row.metrics, name).value, getattr(before, name).value
    if value is None or parent_value is None:
        return Figure(None)
    drops = None if row.paired is None else row.paired.drops
    interval = Estimate(None) if drops is None else getattr(drops, name)
    return Figure(parent_value - value, interval.low, interval.high, "" if drops is None else _of_drops(drops, name))


def _of_drops(drops: Drops, name: str) -> str:
    counts = {
        "sensitivity": (drops.with_positive, " with label 1"),
        "specificity": (drops.with_negative, " with label 0"),
    }
    count, words = counts.get(name, (drops.groups, ""))
    if count is None:
        count = drops.with_positive + drops.with_negative
    return f"{_number(count, drops.groups is not None)}{words}"


def _counted(row: VariantResult, *, positive: bool = False) -> str:
    """The unit that the intervals of the row's figures count."""
    if row.grouped is not None:
        count = row.grouped.with_positive if positive else row.grouped.groups
        return _number(count or row.grouped.groups, True) + (" with label 1" if positive else "")
    if row.metrics is None:
        return ""
    return _number(row.metrics.positives if positive else row.metrics.count, False) + (
        " with label 1" if positive else ""
    )


def _number(count: int, of_groups: bool) -> str:
    one, many = ("group of images", "groups of images") if of_groups else ("image", "images")
    return f"{count} {one if count == 1 else many}"


def _disagreement(row: VariantResult) -> Figure:
    """The share of images decided otherwise than by the float parent: accuracy cannot have dropped by more."""
    if row.paired is None or row.paired.agreement.value is None:
        return Figure(None)
    agreement = row.paired.grouped_agreement or row.paired.agreement
    count = 0 if row.scores is None else len(row.scores.logit)
    of = f"{count} images" if row.paired.grouped_agreement is None else f"{count} images in groups"
    value = 1 - row.paired.agreement.value
    if agreement.low is None or agreement.high is None:
        return Figure(value)
    return Figure(value, 1 - agreement.high, 1 - agreement.low, of)


def _parent(row: VariantResult, rows: Sequence[VariantResult], source: str) -> VariantResult | None:
    wanted = (row.bundle, source)
    likely = (other for other in rows if other.kind in PARENTS)
    return next((other for other in likely if (other.bundle, other.source) == wanted), None)


def _parent_there(row: VariantResult, rows: Sequence[VariantResult]) -> bool:
    return _parent(row, rows, row.source) is not None


def _labelled(rows: Sequence[VariantResult]) -> bool:
    """Whether the images have labels, told by any row that has metrics; if all rows failed nothing is held anyway."""
    return any(row.metrics is not None for row in rows)


def _positives(rows: Sequence[VariantResult]) -> bool:
    return any(row.metrics is not None and row.metrics.positives for row in rows)


def _negatives(rows: Sequence[VariantResult]) -> bool:
    return any(row.metrics is not None and row.metrics.positives < row.metrics.count for row in rows)

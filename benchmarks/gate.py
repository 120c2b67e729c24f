"""The gate: limits held against what was measured, a pure function."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hemotk.artifacts import VariantResult, Verdict
from hemotk.benchmarks.accuracy import CONSTANT
from hemotk.errors import HemotkError

# int16x8 is a reference for fidelity: no accelerated kernels exist for it, and nobody ships it for its speed.
NOT_FOR_SPEED = ("int16x8",)
# A drop of 3 of 30 images must not fail a limit of 0.1 because of how fractions round.
SLACK = 1e-9


@dataclass(frozen=True)
class Limits:
    """What every variant but the float parent must keep to; fractions, None for no limit.

    `accuracy_drop` is float parent − variant, `latency_ratio` median over the parent's, `flips` a count of images.
    """

    accuracy_drop: float | None = 0.01
    latency_ratio: float | None = 1.1
    flips: int | None = None

    def __post_init__(self) -> None:
        for holds, option, must in (
            (self.accuracy_drop is None or 0 <= self.accuracy_drop <= 1, "--max-accuracy-drop", "a fraction, 0 to 1"),
            (self.latency_ratio is None or 0 < self.latency_ratio < float("inf"), "--max-latency-ratio", "above 0"),
            (self.flips is None or self.flips >= 0, "--max-flips", "0 or more"),
        ):
            if not holds:
                raise HemotkError(f"{option}: must be {must}; change the value.")


def judge(variants: Sequence[VariantResult], limits: Limits) -> tuple[Verdict, ...]:
    """One verdict per limit and variant; every variant, the float parent included, must be usable at all.

    `variants` has the float parent first. A limit whose figure could not be measured is not held.
    """
    parent, *others = variants
    verdicts = [_usable(parent)]
    for variant in others:
        verdicts.append(_usable(variant))
        if verdicts[-1].passed:
            verdicts.extend(_held(variant, parent, limits))
    return tuple(verdicts)


def _usable(variant: VariantResult) -> Verdict:
    reason = variant.failure
    if not reason and (variant.metrics is None or CONSTANT in variant.findings):
        reason = "; ".join(variant.findings) or "has no scores"
    sentence = f"{variant.kind}: {reason}" if reason else f"{variant.kind}: runs, and its scores are usable"
    return Verdict(
        "usable", variant.bundle, variant.source, variant.kind, float(not reason), None, not reason, sentence
    )


def _held(variant: VariantResult, parent: VariantResult, limits: Limits) -> Iterator[Verdict]:
    if limits.accuracy_drop is not None:
        drop = _accuracy_drop(variant, parent)
        yield _verdict("accuracy drop", variant, drop, limits.accuracy_drop)
    if limits.flips is not None:
        flips = None if variant.paired is None else float(len(variant.paired.flips))
        yield _verdict("flips", variant, flips, float(limits.flips))
    if limits.latency_ratio is not None and variant.kind not in NOT_FOR_SPEED:
        ratio = None if variant.latency is None else variant.latency.ratio.value
        yield _verdict("latency ratio", variant, ratio, limits.latency_ratio)


def _accuracy_drop(variant: VariantResult, parent: VariantResult) -> float | None:
    if variant.metrics is None or parent.metrics is None:
        return None
    before, after = parent.metrics.accuracy.value, variant.metrics.accuracy.value
    return None if before is None or after is None else before - after


def _verdict(limit: str, variant: VariantResult, measured: float | None, allowed: float) -> Verdict:
    if measured is None:
        sentence = f"{variant.kind}: {limit} not measured, at most {allowed:g} allowed"
        return Verdict(limit, variant.bundle, variant.source, variant.kind, None, allowed, False, sentence)
    sentence = f"{variant.kind}: {limit} {measured:.3g}, at most {allowed:g} allowed"
    held = measured <= allowed + SLACK
    return Verdict(limit, variant.bundle, variant.source, variant.kind, measured, allowed, held, sentence)

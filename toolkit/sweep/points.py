"""From a bench of all networks to one point each."""

from dataclasses import dataclass
from typing import Literal

from hemotk.artifacts import BenchReport, Measured, SweepPoint, VariantResult
from hemotk.errors import HemotkError


@dataclass(frozen=True)
class Network:
    """The facts about a network before it is measured; `bundle` is its name in the bench."""

    bundle: str
    kind: Literal["unpruned", "pruned", "reference"]
    arch: str
    run: str
    budget: float | None
    macs: int
    parameters: int


def point_of(network: Network, report: BenchReport) -> SweepPoint:
    """The point of `network`; the report's first bundle is the unpruned run's.

    Raises:
        HemotkError: one of its two variants could not be measured.
    """
    rows = {kind: _row(network, report, kind) for kind in ("float32", "int8")}
    paired = rows["int8"].paired
    if paired is None:
        raise HemotkError(_unmeasured(network, "int8", "it has no scores to compare with its float32's"))
    return SweepPoint(
        name=network.bundle,
        kind=network.kind,
        arch=network.arch,
        run=network.run,
        budget=network.budget,
        macs=network.macs,
        parameters=network.parameters,
        float32=_measured(network, rows["float32"]),
        int8=_measured(network, rows["int8"]),
        flips=len(paired.flips),
        drift=paired.max_drift,
    )


def _row(network: Network, report: BenchReport, kind: str) -> VariantResult:
    row = report.variant(kind, network.bundle)
    if row is None:
        raise HemotkError(_unmeasured(network, kind, "its bundle has none"))
    return row


def _measured(network: Network, row: VariantResult) -> Measured:
    if row.failure or row.latency is None or row.metrics is None:
        raise HemotkError(_unmeasured(network, row.kind, row.failure or "; ".join(row.findings) or "it has no scores"))
    ratio = row.latency.ratio if row.latency.ratio_to_first is None else row.latency.ratio_to_first
    shares = row.grouped or row.metrics
    return Measured(row.bytes, row.latency.p50_ns, ratio, shares.accuracy, shares.auc, row.metrics.loss)


def _unmeasured(network: Network, kind: str, why: str) -> str:
    return f"{network.bundle}: its {kind} could not be measured ({why}); leave this network out and add ‹resume›."

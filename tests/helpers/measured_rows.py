"""Rows of a bench report as the gate judges them, with figures made up."""

import dataclasses

from hemotk.artifacts import HERE, Estimate, Flip, ImageScores, Latency, Metrics, Paired, VariantResult
from hemotk.benchmarks.judge.limits import BenchLimits

NO_LIMITS = BenchLimits(*(None for _ in dataclasses.fields(BenchLimits)))
GOOD = ImageScores((0.5,), (0.6,), (0.6,))


def row(
    kind, accuracy=1.0, ratio=1.0, flips=0, *, sensitivity=None, auc=1.0, drift=0.0, shift=None, positives=15, **changes
):
    """A row of which a figure is None where it was not measured; `sensitivity` is the accuracy if not given."""
    share = Estimate(accuracy)
    found = Estimate(accuracy if sensitivity is None else sensitivity)
    metrics = None if accuracy is None else Metrics(30, positives, 0.5, share, found, share, Estimate(auc), 0.1, 0.1)
    flipped = tuple(Flip(str(index), 1, 0.6, 0.4) for index in range(flips or 0))
    paired = (
        None if flips is None else Paired(Estimate(1 - flips / 30), flipped, flips, 0, 1.0, drift, 0.0, Estimate(0.0))
    )
    latency = None if ratio is None else Latency(1, 1, (1,), ((1,),), 1.0, 1.0, 1.0, Estimate(ratio))
    plain = VariantResult("b", HERE, kind, f"{kind}.tflite", "0", 5_000_000)
    if paired is not None and shift is not None:
        paired = dataclasses.replace(paired, logit_shift=shift)
    measured = {"scores": GOOD, "metrics": metrics, "paired": paired, "latency": latency}
    return dataclasses.replace(plain, **{**measured, **changes})

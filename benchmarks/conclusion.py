"""What a test split of this size can show, in words."""

import math
from collections.abc import Iterator, Sequence

from hemotk.artifacts import HERE, Estimate, Paired, VariantResult, row_name
from hemotk.metrics import Z95

# The agreement that a reader may want shown.
WANTED = 0.99


def conclude(rows: Sequence[VariantResult]) -> str:
    """What the images can show of each bundle's int8 variant (or its last with scores), and what stays open."""
    several, bundles = len({row.bundle for row in rows}) > 1, dict.fromkeys(row.bundle for row in rows)
    judged = [row for row in rows if row.metrics is not None] or [row for row in rows if row.paired is not None]
    chosen = [_chosen([row for row in judged if row.bundle == bundle]) for bundle in bundles]
    usable = [row for row in chosen if row is not None]
    if not usable:
        return "No variant gave usable scores: this bench shows nothing about accuracy."
    subject = "test images" if usable[0].metrics is not None else "images without labels"
    shown = "; ".join(_compatible(row, row_name(row, several)) for row in usable)
    return " ".join([f"What {_count(usable[0])} {subject} can show: {shown} (95 % intervals).", *_limits(usable[0])])


def _chosen(rows: Sequence[VariantResult]) -> VariantResult | None:
    """The variant to speak of among those of one bundle that were measured here."""
    usable = [row for row in rows if row.source == HERE]
    return next((row for row in usable if row.kind == "int8"), usable[-1] if usable else None)


def _compatible(row: VariantResult, name: str) -> str:
    count, words = _count(row), []
    if row.metrics is not None and row.metrics.accuracy.value is not None:
        right = round(row.metrics.accuracy.value * count)
        accuracy = percent((row.grouped or row.metrics).accuracy) + _over_groups(row)
        words.append(f"{right} of {count} right ({name}) is compatible with a true accuracy of {accuracy}")
    if row.paired is not None:
        flips = f"{len(row.paired.flips)} of {count} flipped" + ("" if words else f" ({name})")
        verb = "with" if words else "is compatible with"
        words.append(f"{flips} {verb} {_agreement(row, row.paired)}")
    return ", and ".join(words)


def _limits(row: VariantResult) -> Iterator[str]:
    """What stays open with so few images."""
    metrics, found = row.metrics, row.calibration
    if metrics is None:
        yield "Without labels they show nothing about accuracy."
    elif metrics.sensitivity.value is not None:
        right, count = round(metrics.sensitivity.value * metrics.positives), metrics.positives
        yield (
            f"Of the {count} {'image' if count == 1 else 'images'} with label 1 alone, {right} found is compatible "
            f"with a sensitivity of {percent((row.grouped or metrics).sensitivity)}{_over_groups(row)}."
        )
    paired = row.paired
    # How many images of groups it takes depends on the groups.
    if paired is not None and paired.grouped_agreement is None and (paired.agreement.low or 0) < WANTED:
        needed = math.ceil(Z95**2 * WANTED / (1 - WANTED))
        yield f"To show an agreement of at least {WANTED:.0%} takes {needed} images without a flip.".replace("%", " %")
    if found is not None and found.error.value is not None:
        images = "images" if row.grouped is None else "independent images"
        more = "more than" if found.error.value > found.by_chance else "no more than"
        yield (
            f"A calibration error of {found.error.value:.3f} is {more} what perfectly calibrated probabilities show by "
            f"chance on so many {images} (up to {found.by_chance:.3f})."
        )


def _agreement(row: VariantResult, paired: Paired) -> str:
    if paired.grouped_agreement is None:
        return f"{percent(paired.agreement)} agreement with float"
    return f"{percent(paired.grouped_agreement)} agreement with float{_over_groups(row) or ' (over groups)'}"


def _over_groups(row: VariantResult) -> str:
    return "" if row.grouped is None else f" (over {row.grouped.groups} groups)"


def _count(row: VariantResult) -> int:
    if row.metrics is not None:
        return row.metrics.count
    return len(row.scores.logit) if row.scores is not None else 0


def percent(estimate: Estimate) -> str:
    """An interval in whole percent, rounded outwards."""
    low, high = estimate.low or 0.0, 1.0 if estimate.high is None else estimate.high
    return f"{math.floor(100 * low)}–{math.ceil(100 * high)} %"

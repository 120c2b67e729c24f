"""The conclusion in words: how much so many images can show."""

import math
from collections.abc import Iterable, Iterator, Sequence

from hemotk.artifacts import HERE, Paired, VariantResult, row_name
from hemotk.render.numbers import interval
from hemotk.stats.metrics import Z95

# The agreement that a reader may want shown.
WANTED = 0.99


def conclude(rows: Sequence[VariantResult]) -> str:
    """The conclusion on each bundle's int8 variant (or its last with scores), and the questions that stay open."""
    several, bundles = len({row.bundle for row in rows}) > 1, dict.fromkeys(row.bundle for row in rows)
    judged = [row for row in rows if row.metrics is not None] or [row for row in rows if row.paired is not None]
    chosen = [_chosen([row for row in judged if row.bundle == bundle]) for bundle in bundles]
    usable = [row for row in chosen if row is not None]
    if not usable:
        return "No variant gave usable scores: this bench shows nothing about accuracy."
    subject = "images" if usable[0].metrics is not None else "images without labels"
    shown = "; ".join(_compatible(row, row_name(row, several)) for row in usable)
    limits = _limits(usable, several)
    return " ".join([f"What {_count(usable[0])} {subject} can show: {shown} (95 % intervals).", *limits])


def _chosen(rows: Sequence[VariantResult]) -> VariantResult | None:
    """The variant to speak of among those of one bundle that were measured here."""
    usable = [row for row in rows if row.source == HERE]
    return next((row for row in usable if row.kind == "int8"), usable[-1] if usable else None)


def _compatible(row: VariantResult, name: str) -> str:
    count, words = _count(row), []
    if row.metrics is not None and row.metrics.accuracy.value is not None:
        right = round(row.metrics.accuracy.value * count)
        accuracy = interval((row.grouped or row.metrics).accuracy) + _over_groups(row)
        words.append(f"{right} of {count} right ({name}) is compatible with a true accuracy of {accuracy}")
    if row.paired is not None:
        flips = f"{len(row.paired.flips)} of {count} flipped" + ("" if words else f" ({name})")
        verb = "with" if words else "is compatible with"
        words.append(f"{flips} {verb} {_agreement(row, row.paired)}")
    return ", and ".join(words)


def _limits(rows: Sequence[VariantResult], several: bool) -> Iterator[str]:
    """The questions that stay open with so few images; one row of each bundle, all on the same images."""
    if rows[0].metrics is None:
        yield "Without labels they show nothing about accuracy."
    yield from _sentence(_sensitivities(rows, several))
    if any(_may_agree_less(row.paired) for row in rows if row.paired is not None):
        needed = math.ceil(Z95**2 * WANTED / (1 - WANTED))
        yield f"To show an agreement of at least {WANTED:.0%} takes {needed} images without a flip.".replace("%", " %")
    yield from _sentence(_calibration_errors(rows, several))


def _sensitivities(rows: Sequence[VariantResult], several: bool) -> Iterator[str]:
    """The number of images with label 1 that each row found; the first also says of how many."""
    first = True
    for row in rows:
        metrics = row.metrics
        if metrics is None or metrics.sensitivity.value is None:
            continue
        count = metrics.positives
        hits = f"{round(metrics.sensitivity.value * count)} found{_in_brackets(row, several)}"
        share = interval((row.grouped or metrics).sensitivity)
        if first:
            yield (
                f"Of the {count} {'image' if count == 1 else 'images'} with label 1 alone, {hits} is compatible "
                f"with a sensitivity of {share}{_over_positive_groups(row)}"
            )
        else:
            yield f"{hits} with one of {share}"
        first = False


def _may_agree_less(paired: Paired) -> bool:
    # How many images of groups it takes depends on the groups.
    return paired.grouped_agreement is None and (paired.agreement.low or 0) < WANTED


def _calibration_errors(rows: Sequence[VariantResult], several: bool) -> Iterator[str]:
    """Each row's calibration error beside what chance gives; the first says what is meant by that."""
    first = True
    for row in rows:
        calibration = row.calibration
        if calibration is None or calibration.error.value is None:
            continue
        error, by_chance = told_apart(calibration.error.value, calibration.by_chance)
        more = "more than" if calibration.error.value > calibration.by_chance else "no more than"
        of = f"{error}{_in_brackets(row, several)} is {more}"
        if first:
            images = "images" if row.grouped is None else "independent images"
            chance = f"what perfectly calibrated probabilities show by chance on so many {images}"
            yield f"A calibration error of {of} {chance} (up to {by_chance})"
        else:
            yield f"one of {of} that (up to {by_chance})"
        first = False


def _sentence(parts: Iterable[str]) -> Iterator[str]:
    words = "; ".join(parts)
    if words:
        yield f"{words}."


def _in_brackets(row: VariantResult, several: bool) -> str:
    return f" ({row_name(row, True)})" if several else ""


def _agreement(row: VariantResult, paired: Paired) -> str:
    if paired.grouped_agreement is None:
        return f"an agreement with float of {interval(paired.agreement)}"
    return f"an agreement with float of {interval(paired.grouped_agreement)}{_over_groups(row) or ' (over groups)'}"


def _over_groups(row: VariantResult) -> str:
    return "" if row.grouped is None else f" (over {_groups(row.grouped.groups)})"


def _over_positive_groups(row: VariantResult) -> str:
    """Groups without any image with label 1 say nothing about sensitivity."""
    if row.grouped is None or row.grouped.with_positive is None:
        return _over_groups(row)
    return f" (over {_groups(row.grouped.with_positive)} with label 1)"


def _groups(count: int) -> str:
    return f"{count} {'group' if count == 1 else 'groups'}"


def _count(row: VariantResult) -> int:
    if row.metrics is not None:
        return row.metrics.count
    return len(row.scores.logit) if row.scores is not None else 0


def told_apart(first: float, second: float) -> tuple[str, str]:
    """Both with three digits after the point, or as many as it takes to tell them apart where they differ."""
    digits = next((count for count in range(3, 18) if f"{first:.{count}f}" != f"{second:.{count}f}"), 3)
    return f"{first:.{digits}f}", f"{second:.{digits}f}"

"""A report against an earlier one: what got worse, image by image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from hemotk.artifacts import HERE, BenchReport, ImageRef, Outcome, VariantResult, Verdict
from hemotk.artifacts.baseline import Baseline, BaselineRow
from hemotk.artifacts.report import row_name
from hemotk.benchmarks.judge.accuracy import RowDecisions, RowJudge
from hemotk.benchmarks.judge.limits import Undecided
from hemotk.errors import HemotkError
from hemotk.tflite.scorer import Scores

LIMIT = "baseline"
# A loss of decisions at a smaller p-value is no chance.
CHANCE = 0.05


@dataclass(frozen=True)
class _Shared:
    """The images of both reports, and where they are in each."""

    images: tuple[ImageRef, ...]
    now: tuple[int, ...]
    then: tuple[int, ...]


def against(report: BenchReport, then: BenchReport, sha256: str, undecided: Undecided) -> BenchReport:
    """`report` with `then`, whose file has this SHA-256, as its baseline: a verdict for every row that both have.

    Rows are matched by kind, and by the name of the bundle where a report has several. Only rows measured on the
    machine of each bench take part, on the images that have the same id and label in both. A row got worse if it lost
    more right decisions than it gained, and McNemar's test gives less than 0.05, over groups where they are known. If
    it lost more at a larger p-value, it cannot be told. Without labels any decision that changed cannot be told.

    Raises:
        HemotkError: the reports have no row or no image in common.
    """
    shared, notes = _shared(report, then)
    rows, verdicts = [], []
    for row in report.variants:
        before = _match(report, then, row)
        if row.source != HERE or row.scores is None:
            continue
        if before is None or before.scores is None:
            notes.append(f"{_name(report, row)} has no counterpart in the baseline")
            continue
        found = _row(report, then, row, before, shared)
        if found is None:
            notes.append(f"{_name(report, row)}: a score is NaN or infinity, now or then")
            continue
        rows.append(found)
        verdicts.append(_verdict(report, row, found, undecided))
    if not rows:
        raise HemotkError(
            f"‹baseline›: has none of the rows that were measured now ({', '.join(notes)}); give the report of a bench "
            "of the same kinds."
        )
    every = (*report.verdicts, *verdicts)
    return replace(
        report,
        baseline=Baseline(sha256, then.created, tuple(rows), tuple(notes)),
        verdicts=every,
        passed=all(verdict.passed for verdict in every),
    )


def _shared(report: BenchReport, then: BenchReport) -> tuple[_Shared, list[str]]:
    places = {image.id: place for place, image in enumerate(then.images)}
    both = [(place, places[image.id]) for place, image in enumerate(report.images) if image.id in places]
    same = [(now, old) for now, old in both if report.images[now].label == then.images[old].label]
    if not same:
        raise HemotkError(
            "‹baseline›: has none of the images that were scored now, or other labels for all; give the report of a "
            "bench of the same images."
        )
    notes = []
    if len(same) < len(both):
        notes.append(f"{len(both) - len(same)} images have another label now and were left out")
    for words, count in (("only now", len(report.images) - len(both)), ("only then", len(then.images) - len(both))):
        if count:
            notes.append(f"{count} images were scored {words}")
    sets = [{bundle.testset_sha256 for bundle in each.bundles} if not each.folder else set() for each in (report, then)]
    if not sets[0] & sets[1]:
        notes.append("images are taken for the same because their ids are; their contents were not compared")
    now, old = zip(*same, strict=True)
    return _Shared(tuple(report.images[place] for place in now), now, old), notes


def _match(report: BenchReport, then: BenchReport, row: VariantResult) -> VariantResult | None:
    several = len(report.bundles) > 1 or len(then.bundles) > 1
    return then.variant(row.kind, row.bundle if several else "")


def _row(
    report: BenchReport, then: BenchReport, row: VariantResult, before: VariantResult, shared: _Shared
) -> BaselineRow | None:
    decided = _decided(report, row, shared.images, shared.now)
    decided_before = _decided(then, before, shared.images, shared.then)
    judge = _judge(report, row, shared.images)
    paired = judge.paired(decided, decided_before)
    if paired is None:
        return None
    timed = row.latency is not None and before.latency is not None
    return BaselineRow(
        row.bundle,
        row.kind,
        len(shared.images),
        paired,
        row.sha256 == before.sha256,
        before.bytes,
        before.latency.p50_ns if timed and before.latency is not None else None,
    )


def _judge(report: BenchReport, row: VariantResult, images: Sequence[ImageRef]) -> RowJudge:
    bundle = report.bundle_of(row)
    return RowJudge(images, bundle.threshold, bundle.temperature)


def _decided(
    report: BenchReport, row: VariantResult, images: Sequence[ImageRef], places: Sequence[int]
) -> RowDecisions:
    if row.scores is None:
        raise ValueError(f"{row.kind} has no scores")
    number = [np.nan if value is None else value for value in row.scores.logit]
    output = [np.nan if value is None else value for value in row.scores.output]
    return _judge(report, row, images).judged([Scores(number[place], output[place]) for place in places])


def _verdict(report: BenchReport, row: VariantResult, found: BaselineRow, undecided: Undecided) -> Verdict:
    outcome, words, p = _told(found)
    passed = outcome == "holds" or (outcome == "cannot tell" and undecided == "pass")
    sentence = f"{_name(report, row)} against the baseline: {words}"
    return Verdict(LIMIT, row.bundle, row.source, row.kind, p, CHANCE, passed, sentence, outcome)


def _told(found: BaselineRow) -> tuple[Outcome, str, float | None]:
    paired, count = found.paired, f"of {found.images} images"
    if paired.lost is None or paired.gained is None:
        changed = len(paired.flips)
        words = f"{changed} decisions {count} changed"
        return (
            ("cannot tell", f"{words}; cannot tell whether for the worse, without labels", None)
            if changed
            else (
                "holds",
                f"no decision {count} changed",
                None,
            )
        )
    p = paired.grouped_mcnemar if paired.grouped_mcnemar is not None else paired.mcnemar
    words = f"{paired.lost} right decisions lost and {paired.gained} gained {count}"
    if paired.lost <= paired.gained or p is None:
        return "holds", words, p
    over = "over groups of images" if paired.grouped_mcnemar is not None else "over images"
    words = f"{words} (McNemar p {p:.2g} {over}, at least {CHANCE:g} needed)"
    return ("fails", f"{words}: it got worse", p) if p < CHANCE else ("cannot tell", f"{words}; cannot tell", p)


def _name(report: BenchReport, row: VariantResult) -> str:
    return row_name(row, len(report.bundles) > 1)

"""From what was measured to what the report says of it."""

import datetime
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from hemotk.artifacts import (
    HERE,
    PARENTS,
    BenchedBundle,
    BenchReport,
    Estimate,
    ImageRef,
    Latency,
    RowSource,
    VariantResult,
)
from hemotk.artifacts.bundle import Kind
from hemotk.artifacts.foreign import assumptions
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.judge import gate
from hemotk.benchmarks.judge.accuracy import RowDecisions, RowJudge, sigmoid_bound
from hemotk.benchmarks.judge.cautions import cautions
from hemotk.benchmarks.judge.conclusion import conclude
from hemotk.benchmarks.judge.notes import notes
from hemotk.benchmarks.measure import latency
from hemotk.benchmarks.measure.rows import Row
from hemotk.benchmarks.measure.scoring import Scored
from hemotk.benchmarks.measure.subject import Subject
from hemotk.stats.paired import ratio_of_medians
from hemotk.stats.strata import Part
from hemotk.store.bundle import StoredBundle


@dataclass(frozen=True)
class Outcome:
    """The measurements of one bench and their sources, this machine first. `busy` sources have warnings."""

    bundles: tuple[StoredBundle, ...]
    sources: tuple[RowSource, ...]
    scored: Scored
    results: tuple[VariantResult, ...]
    warnings: tuple[str, ...]
    busy: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Context:
    """Facts on the images beside their labels: the share of soft tissue of each, and parts to look at alone."""

    tissue: Sequence[float] = ()
    parts: Sequence[Part] = ()


def results(
    rows: Sequence[Row], images: Sequence[ImageRef], context: Context | None = None
) -> tuple[VariantResult, ...]:
    """Judge every row, against its float parent and against that of the first bundle."""
    judges = {row.bundle.name: RowJudge(images, row.bundle.card.threshold, row.bundle.card.temperature) for row in rows}
    complete = {row.key: judges[row.bundle.name].judged(row.scores) for row in rows if len(row.scores) == len(images)}
    field = _Field(rows, complete)
    return tuple(_result(row, judges[row.bundle.name], field, context or Context()) for row in rows)


class _Field:
    """All rows of the bench, to look others up in."""

    def __init__(self, rows: Sequence[Row], judged: Mapping[str, RowDecisions]) -> None:
        self._rows = rows
        self.judged = judged
        self._first = rows[0].bundle.name

    def parent(self, row: Row, *, first: bool = False) -> Row | None:
        """The float parent of `row`, or of the first bundle, that was run on the row's source."""
        return self._find(self._first if first else row.bundle.name, row.source, PARENTS)

    def judged_parent(self, row: Row) -> RowDecisions | None:
        """The scores of the float parent of `row`; None for a parent itself."""
        return None if row.variant.kind in PARENTS else self._judged(row.bundle.name, row.source)

    def judged_first(self, row: Row) -> RowDecisions | None:
        """The scores of the first bundle's float parent; None for a row of that bundle."""
        return None if self.is_first(row) else self._judged(self._first, row.source)

    def judged_here(self, row: Row) -> RowDecisions | None:
        """The scores of the same file here; None for a row that was measured here."""
        here = None if row.source == HERE else self._find(row.bundle.name, HERE, (row.variant.kind,))
        return None if here is None else self.judged.get(here.key)

    def is_first(self, row: Row) -> bool:
        """Whether `row` is of the first bundle."""
        return row.bundle.name == self._first

    def _judged(self, bundle: str, source: str) -> RowDecisions | None:
        """The float parent's scores: from `source` where it ran to the end there, else from here."""
        rows = (self._find(bundle, place, PARENTS) for place in (source, HERE))
        return next((self.judged[row.key] for row in rows if row is not None and row.key in self.judged), None)

    def _find(self, bundle: str, source: str, kinds: Collection[Kind]) -> Row | None:
        likely = (row for row in self._rows if (row.bundle.name, row.source) == (bundle, source))
        return next((row for row in likely if row.variant.kind in kinds), None)


def _result(row: Row, judge: RowJudge, field: _Field, context: Context) -> VariantResult:
    ours, variant = field.judged.get(row.key), row.variant
    result = VariantResult(
        bundle=row.bundle.name,
        source=row.source,
        kind=variant.kind,
        file=variant.file,
        sha256=variant.sha256,
        bytes=variant.bytes,
        failure=row.failure,
        drawn=row.drawn,
        latency=_latency(row, field),
        peak_memory_bytes=row.peak_bytes,
        base_memory_bytes=None if row.loaded is None else row.loaded.base_bytes,
        profile=row.profile,
    )
    if ours is None:
        return result
    parent, first, here = field.judged_parent(row), field.judged_first(row), field.judged_here(row)
    return replace(
        result,
        findings=judge.findings(ours, parent, sigmoid_bound(variant.outputs)),
        scores=ours.scores(),
        metrics=judge.metrics(ours),
        grouped=judge.grouped(ours),
        calibration=judge.calibration(ours),
        paired=None if parent is None else judge.paired(ours, parent),
        paired_first=None if first is None else judge.paired(ours, first),
        same_model=None if here is None else judge.same_model(ours, here, row.bundle.card.tolerance(variant.kind)),
        slice_level=judge.slice_level(ours, context.tissue),
        strata=judge.strata(ours, context.parts),
    )


def _latency(row: Row, field: _Field) -> Latency | None:
    parent, first = field.parent(row), field.parent(row, first=True)
    if row.loaded is None:
        return None
    summary = latency.summarize(row.loaded, row.timings, None if parent is None else parent.timings)
    if summary is None or field.is_first(row):
        return summary
    if first is None or not first.timings.rounds:
        return replace(summary, ratio_to_first=Estimate(None, why="the first bundle's float parent was not timed"))
    return replace(summary, ratio_to_first=ratio_of_medians(row.timings.rounds, first.timings.rounds))


def write_up(subject: Subject, config: BenchConfig, outcome: Outcome) -> BenchReport:
    """The report, all but the time that it took."""
    measured, scored = outcome.results, outcome.scored
    verdicts = gate.judge(measured, config.held, gate.Doubt(outcome.busy, config.undecided))
    return BenchReport(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        command=subject.command,
        bundles=tuple(_benched(bundle) for bundle in outcome.bundles),
        sources=outcome.sources,
        folder="" if subject.images is None else subject.images.as_posix(),
        images=scored.images,
        skipped=scored.skipped,
        settings=asdict(config),
        warnings=outcome.warnings,
        notes=(*_assumed(outcome.bundles), *notes(scored, measured, config.held), *_untimed(config)),
        split_sha256=scored.split_sha256,
        variants=measured,
        verdicts=verdicts,
        passed=all(verdict.passed for verdict in verdicts),
        conclusion=conclude(measured),
        seconds=0.0,
        cautions=cautions(measured, {bundle.name: bundle.card.labels for bundle in outcome.bundles}),
    )


def _assumed(bundles: Sequence[StoredBundle]) -> Iterator[str]:
    for bundle in bundles:
        if bundle.is_file:
            said = () if bundle.foreign is None else bundle.foreign.said
            yield f"{bundle.name}: {assumptions(bundle.card.preprocess.size, said)}"


def _untimed(config: BenchConfig) -> tuple[str, ...]:
    return () if config.timing else ("nothing was timed, as was asked for: no limit on time was held",)


def _benched(bundle: StoredBundle) -> BenchedBundle:
    card = bundle.card
    return BenchedBundle(
        name=bundle.name,
        folder=bundle.where.as_posix(),
        sha256=bundle.sha256,
        testset_sha256=card.testset,
        size=card.preprocess.size,
        labels=card.labels,
        threshold=card.threshold,
        temperature=card.temperature,
    )

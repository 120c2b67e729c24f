"""Read a folder or file of hemotk's as data; nothing is run and nothing is changed."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from hemotk.artifacts import (
    BUNDLE_CARD,
    PARTS,
    RUN_CARD,
    SHAPE_FILE,
    SPLIT_FILE,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    Artifact,
    BenchReport,
    BundleCard,
    Part,
    RunCard,
    SplitItem,
    SplitManifest,
    TestItem,
    TestSetCard,
    VariantResult,
)
from hemotk.artifacts.codec import schema_of
from hemotk.artifacts.cv import CV_FILE, CvReport
from hemotk.aside import settle
from hemotk.describe.descriptions import (
    BlockFacts,
    BundleDecision,
    BundleDescription,
    CrossValidationDescription,
    Description,
    FileState,
    ModelDescription,
    PartFacts,
    ReportDescription,
    ReportRow,
    RunDescription,
    SplitDescription,
    TestSetDescription,
)
from hemotk.describe.others import describe_other
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_shape
from hemotk.store.cards import bundle_card, card_of_testset, run_card
from hemotk.store.run import on_own_grid
from hemotk.tflite.facts import is_model, read_facts
from hemotk.tflite.metadata import metadata_of

REPORT = "bench.json"
_FOLDER_CARDS = (RUN_CARD, BUNDLE_CARD, TESTSET_CARD, CV_FILE, REPORT)


def describe(path: Path) -> Description:
    """Say what lies at `path`, a folder or a file.

    Raises:
        HemotkError: nothing is there, hemotk does not know it, or it cannot be read.
    """
    settle(path)
    if path.is_dir():
        cards = [path / name for name in _FOLDER_CARDS if (path / name).is_file()]
        other = None if cards else describe_other(path)
        if other is not None:
            return other
        if not cards:
            raise HemotkError(
                f"{path}: holds no {', '.join(_FOLDER_CARDS[:-1])} or {_FOLDER_CARDS[-1]}, so it is no finished run, "
                "bundle, test set, cross-validation or report; check the path."
            )
        path = cards[0]
    if not path.exists():
        raise HemotkError(f"{path}: no such file or folder; check the path.")
    reader = _reader(path)
    other = describe_other(path) if reader is None else None
    if other is not None:
        return other
    if reader is None:
        raise HemotkError(
            f"{path}: is no run, bundle, split, test set, cross-validation, bench report or .tflite model; check the "
            "path."
        )
    return reader(path)


def describe_run(card_path: Path) -> RunDescription:
    """The run whose card is given, told as `on_own_grid` does, and the state of the files beside it.

    Raises:
        HemotkError: card, shape file or an unchanged split cannot be read.
    """
    folder = card_path.parent
    card, shape = on_own_grid(run_card(card_path.parent), read_shape(folder / SHAPE_FILE))
    files = _states((folder / name, sha256) for name, sha256 in card.files.items())
    known = any(file.path == str(folder / SPLIT_FILE) and file.state == "good" for file in files)
    return RunDescription(
        str(folder),
        card,
        shape,
        shape.parameters(),
        shape.macs(card.preprocess.size),
        _blocks(shape) if isinstance(shape, DenseNetShape) else (),
        part_facts(SplitManifest.read(folder / SPLIT_FILE)) if known else {},
        files=files,
    )


def describe_bundle(card_path: Path) -> BundleDescription:
    """The bundle whose card is given, the state of its files, and the test set beside it.

    Raises:
        HemotkError: the card, or that of the test set, cannot be read.
    """
    card, folder = bundle_card(card_path.parent), card_path.parent
    recorded = [(variant.file, variant.sha256) for variant in card.variants]
    recorded += [entry for entry in card.files.items() if entry not in recorded]
    files = _states((folder / name, sha256) for name, sha256 in recorded)
    beside = folder.resolve()
    card_of_testset = beside.with_name(beside.name + TESTSET_SUFFIX) / TESTSET_CARD
    if not card_of_testset.is_file():
        return BundleDescription(str(folder), card, None, files=files)
    state = _state(card_of_testset, card.testset)
    if state.state != "good":
        return BundleDescription(str(folder), card, None, files=(*files, state))
    testset = describe_testset(card_of_testset)
    return BundleDescription(str(folder), card, testset, files=(*files, state, *testset.files))


def describe_testset(card_path: Path) -> TestSetDescription:
    """The test set whose card is given, and the state of its array.

    Raises:
        HemotkError: the card cannot be read.
    """
    card = card_of_testset(card_path.parent)
    files = (_state(card_path.parent / TESTSET_IMAGES, card.images),)
    facts = _count(card.items)
    return TestSetDescription(str(card_path.parent), card.created, card.preprocess, facts, card.split, files=files)


def describe_split(path: Path) -> SplitDescription:
    """The split in the file `path`.

    Raises:
        HemotkError: it cannot be read.
    """
    split = SplitManifest.read(path)
    return SplitDescription(
        str(path),
        created=split.created,
        folder=split.folder,
        folder_found=Path(split.folder).is_dir(),
        classes=split.classes,
        grouping=split.grouping,
        checked=split.checked,
        merged=split.merged,
        compared_between=split.compared_between,
        seed=split.seed,
        test=split.test,
        validation=split.validation,
        sha256=split.sha256(),
        parts=part_facts(split),
    )


def part_facts(split: SplitManifest) -> Mapping[Part, PartFacts]:
    """The size of each part."""
    return {part: _count(split.part(part)) for part in PARTS}


def describe_cross_validation(path: Path) -> CrossValidationDescription:
    """The cross-validation in the file `path`, and the state of its folds' run cards beside it.

    Raises:
        HemotkError: it cannot be read.
    """
    report, folder = CvReport.read(path), path.parent
    return CrossValidationDescription(
        str(folder),
        name=report.name,
        created=report.created,
        arch=report.arch,
        labels=report.labels,
        grouping=report.grouping,
        folds=report.folds,
        pooled=report.pooled,
        seconds=report.seconds,
        slice_level=report.slice_level,
        files=_states((folder / fold.run / RUN_CARD, fold.sha256) for fold in report.folds),
    )


def describe_report(path: Path) -> ReportDescription:
    """The bench report in the file `path`.

    Raises:
        HemotkError: it cannot be read.
    """
    report = BenchReport.read(path)
    return ReportDescription(
        str(path),
        created=report.created,
        folder=report.folder,
        images=len(report.images),
        decisions=tuple(BundleDecision(bundle.name, bundle.threshold, bundle.temperature) for bundle in report.bundles),
        passed=report.passed,
        conclusion=report.conclusion,
        warnings=report.warnings,
        notes=report.notes,
        verdicts=report.verdicts,
        variants=tuple(_row(result, report.name_of(result)) for result in report.variants),
        cautions=report.cautions,
    )


def describe_model(path: Path) -> ModelDescription:
    """The .tflite at `path`, checked against the bundle card beside it where that names it.

    Raises:
        HemotkError: the model, or the card beside it, cannot be read.
    """
    facts, sha256, metadata = read_facts(path), sha256_file(path), metadata_of(path)
    card_path = path.parent / BUNDLE_CARD
    card = bundle_card(card_path.parent) if card_path.is_file() else None
    for variant in card.variants if card else ():
        if card and variant.file == path.name:
            files = (_state(path, variant.sha256),)
            return ModelDescription(str(path), sha256, facts, card.name, variant.kind, metadata, files=files)
    return ModelDescription(str(path), sha256, facts, "", "", metadata)


# artefact → how it is described; the names are those it has in a folder of hemotk's making
_READERS: Mapping[type[Artifact], tuple[str, Callable[[Path], Description]]] = {
    RunCard: (RUN_CARD, describe_run),
    BundleCard: (BUNDLE_CARD, describe_bundle),
    TestSetCard: (TESTSET_CARD, describe_testset),
    SplitManifest: (SPLIT_FILE, describe_split),
    CvReport: (CV_FILE, describe_cross_validation),
    BenchReport: (REPORT, describe_report),
}


def _reader(path: Path) -> Callable[[Path], Description] | None:
    """The function that describes the file: by its schema, or by its name where it is too broken to have one."""
    if not path.is_file():
        return None
    if is_model(path):
        return describe_model
    schema = schema_of(path)
    for artifact, (name, reader) in _READERS.items():
        if schema.partition("/")[0] == artifact.SCHEMA.partition("/")[0] or (not schema and path.name == name):
            return reader
    return None


def _blocks(shape: DenseNetShape) -> tuple[BlockFacts, ...]:
    return tuple(
        BlockFacts(
            layers=len(block),
            entering=widths[0],
            leaving=widths[-1],
            bottleneck=_span(layer.bottleneck for layer in block),
            growth=_span(layer.growth for layer in block),
        )
        for block, widths in zip(shape.blocks, shape.widths(), strict=True)
    )


def _span(values: Iterable[int]) -> tuple[int, int] | None:
    numbers = list(values)
    return (min(numbers), max(numbers)) if numbers else None


def _count(items: Sequence[SplitItem] | Sequence[TestItem]) -> PartFacts:
    positives = sum(item.label for item in items)
    return PartFacts(len(items), (len(items) - positives, positives), len({item.group for item in items}))


def _row(result: VariantResult, kind: str) -> ReportRow:
    paired, latency = result.paired, result.latency
    return ReportRow(
        kind=kind,
        bytes=result.bytes,
        failure=result.failure,
        findings=result.findings,
        metrics=result.metrics,
        grouped=result.grouped,
        agreement=paired.agreement if paired else None,
        grouped_agreement=paired.grouped_agreement if paired else None,
        flips=len(paired.flips) if paired else None,
        p50_ms=latency.p50_ns / 1e6 if latency else None,
        p90_ms=latency.p90_ns / 1e6 if latency else None,
        ratio=latency.ratio if latency else None,
        slice_level=result.slice_level,
    )


def _states(recorded: Iterable[tuple[Path, str]]) -> tuple[FileState, ...]:
    return tuple(_state(path, sha256) for path, sha256 in recorded)


def _state(path: Path, sha256: str) -> FileState:
    if not path.is_file():
        return FileState(str(path), "missing", None)
    return FileState(str(path), "good" if sha256_file(path) == sha256 else "changed", path.stat().st_size)

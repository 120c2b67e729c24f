"""The text that `hemotk info` prints."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hemotk.artifacts import TESTSET_CARD, Metrics, Part, SeriesPoint, TensorSpec
from hemotk.describe.metric_tables import counted, dependent, grouped_table, metrics_table
from hemotk.describe.report_text import result, slice_level
from hemotk.render.columns import INDENT, columns
from hemotk.render.numbers import NOTHING, with_interval
from hemotk.render.page import minute
from hemotk.stats.slice_level import beside

if TYPE_CHECKING:
    from hemotk.artifacts.cv import OutOfFold
    from hemotk.describe.descriptions import (
        BlockFacts,
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
    from hemotk.tflite.facts import ModelTensor
    from hemotk.tflite.metadata import ModelMetadata

Row = Sequence[str]
NAMED = "the card names its calibration images and their labels: export again before the bundle is handed on"


def text(description: "Description") -> Iterator[str]:
    """The description line by line."""
    if description.what == "other":
        yield from _other(description)
        return
    yield f"{description.what} {description.path}"
    yield from _TEXTS[description.what](description)
    if description.files:
        yield "files"
        yield from columns(
            [(name_of(file, description), _size(file.bytes), file.state) for file in description.files], INDENT
        )


def name_of(file: "FileState", description: "Description") -> str:
    """The path within the described folder; elsewhere the bare name."""
    path, folder = Path(file.path), Path(description.path)
    return path.relative_to(folder).as_posix() if folder in path.parents else path.name


def _run(run: "RunDescription") -> Iterator[str]:
    card = run.card
    size = card.preprocess.size
    yield from _facts(
        ("created", f"{minute(card.created)}, {card.source} in {card.seconds:.0f} s"),
        ("network", f"{card.arch}, {run.parameters:,} parameters, {_macs(run.macs)} at {size}×{size}"),
        ("classes", " (0), ".join(card.labels) + " (1)"),
        ("decision", f"threshold {card.threshold:g}, temperature {card.temperature:g}"),
        *_series(card.study),
        ("settings", _settings(card.chosen)),
        ("parents", _parents(card.parents)),
        *(("note", note) for note in card.notes),
    )
    if run.blocks:
        yield "blocks"
        yield from columns([_block(number, block) for number, block in enumerate(run.blocks, 1)], INDENT)
        yield from _widths(run)
    yield from metrics_table(card.metrics)
    yield from (" " * INDENT + line for line in dependent(card.metrics, run.parts))
    yield from (" " * INDENT + line for line in beside(card.slice_level or {}))


def _series(point: SeriesPoint | None) -> Iterator[tuple[str, str]]:
    if point is not None:
        yield "series", f"mean of the {point.k} highest slices, threshold {point.threshold:g}"


def _bundle(bundle: "BundleDescription") -> Iterator[str]:
    card = bundle.card
    size, calibrated = card.preprocess.size, card.calibrated_on
    yield from _facts(
        ("created", f"{minute(card.created)} in {card.seconds:.0f} s"),
        ("network", f"{card.arch}, pictures of {size}×{size}"),
        ("classes", " (0), ".join(card.labels) + " (1)"),
        ("decision", f"threshold {card.threshold:g}, temperature {card.temperature:g}"),
        *_series(card.study),
        *_recipe(card.recipe),
        ("calibration", f"{calibrated.images} images, {calibrated.positives} of class {card.labels[1]}"),
        *((("note", NAMED),) if card.calibration else ()),
        *(
            (f"runtimes {kind}", f"logits apart by up to {spread.logit:.2g}, at most {spread.tolerance:.2g} may be")
            for kind, spread in (card.runtimes or {}).items()
        ),
        ("parents", _parents(card.parents)),
        ("test set", _beside(bundle)),
        ("use", card.intended_use),
    )
    yield "variants"
    for variant in card.variants:
        rows = [("input", *_tensor(variant.input)), *(("output", *_tensor(output)) for output in variant.outputs)]
        yield f"  {variant.kind}, {variant.file}, {_size(variant.bytes)}"
        yield from columns(rows, 2 * INDENT)
    yield from metrics_table(card.metrics)
    parts: dict[Part, PartFacts] = {} if bundle.testset is None else {"test": bundle.testset.facts}
    yield from (" " * INDENT + line for line in dependent(card.metrics, parts))


def _beside(bundle: "BundleDescription") -> str:
    if bundle.testset is not None:
        return f"{bundle.testset.facts.images} images beside it, {bundle.testset.path}"
    differs = any(Path(file.path).name == TESTSET_CARD for file in bundle.files)
    return "the one beside it belongs to another bundle, or was changed" if differs else "not beside it"


_GROUPINGS = {
    "auto": "by patient where known, equal and nearly equal pictures together",
    "patient": "by patient",
    "none": "equal pictures together, patients not known or not heeded",
}


def _split(split: "SplitDescription") -> Iterator[str]:
    where = split.folder if split.folder_found else f"{split.folder} (not there now)"
    unread = split.grouping == "none" and not split.checked
    pictures = "" if split.compared_between else " and pictures"
    yield from _facts(
        ("created", minute(split.created)),
        ("folder", where),
        ("classes", " (0), ".join(split.classes) + " (1)"),
        ("grouping", "patients not heeded, pictures not compared" if unread else _GROUPINGS[split.grouping]),
        *(
            [("merged", f"of several folders, between which patients{pictures} were not compared")]
            if split.merged
            else []
        ),
        ("shares", f"test {split.test:g}, validation {split.validation:g} of the rest, seed {split.seed}"),
        ("checksum", split.sha256),
    )
    yield "parts"
    rows = [_part(part, facts) for part, facts in split.parts.items()]
    yield from columns([("part", "images", *split.classes, "groups"), *rows], INDENT)


def _testset(testset: "TestSetDescription") -> Iterator[str]:
    facts, size = testset.facts, testset.preprocess.size
    yield from _facts(
        ("created", minute(testset.created)),
        (
            "images",
            f"{facts.images} of {size}×{size}, {facts.classes[0]} with label 0, {facts.classes[1]} with label 1",
        ),
        ("groups", str(facts.groups)),
        ("split", testset.split),
    )


def _cross_validation(description: "CrossValidationDescription") -> Iterator[str]:
    pooled, own = description.pooled, description.pooled.fold_auc
    yield from _facts(
        ("created", f"{minute(description.created)} in {description.seconds:.0f} s"),
        ("network", f"{description.arch}, {len(description.folds)} folds"),
        ("classes", " (0), ".join(description.labels) + " (1)"),
        ("grouping", _GROUPINGS.get(description.grouping, description.grouping)),
        ("images", f"{pooled.count} of {pooled.groups} groups, each scored by the network that did not know its group"),
        (
            "AUC",
            f"mean of the folds' own {NOTHING if own is None else f'{own:.3f}'}; pooled compares different networks",
        ),
        *_counted(pooled),
    )
    yield "folds (fractions, 95 % intervals)"
    head = ("", "images", "label 1", "threshold", "accuracy", "sensitivity", "specificity", "AUC", "loss")
    rows = [_fold(fold.run, f"{fold.threshold:g}", fold.metrics) for fold in description.folds]
    yield from columns([head, *rows, _fold("pooled", "", pooled)], INDENT)
    yield from (" " * INDENT + line for line in beside(description.slice_level or {}))


def _counted(pooled: "OutOfFold") -> Iterator[tuple[str, str]]:
    if pooled.groups < pooled.count:
        groups = f"the pooled ones count {pooled.groups} groups"
        yield "intervals", f"{groups}, the folds' take the images as independent and are too narrow"


def _fold(name: str, threshold: str, metrics: "Metrics | OutOfFold") -> Row:
    shares = map(with_interval, (metrics.accuracy, metrics.sensitivity, metrics.specificity, metrics.auc))
    return name, str(metrics.count), str(metrics.positives), threshold, *shares, f"{metrics.loss:.4f}"


def _report(report: "ReportDescription") -> Iterator[str]:
    images = f"{report.images} images of {report.folder}" if report.folder else f"{report.images} test images"
    yield from _facts(
        ("created", minute(report.created)),
        ("bundle", f"{', '.join(one.bundle for one in report.decisions)}, {images}"),
        *(("decision", words) for words in _decisions(report)),
        ("result", f"{result(report)}: {report.conclusion}"),
        *(("caution", caution) for caution in report.cautions),
        *(("warning", warning) for warning in report.warnings),
        *(("note", note) for note in report.notes),
        *(("limit", verdict.sentence) for verdict in report.verdicts),
    )
    yield "variants"
    over_groups = any(row.grouped_agreement for row in report.variants)
    agreement = "agreement over groups" if over_groups else "agreement"
    head = ("kind", "size", agreement, "flips", "p50 ms", "p90 ms", "ratio", "")
    rows = [
        (
            row.kind,
            _size(row.bytes),
            _agreement(row),
            counted(row.flips),
            *(NOTHING if time is None else f"{time:.2f}" for time in (row.p50_ms, row.p90_ms)),
            NOTHING if row.ratio is None else with_interval(row.ratio),
            "; ".join(filter(None, (row.failure, *row.findings))),
        )
        for row in report.variants
    ]
    yield from columns([head, *rows], INDENT)
    yield from metrics_table({row.kind: row.metrics for row in report.variants if row.metrics})
    yield from grouped_table({row.kind: row.grouped for row in report.variants if row.grouped})
    yield from slice_level(report.variants, INDENT)


def _agreement(row: "ReportRow") -> str:
    agreement = row.grouped_agreement or row.agreement
    return NOTHING if agreement is None else with_interval(agreement)


def _decisions(report: "ReportDescription") -> Iterator[str]:
    for one in report.decisions:
        whose = f"{one.bundle}: " if len(report.decisions) > 1 else ""
        yield f"{whose}threshold {one.threshold:g}, temperature {one.temperature:g}"


def _model(model: "ModelDescription") -> Iterator[str]:
    facts = model.facts
    if facts.operators is None:
        operators = f"{facts.runtime} does not list them"
    else:
        operators = f"{sum(facts.operators.values())}: " + ", ".join(
            f"{n} {name}" for name, n in facts.operators.items()
        )
    yield from _facts(
        ("bundle", f"{model.kind} of {model.bundle}" if model.bundle else "none beside it names this file"),
        ("checksum", model.sha256),
        ("signature", ", ".join(facts.signatures) or "none"),
        *(("input", " ".join(_tensor(tensor))) for tensor in facts.inputs),
        *(("output", " ".join(_tensor(tensor))) for tensor in facts.outputs),
        ("tensors", str(facts.tensors)),
        ("operators", operators),
        ("read by", facts.runtime),
    )
    if model.metadata is None:
        yield "metadata: none"
    else:
        yield "metadata"
        yield from _metadata(model.metadata)


def _metadata(said: "ModelMetadata") -> Iterator[str]:
    normalized = said.normalization.items()
    yield from _facts(
        ("name", said.name or NOTHING),
        ("version", said.version or NOTHING),
        ("description", said.description or NOTHING),
        ("author", said.author or NOTHING),
        ("licence", said.license or NOTHING),
        *(("normalization", f"{name}: (p - {_numbers(n.mean)}) / {_numbers(n.std)}") for name, n in normalized),
        ("labels", ", ".join(said.labels) or NOTHING),
        *(("threshold", f"{name}: {value:g}") for name, value in said.thresholds.items()),
        *(("calibration", f"{name}: {'; '.join(lines)}") for name, lines in said.calibration.items()),
        ("packed", ", ".join(said.files) or NOTHING),
    )


def _numbers(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values) or NOTHING


def _other(other: Any) -> Iterator[str]:
    yield f"{other.path}: {other.kind}"
    yield f"{other.advice[:1].upper()}{other.advice[1:]}."


_TEXTS: Mapping[str, Callable[[Any], Iterator[str]]] = {
    "run": _run,
    "bundle": _bundle,
    "split": _split,
    "testset": _testset,
    "cross-validation": _cross_validation,
    "report": _report,
    "model": _model,
}


def _facts(*rows: tuple[str, str]) -> Iterator[str]:
    return columns(rows, INDENT)


def _block(number: int, block: "BlockFacts") -> Row:
    return (
        f"block {number}",
        f"{block.layers} layers",
        f"{block.entering} → {block.leaving} channels",
        f"bottleneck {_span(block.bottleneck)}" if block.bottleneck else "",
        f"growth {_span(block.growth)}" if block.growth else "",
    )


def _widths(run: "RunDescription") -> Iterator[str]:
    """A picture of every layer's widths, a mark a layer."""
    from hemotk.describe.widths import width_picture
    from hemotk.models.shape import DenseNetShape

    if not isinstance(run.shape, DenseNetShape):
        return
    picture = width_picture(run.shape, run.card.arch)
    full = f"a bottleneck of {picture.full_bottleneck}, a growth of {picture.full_growth}"
    yield f"widths (a mark per layer; █ is {full})"
    rows = []
    for number, both in enumerate(zip(picture.bottleneck, picture.growth, strict=True), 1):
        if not any(both):
            continue  # a block without layers
        rows += [(f"block {number}", "bottleneck", both[0]), ("", "growth", both[1])]
    yield from columns(rows, INDENT)


def _part(name: str, facts: "PartFacts") -> Row:
    return name, str(facts.images), *map(str, facts.classes), str(facts.groups)


def _tensor(tensor: "TensorSpec | ModelTensor") -> Row:
    shape = "×".join("any" if size < 0 else str(size) for size in tensor.shape)
    stored = f"scale {tensor.scale:.7g}, zero point {tensor.zero_point}" if tensor.scale else ""
    return tensor.name, tensor.dtype, shape, stored


def _settings(settings: Mapping[str, Any], prefix: str = "") -> str:
    """Names and values in one line, those of an inner object after its name and a dot; without those nobody set."""
    words = [
        _settings(value, f"{prefix}{name}.") if isinstance(value, Mapping) else f"{prefix}{name} {_word(value)}"
        for name, value in settings.items()
        if value is not None
    ]
    return ", ".join(filter(None, words)) or NOTHING


def _recipe(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The changes to the network, and how each variant was made, without litert-quantizer's rules."""
    variants = recipe.get("variants")
    if not isinstance(variants, list):  # of an early version
        yield "recipe", _settings(recipe)
        return
    yield "rewrites", ", ".join(recipe.get("rewrites", ())) or "none"
    for variant in variants:
        kept = variant.get("keep_float", ())
        layers = f"{len(kept)} layers in float32: {', '.join(kept)}" if kept else "no layer left in float32"
        margin = f", logit range widened by {variant['logit_margin']:g}" if "logit_margin" in variant else ""
        left_out = f", without {', '.join(variant['without'])}" if variant.get("without") else ""
        yield f"made {variant.get('kind', '')}", f"{layers}{margin}{left_out}"
    for kind, bias in recipe.get("logit_bias", {}).items():
        yield f"bias {kind}", f"{bias:+.4f} taken off the logit, its mean error on the calibration images"
    if "auto" in recipe:
        yield "auto", _settings({name: value for name, value in recipe["auto"].items() if name != "ranking"})


def _word(value: Any) -> str:
    if value is None:
        return NOTHING
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _parents(parents: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {sha256[:12]}…" for name, sha256 in parents.items()) or NOTHING


def _span(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]} to {span[1]}"


def _macs(count: int) -> str:
    return f"{count / 1e9:.2f} GMAC" if count >= 1e8 else f"{count / 1e6:.2f} MMAC"


def _size(count: int | None) -> str:
    if count is None:
        return NOTHING
    for unit, scale in (("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.2f} {unit}"
    return f"{count} B"

"""One call from a run folder to a bundle and the test set beside it."""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, cast

from hemotk.artifacts import (
    GOLDEN_FILE,
    LABELS_FILE,
    SPLIT_FILE,
    BundleCard,
    Calibrated,
    CalibrationItem,
    CalibrationManifest,
    RuntimeSpread,
    TestSetCard,
    Variant,
)
from hemotk.artifacts.bundle import Kind
from hemotk.describe.model_card import MODEL_CARD, CardSources, ExportedModel, model_card
from hemotk.embedding.feeding import Feeding
from hemotk.embedding.golden import golden_files
from hemotk.embedding.readme import README, readme
from hemotk.environment import versions
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.densenet import PLAIN
from hemotk.exporting.golden import golden, golden_pictures
from hemotk.exporting.graph.cam_head import cam_head
from hemotk.exporting.integer.logit_bias import FEWEST
from hemotk.exporting.models import make_models
from hemotk.exporting.runtimes import spreads
from hemotk.exporting.selective.report import SENSITIVITY_FILE, SENSITIVITY_PLOT, plot
from hemotk.exporting.selective.sensitivity import Selection
from hemotk.exporting.settings_file import export_settings
from hemotk.exporting.source import Source, calibration_items, open_run
from hemotk.exporting.testset import fill_testset, same_testset
from hemotk.exporting.tflite.about import ModelAbout
from hemotk.exporting.tflite.flatbuffer import specs
from hemotk.exporting.tflite.metadata import add_metadata
from hemotk.exporting.verify import Check, Decision, Verifier
from hemotk.files import claimed, refuse_existing, sha256_bytes, sha256_file
from hemotk.models.shape import DenseNetShape
from hemotk.progress import Tell, silent
from hemotk.render.toml import SETTINGS_FILE
from hemotk.store.publish import Checksums, beside_bundle, publish_bundle, publish_export

PACKAGES = ("tensorflow", "tf_keras", "litert-quantizer", "ai-edge-litert", "numpy", "pillow")

CHECKS_FILE = "checks.json"

# A model's version is the beginning of its run card's SHA-256.
_VERSION_DIGITS = 12


@dataclass(frozen=True)
class _Made:
    """What there is before anything is written."""

    source: Source
    config: ExportConfig
    models: Mapping[str, bytes]
    calibration: tuple[CalibrationItem, ...]
    checks: tuple[Check, ...]
    created: str
    selection: Selection | None
    logit_bias: Mapping[str, float]
    runtimes: Mapping[str, RuntimeSpread]


def export_run(run: Path, out: Path, config: ExportConfig, overwrite: bool = False, tell: Tell = silent) -> BundleCard:
    """Make `out` and its test set from the finished run `run`; both appear whole or not at all.

    The bundle names no file and nobody; what it was calibrated on is named in a file in the folder of its test set.

    Raises:
        HemotkError: the run or its images are missing or changed, or `out` exists and `overwrite` is false.
        CheckFailed: a variant does not do what its float parent does; nothing is published.
    """
    refuse_existing(out, overwrite)
    with claimed(out):
        return _export(run, out, config, overwrite, tell)


def _export(run: Path, out: Path, config: ExportConfig, overwrite: bool, tell: Tell) -> BundleCard:
    started, beside = time.monotonic(), beside_bundle(out)
    source = open_run(run, config.data)
    # An export that was killed has left its test set, or the bundle of one was moved: either way it stays as it is.
    kept = None if overwrite else same_testset(beside, source)
    if kept is None:
        refuse_existing(beside, overwrite)
    made = _make(source, config, tell)

    def testset(folder: Path) -> TestSetCard:
        card = fill_testset(folder, source, made.created)
        _write_manifest(folder, card, made)
        return card

    def fill(folder: Path) -> None:
        _write_files(folder, out.name, made)

    def card(files: Checksums, content: TestSetCard) -> BundleCard:
        return _card(files, out.name, made, content, time.monotonic() - started)

    if kept is None:
        return publish_export(out, testset, fill, card, overwrite=overwrite)
    _write_manifest(beside, kept, made)
    return publish_bundle(out, fill, lambda files: card(files, kept), overwrite=overwrite)


def _write_manifest(folder: Path, testset: TestSetCard, made: _Made) -> None:
    """Name what the models were calibrated on: beside the bundle, never in it."""
    if made.calibration:
        manifest = CalibrationManifest(testset.split, made.calibration)
        manifest.write(folder / Calibrated.of(made.calibration).manifest)


def _make(source: Source, config: ExportConfig, tell: Tell) -> _Made:
    items = calibration_items(source.split, config.calibration) if config.calibrated else ()
    pixels = source.pixels(items, tell)
    made = make_models(source, config, pixels, tell)
    models = {kind: add_metadata(content, _about(source, config, kind)) for kind, content in made.contents.items()}
    checks = _verify(source, config, models, tell)
    created = datetime.now(timezone.utc).isoformat(timespec="seconds")
    named = tuple(
        CalibrationItem(item.path, item.sha256 or sha256_file(source.root / item.path), item.label) for item in items
    )
    return _Made(
        source,
        replace(config, recipes=made.recipes),
        models,
        named,
        checks,
        created,
        made.selection,
        made.logit_bias,
        spreads(models, source.card.preprocess),
    )


def _about(source: Source, config: ExportConfig, kind: str) -> ModelAbout:
    """What a variant says about itself; nothing in it depends on when or where it was made."""
    run = source.card
    return ModelAbout(
        name=run.name,
        version=source.sha256[:_VERSION_DIGITS],
        author=config.author,
        license=config.license,
        arch=run.arch,
        kind=kind,
        labels=run.labels,
        preprocess=run.preprocess,
        threshold=run.threshold,
        temperature=run.temperature,
    )


def _verify(source: Source, config: ExportConfig, models: Mapping[str, bytes], tell: Tell) -> tuple[Check, ...]:
    verifier = Verifier(models, source.card.preprocess, config.limits)
    total = len(source.split.part("validation"))
    done = 0
    for chunk in source.chunks("validation"):
        for image in chunk:
            verifier.add(image)
            done += 1
            tell("checking", done, total)
    return verifier.finish(Decision(source.card.threshold, source.card.temperature))


def few_images(card: BundleCard) -> str | None:
    """A sentence without full stop if too few calibration images left int8 without its fitting; else None."""
    images = card.calibrated_on.images
    if not 0 < images < FEWEST:
        return None
    return (
        f"{images} calibration images are too few for roundings and biases, so these were left out; "
        f"{FEWEST} are needed, more of the training part with ‹calibration›"
    )


def model_file(kind: str) -> str:
    """The file name of a variant."""
    return f"model_{kind}.tflite"


def _write_files(folder: Path, name: str, made: _Made) -> None:
    for kind, content in made.models.items():
        (folder / model_file(kind)).write_bytes(content)
    run = made.source.card
    (folder / LABELS_FILE).write_text("".join(f"{label}\n" for label in run.labels), encoding="utf-8")
    (folder / GOLDEN_FILE).write_bytes(golden(made.models, run.preprocess))
    feeding = _feeding(name, made)
    for file, content in golden_files(feeding, made.models, golden_pictures()).items():
        (folder / file).write_bytes(content)
    (folder / README).write_text(readme(feeding), encoding="utf-8")
    checks = json.dumps([asdict(check) for check in made.checks], indent=1) + "\n"
    (folder / CHECKS_FILE).write_text(checks, encoding="utf-8")
    (folder / MODEL_CARD).write_text(_model_card(made), encoding="utf-8")
    (folder / SETTINGS_FILE).write_text(export_settings(made.config), encoding="utf-8")
    if made.selection is not None:
        made.selection.write(folder / SENSITIVITY_FILE)
        if made.selection.ranking:
            plot(folder / SENSITIVITY_PLOT, made.selection)


def _feeding(name: str, made: _Made) -> Feeding:
    run = made.source.card
    return Feeding(
        name,
        run.labels,
        run.preprocess,
        run.threshold,
        run.temperature,
        tuple(_variant(kind, content) for kind, content in made.models.items()),
        {kind: spread.tolerance for kind, spread in made.runtimes.items()},
    )


def _model_card(made: _Made) -> str:
    models = tuple(
        ExportedModel(check.kind, len(made.models[check.kind]), **asdict(check.agreement)) for check in made.checks
    )
    source = made.source
    return model_card(CardSources(source.card, source.sha256, source.split, models, len(made.calibration)))


def _card(files: Checksums, name: str, made: _Made, testset: TestSetCard, seconds: float) -> BundleCard:
    run = made.source.card
    return BundleCard(
        name=name,
        created=made.created,
        arch=run.arch,
        labels=run.labels,
        preprocess=run.preprocess,
        threshold=run.threshold,
        temperature=run.temperature,
        study=run.study,
        variants=tuple(_variant(kind, content) for kind, content in made.models.items()),
        files=files,
        parents={"run": made.source.sha256, "split": run.files[SPLIT_FILE]},
        testset=testset.sha256(),
        recipe=_recipe(made),
        calibration=(),
        metrics=run.metrics,
        versions=versions(*PACKAGES),
        seconds=seconds,
        calibrated=Calibrated.of(made.calibration),
        runtimes=made.runtimes,
    )


def _recipe(made: _Made) -> dict[str, Any]:
    """What was done to the network, and the rules of each variant."""
    is_densenet = isinstance(made.source.shape, DenseNetShape)
    rewrites = (*PLAIN, cam_head) if made.config.cam else PLAIN
    found: dict[str, Any] = {
        "rewrites": [*(rewrite.__name__ for rewrite in rewrites), "preactivation"] if is_densenet else [],
        "variants": [{**asdict(recipe), "rules": recipe.rules()} for recipe in made.config.recipes],
    }
    if made.logit_bias:
        found["logit_bias"] = dict(made.logit_bias)
    return found if made.selection is None else {**found, "auto": _auto(made.selection)}


def _auto(selection: Selection) -> dict[str, Any]:
    """Which layers stay in float32, and why; all figures are in `SENSITIVITY_FILE`."""
    return {
        **asdict(selection.tolerance),
        "kept": list(selection.kept),
        "ranking": [found.layer for found in selection.ranking],
    }


def _variant(kind: str, content: bytes) -> Variant:
    pixels, outputs = specs(content)
    return Variant(
        cast(Kind, kind), model_file(kind), sha256_bytes(content), len(content), pixels, tuple(outputs.values())
    )

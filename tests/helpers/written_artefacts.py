"""Tiny runs, splits and bundles written by hand: their models give the mean of the network input as logit."""

import dataclasses
from typing import Any

import numpy as np
from mean_models import SIZE, mean_model
from PIL import Image

from hemotk.artifacts import (
    HERE,
    LABELS_FILE,
    RUN_CARD,
    BenchedBundle,
    BenchReport,
    BundleCard,
    CalibrationItem,
    Estimate,
    Grouping,
    ImageRef,
    Latency,
    Paired,
    Part,
    PreprocessSpec,
    RowSource,
    RunCard,
    SplitItem,
    SplitManifest,
    TensorSpec,
    TestItem,
    TestSetCard,
    Variant,
    VariantResult,
    Verdict,
)
from hemotk.artifacts.cv import CV_FILE, CvFold, CvImage, CvReport, OutOfFold
from hemotk.exporting.recipe import Recipe
from hemotk.files import sha256_bytes, sha256_file
from hemotk.models.shape import densenet
from hemotk.stats.metrics import evaluate
from hemotk.store.publish import RunContent, beside_bundle, publish_bundle, publish_run, publish_testset

SPEC = PreprocessSpec(size=SIZE)
CREATED = "2026-01-01T00:00:00+00:00"
METRICS = evaluate([0, 0, 1, 1], [-2.0, 0.5, 1.0, 3.0], 0.5)
UINT8 = ("uint8", SPEC.scale, SPEC.zero_point)

# kind → the type that its input has
INPUTS = {"float32": ("float32", 0.0, 0), "fp16": ("float32", 0.0, 0), "int8": UINT8}


def logit_of(value):
    """What a model of `mean_model` says about a picture of one gray `value`."""
    return SPEC.scale * (value - SPEC.zero_point)


def write_picture(path, value, shape=(40, 40)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full(shape, value, np.uint8)).save(path)
    return path


def write_bundle(folder, kinds=("float32", "int8"), **changes):
    """A bundle of variants `KIND.tflite`, and beside it a test set of 5 images, 2 of them with label 1."""
    testset = write_testset(beside_bundle(folder))

    def fill(aside):
        (aside / LABELS_FILE).write_text("normal\nhemorrhage\n")
        for kind in kinds:
            (aside / f"{kind}.tflite").write_bytes(mean_model(*INPUTS[kind]))

    def card(files):
        facts = {
            "name": folder.name,
            "created": CREATED,
            "arch": "densenet-tiny",
            "labels": ("normal", "hemorrhage"),
            "preprocess": SPEC,
            "threshold": 0.5,
            "temperature": 1.0,
            "variants": tuple(variant_of(kind) for kind in kinds),
            "files": {LABELS_FILE: files[LABELS_FILE]},
            "parents": {"run": "ab" * 32},
            "testset": testset,
            "recipe": recipe_of(kinds),
            "calibration": tuple(CalibrationItem(f"{i}.png", f"{i:064}", i % 2) for i in range(3)),
            "metrics": {"test": METRICS},
            "versions": {},
            "seconds": 12.3,
        }
        return BundleCard(**{**facts, **changes})

    publish_bundle(folder, fill, card)
    return folder


def recipe_of(kinds):
    """As an export writes it."""
    recipes = [Recipe(kind) for kind in kinds if kind != "float32"]
    return {
        "rewrites": ["fold_scales"],
        "variants": [{**dataclasses.asdict(each), "rules": each.rules()} for each in recipes],
    }


def variant_of(kind):
    content = mean_model(*INPUTS[kind])
    pixels = TensorSpec("pixels", INPUTS[kind][0], (1, SIZE, SIZE, 1), *INPUTS[kind][1:])
    outputs = tuple(TensorSpec(name, "float32", (1, 1)) for name in ("probability", "logit"))
    return Variant(kind, f"{kind}.tflite", sha256_bytes(content), len(content), pixels, outputs)


def write_testset(folder):
    """The SHA-256 of its card."""
    items = tuple(TestItem(f"{i}.png", i % 2, str(i // 2)) for i in range(5))
    return publish_testset(
        folder,
        lambda path: np.save(path, np.zeros((5, SIZE, SIZE), np.uint8)),
        lambda images: TestSetCard(CREATED, "cd" * 32, SPEC, images, items),
    ).sha256()


def make_split(folder="images"):
    """10 images in pairs of one patient: 6 in train, 2 in validation, 2 in test; the second of each pair bleeds."""
    counts: dict[Part, int] = {"train": 6, "validation": 2, "test": 2}
    parts = [part for part, count in counts.items() for _ in range(count)]
    items = tuple(SplitItem(f"{i}.png", f"{i:064}", i % 2, f"p{i // 2}", part) for i, part in enumerate(parts))
    return SplitManifest(CREATED, str(folder), ("normal", "hemorrhage"), 0, 0.2, 0.25, "patient", items)


def write_run(folder, shape=None, size=64, **changes):
    """A run of a DenseNet with two blocks of two layers of zeros."""
    shape = densenet((2, 2), growth=8) if shape is None else shape
    zeros = {name: np.zeros(shape_) for name, shape_ in shape.arrays().items()}

    def card(files):
        facts = {
            "name": folder.name,
            "created": CREATED,
            "source": "trained",
            "arch": "densenet-tiny",
            "preprocess": PreprocessSpec(size=size),
            "labels": ("normal", "hemorrhage"),
            "files": files,
            "parents": {"split": make_split().sha256()},
            "settings": {"epochs": 1, "class_weights": True, "learning_rate": None, "augment": {"zoom": 0.15}},
            "metrics": {"train": METRICS, "test": METRICS},
            "versions": {},
            "machine": {},
            "seconds": 61.0,
            "notes": ("made by hand",),
        }
        return RunCard(**{**facts, **changes})

    publish_run(folder, RunContent(shape, zeros, make_split()), card)
    return folder


def write_cross_validation(folder):
    """Two folds of four images, whose runs decide at 0.5 and 0.25."""
    folds = []
    for number, threshold in enumerate((0.5, 0.25), 1):
        run = write_run(folder / f"fold-{number}", threshold=threshold)
        folds.append(CvFold(run.name, sha256_file(run / RUN_CARD), threshold, 1.0, METRICS))
    shares = (METRICS.accuracy, METRICS.sensitivity, METRICS.specificity)
    pooled = OutOfFold(8, 4, 4, *shares, Estimate(None, why="unknown"), 0.9, 0.5, 0.25)
    images = tuple(CvImage(f"{i}.png", i % 2, f"p{i // 2}", i % 2 + 1, 0.5) for i in range(8))
    names: tuple[str, str, str, tuple[str, str], Grouping, dict[str, Any]]
    names = (folder.name, CREATED, "densenet-tiny", ("normal", "hemorrhage"), "patient", {})
    CvReport(*names, tuple(folds), pooled, images, 61.0).write(folder / CV_FILE)
    return folder


def make_report():
    """A parent, an int8 variant with a finding, and an fp16 variant that crashed."""
    latency = Latency(1, 2, (3,), ((4, 5), (6,)), 5e6, 6e6, 7e6, Estimate(0.5, 0.4, 0.6))
    one = Estimate(1.0, 0.5, 1.0)
    paired = Paired(one, (), 0, 0, 1.0, 0.0, 0.0, Estimate(0.0))
    empty = VariantResult("b", HERE, "float32", "f.tflite", "0" * 64, 9, metrics=METRICS)
    rows = (
        dataclasses.replace(empty, latency=dataclasses.replace(latency, ratio=Estimate(1.0))),
        dataclasses.replace(empty, kind="int8", file="i.tflite", paired=paired, latency=latency, findings=("odd",)),
        dataclasses.replace(empty, kind="fp16", file="h.tflite", metrics=None, failure="crashed"),
    )
    verdict = Verdict("accuracy drop", "b", HERE, "int8", 0.0, 0.01, True, "int8 loses nothing")
    bundle = BenchedBundle("b", "bundles/b", "0" * 64, "0" * 64, 64, ("normal", "hemorrhage"), 0.5, 1.0)
    return BenchReport(
        created=CREATED,
        command="hemotk bench bundles/b",
        bundles=(bundle,),
        sources=(RowSource(HERE, {}),),
        folder="",
        images=(ImageRef("1", 0), ImageRef("2", 1)),
        skipped=(),
        settings={},
        warnings=("the machine was busy",),
        notes=(),
        variants=rows,
        verdicts=(verdict,),
        passed=True,
        conclusion="int8 is as good",
        seconds=1.5,
    )

"""The typed artefacts that stages hand to each other, one JSON file each."""

from hemotk.artifacts.bundle import (
    BUNDLE_CARD,
    GOLDEN_FILE,
    LABELS_FILE,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    BundleCard,
    CalibrationItem,
    TensorSpec,
    TestItem,
    TestSetCard,
    Variant,
)
from hemotk.artifacts.codec import Artifact, FieldError, require
from hemotk.artifacts.metrics import Estimate, Metrics
from hemotk.artifacts.pixels import PreprocessSpec
from hemotk.artifacts.report import (
    BenchReport,
    Flip,
    ImageRef,
    ImageScores,
    Latency,
    Paired,
    VariantResult,
    Verdict,
)
from hemotk.artifacts.run import RUN_CARD, SHAPE_FILE, SPLIT_FILE, WEIGHTS_FILE, RunCard
from hemotk.artifacts.split import PARTS, Part, SplitItem, SplitManifest

__all__ = [
    "BUNDLE_CARD",
    "GOLDEN_FILE",
    "LABELS_FILE",
    "PARTS",
    "RUN_CARD",
    "SHAPE_FILE",
    "SPLIT_FILE",
    "TESTSET_CARD",
    "TESTSET_IMAGES",
    "TESTSET_SUFFIX",
    "WEIGHTS_FILE",
    "Artifact",
    "BenchReport",
    "BundleCard",
    "CalibrationItem",
    "Estimate",
    "FieldError",
    "Flip",
    "ImageRef",
    "ImageScores",
    "Latency",
    "Metrics",
    "Paired",
    "Part",
    "PreprocessSpec",
    "RunCard",
    "SplitItem",
    "SplitManifest",
    "TensorSpec",
    "TestItem",
    "TestSetCard",
    "Variant",
    "VariantResult",
    "Verdict",
    "require",
]

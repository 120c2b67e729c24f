"""What each artefact refuses to be."""

import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest

from hemotk.artifacts import (
    PARTS,
    BundleCard,
    Calibrated,
    CalibrationItem,
    Estimate,
    Metrics,
    PreprocessSpec,
    RunCard,
    SeriesPoint,
    SplitItem,
    SplitManifest,
    TensorSpec,
    TestItem,
    TestSetCard,
    Variant,
)
from hemotk.errors import FieldError

NOW = "2026-01-01T00:00:00+00:00"
SPEC = PreprocessSpec(64)
SHARE = Estimate(0.5, 0.4, 0.6, "wilson")
METRICS = Metrics(10, 5, 0.5, SHARE, SHARE, SHARE, SHARE, 0.7, 0.25)
OUTPUTS = (TensorSpec("probability", "float32", (1, 1)), TensorSpec("logit", "float32", (1, 1)))
VARIANT = Variant("float32", "model.tflite", "0" * 64, 10, TensorSpec("image", "float32", (1, 64, 64, 1)), OUTPUTS)
RUN_FILES = {"shape.json": "1", "weights.npz": "2", "split.json": "3"}
RUN = RunCard(
    "first", NOW, "trained", "densenet121", SPEC, ("normal", "hemorrhage"), RUN_FILES, {}, {}, {}, {}, {}, 1.0
)
BUNDLE = BundleCard(
    "first", NOW, "densenet121", ("normal", "hemorrhage"), SPEC, 0.5, 1.0, (VARIANT,), {}, {}, "", {}, (), {}, {}, 1.0
)
NAMED = CalibrationItem("anna/1.png", "a" * 64, 1)
CALIBRATED = Calibrated(2, 1, ("0" * 64, "1" * 64))
SERIES = SeriesPoint(4, 0.6)
ITEMS = tuple(SplitItem(f"{part}.png", f"{i:064x}", i % 2, part, part) for i, part in enumerate(PARTS))
SPLIT = SplitManifest(NOW, "head_ct", ("normal", "hemorrhage"), 0, 0.2, 0.2, "none", ITEMS)


@pytest.mark.parametrize(
    ("good", "changes", "sentence"),
    [
        (SPEC, {"size": 15}, "'size' must be between 16 and 1024"),
        (SPEC, {"size": 1025}, "'size' must be between 16 and 1024"),
        (SPEC, {"scale": 0.0}, "'scale' must be above 0"),
        (SPEC, {"scale": math.nan}, "'scale' must be above 0"),
        (SPEC, {"zero_point": 256}, "'zero_point' must be between 0 and 255"),
        (SPEC, {"window_width": 0.0}, "'window_width' must be above 0"),
        (SHARE, {"value": 0.3}, "'value' must be inside its interval"),
        (SHARE, {"value": 0.7}, "'value' must be inside its interval"),
        (METRICS, {"positives": 11}, "'positives' must be between 0 and count"),
        (METRICS, {"positives": -1}, "'positives' must be between 0 and count"),
        (RUN, {"name": ""}, "'name' must be non-empty"),
        (RUN, {"threshold": 0.0}, "'threshold' must be between 0 and 1"),
        (RUN, {"threshold": math.nan}, "'threshold' must be between 0 and 1"),
        (RUN, {"temperature": 0.2}, "'temperature' must be between 0.25 and 8"),
        (RUN, {"files": {"shape.json": "1", "split.json": "3"}}, "'files' must be a map that has 'weights.npz'"),
        (RUN, {"files": {**RUN_FILES, "../x": "4"}}, "'files' must be a map of plain file names"),
        (BUNDLE, {"threshold": 1.0}, "'threshold' must be between 0 and 1"),
        (BUNDLE, {"temperature": 8.1}, "'temperature' must be between 0.25 and 8"),
        (BUNDLE, {"variants": ()}, "'variants' must be non-empty"),
        (BUNDLE, {"variants": (VARIANT, VARIANT)}, "'variants' must be without double kinds"),
        (BUNDLE, {"files": {"/etc/passwd": "1"}}, "'files' must be a map of plain file names"),
        (
            BUNDLE,
            {"variants": (dataclasses.replace(VARIANT, kind="int8"),)},
            "'variants' must be a list that begins with the float32 parent",
        ),
        (BUNDLE, {"calibration": (NAMED,), "calibrated": CALIBRATED}, "'calibration' must be empty"),
        (CALIBRATED, {"positives": 3}, "'positives' must be between 0 and images"),
        (CALIBRATED, {"sha256": ("1" * 64, "0" * 64)}, "'sha256' must be sorted, each once"),
        (CALIBRATED, {"sha256": ("0" * 64, "0" * 64)}, "'sha256' must be sorted, each once"),
        (CALIBRATED, {"sha256": tuple(f"{i:064}" for i in range(3))}, "'sha256' must be at most one per image"),
        (CALIBRATED, {"sha256": ("Anna Müller",)}, "'sha256' must be 64 digits each"),
        (VARIANT, {"file": "../model.tflite"}, "'file' must be a plain file name"),
        (VARIANT, {"outputs": OUTPUTS[:1]}, "'outputs' must be a list with 'probability' and 'logit'"),
        (SERIES, {"k": 0}, "'k' must be 1 or more"),
        (SERIES, {"threshold": 1.0}, "'threshold' must be between 0 and 1"),
        (OUTPUTS[0], {"shape": (0, 1)}, "'shape' must be static"),
        (OUTPUTS[0], {"shape": (-1, 1)}, "'shape' must be static"),
        (ITEMS[0], {"path": ""}, "'path' must be a path inside the folder"),
        (ITEMS[0], {"path": "../x.png"}, "'path' must be a path inside the folder"),
        (ITEMS[0], {"path": "/etc/x.png"}, "'path' must be a path inside the folder"),
        (ITEMS[0], {"sha256": "abc"}, "'sha256' must be 64 hexadecimal digits"),
        (ITEMS[0], {"label": 2}, "'label' must be 0 or 1"),
        (SPLIT, {"test": 0.0}, "'test' must be between 0 and 1"),
        (SPLIT, {"validation": 1.0}, "'validation' must be between 0 and 1"),
        (SPLIT, {"items": ITEMS[:2]}, "'items' must be non-empty for part 'test'"),
        (SPLIT, {"items": (*ITEMS, ITEMS[0])}, "'items' must be without double paths"),
        (
            SPLIT,
            {"items": (*ITEMS, dataclasses.replace(ITEMS[0], path="x", part="test"))},
            "field 'items': group 'train' lies in test and train",
        ),
        (
            SPLIT,
            {"items": (*ITEMS, dataclasses.replace(ITEMS[0], path="x", part="test", group="x"))},
            f"field 'items': file with checksum '{'0' * 64}' lies in test and train",
        ),
    ],
)
def test_what_an_artefact_must_hold(good: Any, changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(FieldError) as caught:
        dataclasses.replace(good, **changes)
    assert sentence in str(caught.value)


def test_an_empty_test_set_is_refused() -> None:
    with pytest.raises(FieldError, match="'items' must be non-empty"):
        TestSetCard(NOW, "", SPEC, "", ())


def test_the_network_input_is_what_the_pixel_contract_says() -> None:
    assert SPEC.zero_point == 115
    assert SPEC.scale == pytest.approx(1 / 57.63, rel=1e-12)


def test_estimates_may_lack_a_value_or_an_interval() -> None:
    assert Estimate(None, why="one class").value is None
    assert Estimate(0.5).low is None


def test_the_variant_of_a_kind() -> None:
    assert BUNDLE.variant("float32") is VARIANT
    assert BUNDLE.variant("int8") is None


def test_a_nameless_bundle_card_has_checksums_and_counts_without_order_and_labels() -> None:
    items = (NAMED, dataclasses.replace(NAMED, path="bob/1.png", sha256="0" * 64, label=0))
    card = dataclasses.replace(BUNDLE, calibration=(*items, items[0]))
    found = card.nameless()
    assert found.calibration == () and found.calibrated == card.calibrated_on
    assert found.calibrated == Calibrated(3, 2, ("0" * 64, "a" * 64))
    assert found.nameless() is found and BUNDLE.nameless() is BUNDLE
    assert dataclasses.replace(found, calibration=card.calibration, calibrated=None) == card


def test_a_bundle_card_from_before_keeps_its_checksum() -> None:
    assert "calibrated" not in BUNDLE.body()


def test_the_file_with_the_names_is_called_after_what_it_names() -> None:
    other = dataclasses.replace(CALIBRATED, sha256=("0" * 64,))
    assert CALIBRATED.manifest != other.manifest
    assert CALIBRATED.manifest == dataclasses.replace(CALIBRATED, positives=0).manifest


def test_a_nameless_test_set_has_numbers_alone() -> None:
    items = (TestItem("anna/1.png", 1, "anna"), TestItem("bob/1.png", 0, "bob"))
    found = TestSetCard(NOW, "0" * 64, SPEC, "1" * 64, items).nameless()
    assert found.body()["items"] == [{"id": "0"}, {"id": "1"}]
    assert found.body()["schema"] == TestSetCard.SCHEMA and found.images == "1" * 64


def test_the_parts_and_the_folder_of_a_split() -> None:
    assert [item.path for part in ("train", "validation", "test") for item in SPLIT.part(part)] == [
        "train.png",
        "validation.png",
        "test.png",
    ]
    assert SPLIT.root() == Path("head_ct")
    assert SPLIT.root(Path("elsewhere")) == Path("elsewhere")


@pytest.mark.parametrize(
    ("card", "before"),
    [
        (RUN, "e35ad43e3a8ebe677359d0865dc8629f99b3c37703a9cd9aa4e9eb5076bc55c4"),
        (BUNDLE, "5efa643bfaa7438e4b22f1df49f189cbfea6b81d29917ac60bc7e6b19d03faf7"),
    ],
)
def test_a_card_without_a_series_point_has_the_checksum_that_it_had_before_there_were_any(
    card: RunCard | BundleCard, before: str, tmp_path: Path
) -> None:
    assert card.sha256() == before
    card.write(tmp_path / "card.json")
    assert type(card).read(tmp_path / "card.json") == card
    chosen = dataclasses.replace(card, study=SERIES)
    chosen.write(tmp_path / "chosen.json")
    assert type(card).read(tmp_path / "chosen.json") == chosen != card

import shutil
from pathlib import Path
from typing import Any

import pytest
from mean_models import SIZE, mean_model
from written_artefacts import CREATED, SPEC, make_report, make_split, write_bundle, write_cross_validation, write_run

from hemotk.describe import facts
from hemotk.describe.descriptions import BlockFacts, PartFacts
from hemotk.errors import HemotkError
from hemotk.models.shape import CnnShape, DenseNetShape, LayerShape, densenet

UNKNOWN = ("", "text", "[1]", '{"schema": 3}', '{"schema": "hemotk.densenet/1"}', "[" * 99999)


def describe(path: Path) -> Any:
    """What is said; the tests know of what kind it is."""
    return facts.describe(path)


@pytest.fixture
def run(tmp_path):
    return write_run(tmp_path / "runs" / "r")


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(tmp_path / "bundles" / "b")


def states(found):
    return {file.path.rpartition("/")[2]: file.state for file in found.files}


def test_a_run(run):
    found = describe(run)
    shape = densenet((2, 2), growth=8)
    assert found == describe(run / "run.json")
    assert (found.what, found.path, found.card.name) == ("run", str(run), "r")
    assert (found.parameters, found.macs) == (shape.parameters(), shape.macs(64))
    assert found.blocks == (BlockFacts(2, 16, 32, (32, 32), (8, 8)), BlockFacts(2, 16, 32, (32, 32), (8, 8)))
    assert states(found) == {"shape.json": "good", "weights.npz": "good", "split.json": "good"}
    assert found.faulty == ()


def test_a_run_has_the_parts_of_the_split_that_was_recorded(run):
    assert describe(run).parts == {
        "train": PartFacts(6, (3, 3), 3),
        "validation": PartFacts(2, (1, 1), 1),
        "test": PartFacts(2, (1, 1), 1),
    }
    (run / "split.json").write_text("{}")
    assert describe(run).parts == {}
    (run / "split.json").unlink()
    assert describe(run).parts == {}


def test_uneven_widths_show_as_a_span(tmp_path):
    layers = ((LayerShape(9, 3), LayerShape(4, 5)),)
    found = describe(write_run(tmp_path / "r", DenseNetShape(6, layers, ())))
    assert found.blocks == (BlockFacts(2, 6, 14, (4, 9), (3, 5)),)


def test_another_family_has_no_blocks(tmp_path):
    shape = CnnShape((2, 3), 4, 64)
    found = describe(write_run(tmp_path / "r", shape))
    assert (found.blocks, found.parameters, found.macs) == ((), shape.parameters(), shape.macs(64))


def test_a_bundle_and_its_test_set(bundle):
    found = describe(bundle)
    assert (found.what, found.card.name) == ("bundle", "b")
    assert found.testset.facts == PartFacts(5, (3, 2), 3)
    assert found.testset == describe(bundle.with_name("b.testset"))
    assert states(found) == dict.fromkeys(
        ("float32.tflite", "int8.tflite", "labels.txt", "testset.json", "images.npy"), "good"
    )


def test_a_bundle_that_left_its_test_set_behind_is_not_faulty(bundle, tmp_path):
    moved = shutil.copytree(bundle, tmp_path / "moved")
    found = describe(moved)
    assert found.testset is None
    assert found.faulty == ()


def test_the_test_set_of_another_bundle_is_faulty(bundle):
    card = bundle.with_name("b.testset") / "testset.json"
    card.write_text(card.read_text().replace(CREATED, "2026-01-02T00:00:00+00:00"))
    found = describe(bundle)
    assert found.testset is None
    assert [file.state for file in found.faulty] == ["changed"]


@pytest.mark.parametrize("name", ["float32.tflite", "int8.tflite", "labels.txt", "../b.testset/images.npy"])
def test_each_changed_or_missing_file_of_a_bundle_is_found(bundle, name):
    path = bundle / name
    path.write_bytes(path.read_bytes() + b"\0")
    assert [(file.path.rpartition("/")[2], file.state) for file in describe(bundle).faulty] == [(path.name, "changed")]
    path.unlink()
    assert [(file.path.rpartition("/")[2], file.bytes) for file in describe(bundle).faulty] == [(path.name, None)]


@pytest.mark.parametrize("name", ["weights.npz", "split.json"])
def test_each_changed_or_missing_file_of_a_run_is_found(run, name):
    (run / name).write_bytes(b"other")
    assert states(describe(run))[name] == "changed"
    (run / name).unlink()
    assert states(describe(run))[name] == "missing"


def test_two_records_of_one_file_that_differ_cannot_both_be_good(tmp_path):
    found = describe(write_bundle(tmp_path / "b", files={"int8.tflite": "0" * 64}))
    assert [file.path.rpartition("/")[2] for file in found.faulty] == ["int8.tflite"]


def test_a_split(tmp_path):
    (tmp_path / "images").mkdir()
    split = make_split(tmp_path / "images")
    split.write(tmp_path / "any.json")
    found = describe(tmp_path / "any.json")
    assert (found.what, found.folder, found.folder_found) == ("split", str(tmp_path / "images"), True)
    assert found.sha256 == split.sha256()
    assert found.parts == {
        "train": PartFacts(6, (3, 3), 3),
        "validation": PartFacts(2, (1, 1), 1),
        "test": PartFacts(2, (1, 1), 1),
    }
    (tmp_path / "images").rmdir()
    assert not describe(tmp_path / "any.json").folder_found


def test_a_report(tmp_path):
    make_report().write(tmp_path / "bench.json")
    found = describe(tmp_path)
    assert found == describe(tmp_path / "bench.json")
    assert (found.what, found.images, found.passed, found.conclusion) == ("report", 2, True, "int8 is as good")
    parent, int8, fp16 = found.variants
    assert (parent.agreement, parent.flips, parent.p50_ms) == (None, None, 5.0)
    assert (int8.agreement.value, int8.flips, int8.p90_ms, int8.ratio.value) == (1.0, 0, 6.0, 0.5)
    assert (fp16.failure, fp16.p50_ms, fp16.metrics) == ("crashed", None, None)
    assert (found.folder, found.notes, int8.grouped, int8.grouped_agreement) == ("", (), None, None)


def test_a_cross_validation(tmp_path):
    found = describe(write_cross_validation(tmp_path / "cv"))
    assert found == describe(tmp_path / "cv" / "cv.json")
    assert (found.what, found.name, found.pooled.count) == ("cross-validation", "cv", 8)
    assert [fold.threshold for fold in found.folds] == [0.5, 0.25]
    assert not found.faulty
    (tmp_path / "cv" / "fold-2" / "run.json").unlink()
    assert [file.state for file in describe(tmp_path / "cv").files] == ["good", "missing"]


def test_a_model_alone_and_in_a_bundle(bundle, tmp_path):
    found = describe(bundle / "int8.tflite")
    assert (found.what, found.bundle, found.kind, states(found)) == ("model", "b", "int8", {"int8.tflite": "good"})
    assert found.facts.inputs[0].shape == (1, SIZE, SIZE, 1)
    alone = tmp_path / "alone.bin"
    alone.write_bytes(mean_model("uint8", SPEC.scale, SPEC.zero_point))
    assert (describe(alone).bundle, describe(alone).files) == ("", ())
    assert describe(alone).sha256 == found.sha256
    shutil.copy(bundle / "float32.tflite", bundle / "int8.tflite")
    assert states(describe(bundle / "int8.tflite")) == {"int8.tflite": "changed"}


@pytest.mark.parametrize("content", UNKNOWN)
def test_what_hemotk_does_not_know_is_one_sentence(tmp_path, content):
    path = tmp_path / "thing"
    path.write_text(content)
    with pytest.raises(
        HemotkError, match=r"thing: is no run, bundle, split, test set, cross-validation, bench report or \.tflite"
    ):
        describe(path)


def test_missing_paths_and_other_folders_are_named(tmp_path):
    with pytest.raises(HemotkError, match=r"gone: no such file or folder; check the path"):
        describe(tmp_path / "gone")
    with pytest.raises(
        HemotkError, match=r"holds no run\.json, bundle\.json, testset\.json, cv\.json or bench\.json, so"
    ):
        describe(tmp_path)


def test_a_card_that_was_cut_short_is_called_that(run):
    card = run / "run.json"
    card.write_text(card.read_text()[:100])
    with pytest.raises(HemotkError, match=r"run\.json: is no JSON .*cut short"):
        describe(run)


def test_another_version_is_refused(bundle):
    card = bundle / "bundle.json"
    card.write_text(card.read_text().replace("hemotk.bundle/1", "hemotk.bundle/2"))
    with pytest.raises(HemotkError, match=r"bundle\.json: has version 2 of 'hemotk\.bundle'"):
        describe(bundle)


def test_a_run_without_its_shape_is_named(run):
    (run / "shape.json").unlink()
    with pytest.raises(HemotkError, match=r"shape\.json: no such file"):
        describe(run)

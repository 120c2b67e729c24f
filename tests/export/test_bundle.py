import shutil
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exportable_runs import contents, make_densenet_run, make_run, make_split
from random_networks import random_arrays, tiny_shape

from hemotk.artifacts import TESTSET_CARD, BundleCard, Calibrated, CalibrationManifest, SeriesPoint, TestSetCard
from hemotk.data.read.preprocess import load_pixels, to_pixels
from hemotk.errors import HemotkError
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.models import make_models
from hemotk.exporting.recipe import Recipe
from hemotk.exporting.source import calibration_items, open_run
from hemotk.exporting.testset import fill_testset
from hemotk.files import sha256_file
from hemotk.models.shape import CnnShape
from hemotk.store.publish import beside_bundle
from hemotk.tflite.metadata_schema import read_metadata
from hemotk.tflite.scorer import Scorer

SIZE = 48
ALL = ExportConfig(tuple(Recipe(kind) for kind in ("fp16", "dynamic", "int8", "int16x8")), calibration=8)
FLOAT_ONLY = ExportConfig(())


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export")
    return make_densenet_run(folder / "run", make_split(folder / "images"), tiny_shape(), SIZE)


@pytest.fixture(scope="module")
def bundle(run: Path) -> Path:
    out = run.parent / "bundle"
    export_run(run, out, ALL)
    return out


def test_the_card_says_what_is_there(run: Path, bundle: Path) -> None:
    card = BundleCard.read(bundle / "bundle.json")
    assert [variant.kind for variant in card.variants] == ["float32", "fp16", "dynamic", "int8", "int16x8"]
    assert set(card.files) == {path.name for path in bundle.iterdir()} - {"bundle.json"}
    assert all(sha256_file(bundle / name) == sha256 for name, sha256 in card.files.items())
    assert all(card.files[variant.file] == variant.sha256 for variant in card.variants)
    assert card.parents["run"] == sha256_file(run / "run.json")
    assert (card.threshold, card.temperature, card.labels) == (0.5, 1.25, ("normal", "hemorrhage"))
    assert card.study == SeriesPoint(2, 0.7)
    assert card.intended_use == "research, not for diagnosis"
    assert card.recipe["rewrites"][:3] == ["fold_batchnorm", "gray_stem", "pool_first"]


def test_labels_are_one_a_line(bundle: Path) -> None:
    assert (bundle / "labels.txt").read_text() == "normal\nhemorrhage\n"


def test_calibration_comes_from_the_training_part_and_is_named_beside_the_bundle_alone(bundle: Path) -> None:
    card = BundleCard.read(bundle / "bundle.json")
    assert card.calibrated is not None and card.calibration == ()
    assert card.calibrated.images == len(card.calibrated.sha256) == 8 and 0 < card.calibrated.positives < 8
    manifest = CalibrationManifest.read(beside_bundle(bundle) / card.calibrated.manifest)
    assert manifest.split == card.parents["split"] and Calibrated.of(manifest.items) == card.calibrated
    assert all(item.path.startswith("train_") for item in manifest.items)


def test_images_without_recorded_checksums_are_known_by_those_of_their_files(tmp_path: Path) -> None:
    split = make_split(tmp_path / "images")
    items = tuple(replace(item, sha256=None) for item in split.items)
    run = make_densenet_run(tmp_path / "run", replace(split, items=items), tiny_shape(), SIZE)
    card = export_run(run, tmp_path / "bundle", ExportConfig(calibration=4))
    assert {*card.calibrated_on.sha256} < {item.sha256 for item in split.part("train")}
    assert len(card.calibrated_on.sha256) == 4


def test_a_test_set_that_is_kept_names_the_images_of_both_bundles(run: Path, bundle: Path, tmp_path: Path) -> None:
    shutil.copytree(beside_bundle(bundle), tmp_path / "bundle.testset")
    before = contents(tmp_path / "bundle.testset")
    card = export_run(run, tmp_path / "bundle", ExportConfig(calibration=4))
    after = contents(tmp_path / "bundle.testset")
    assert {*after} - {*before} == {card.calibrated_on.manifest} and before.items() <= after.items()


def test_the_test_set_lies_beside_it_linked_by_checksum(run: Path, bundle: Path) -> None:
    folder = beside_bundle(bundle)
    assert sha256_file(folder / "testset.json") == BundleCard.read(bundle / "bundle.json").testset
    card = TestSetCard.read(folder / "testset.json")
    images = np.load(folder / "images.npy")
    assert sha256_file(folder / "images.npy") == card.images
    assert [item.id for item in card.items] == [f"test_{index}.png" for index in range(6)]
    expected = load_pixels(run.parent / "images" / "test_2.png", card.preprocess)
    np.testing.assert_array_equal(images[2], expected)


def test_no_picture_of_the_split_is_in_the_bundle(run: Path, bundle: Path) -> None:
    stored = np.load(beside_bundle(bundle) / "images.npy")
    golden = np.load(bundle / "golden.npz")["pixels"]
    assert not any((picture == image).all() for picture in golden for image in stored)


def test_golden_outputs_are_what_the_variants_say(bundle: Path) -> None:
    card = BundleCard.read(bundle / "bundle.json")
    golden = np.load(bundle / "golden.npz")
    np.testing.assert_array_equal(to_pixels(golden["picture_1"], SIZE), golden["pixels"][1])
    for variant in card.variants:
        scores = [Scorer(bundle / variant.file, card.preprocess).score(image) for image in golden["pixels"]]
        np.testing.assert_array_equal([score.logit for score in scores], golden[f"{variant.kind}_logit"])
        np.testing.assert_array_equal([score.probability for score in scores], golden[f"{variant.kind}_probability"])


def test_nothing_is_replaced_unasked(run: Path, bundle: Path) -> None:
    before = contents(bundle)
    with pytest.raises(HemotkError, match="overwrite"):
        export_run(run, bundle, FLOAT_ONLY)
    assert contents(bundle) == before


def test_a_test_set_without_its_bundle_is_not_replaced_either(run: Path, tmp_path: Path) -> None:
    beside_bundle(tmp_path / "new").mkdir()
    with pytest.raises(HemotkError, match=r"new\.testset: already exists"):
        export_run(run, tmp_path / "new", FLOAT_ONLY)


@pytest.fixture
def lonely(run: Path, tmp_path: Path) -> Path:
    """A test set of long ago whose bundle is not there: that of `run`."""
    folder = tmp_path / "bundle.testset"
    folder.mkdir()
    fill_testset(folder, open_run(run), "2020-01-01T00:00:00+00:00").write(folder / TESTSET_CARD)
    return folder


def test_a_test_set_that_a_killed_export_left_is_kept(run: Path, lonely: Path, tmp_path: Path) -> None:
    """As is that of a bundle that was moved away, which names its checksum."""
    before = contents(lonely)
    export_run(run, tmp_path / "bundle", FLOAT_ONLY)
    assert contents(lonely) == before
    assert BundleCard.read(tmp_path / "bundle" / "bundle.json").testset == sha256_file(lonely / "testset.json")


@pytest.mark.parametrize("what", ["split", "label", "file", "pixels"])
def test_another_test_set_is_not_replaced(run: Path, lonely: Path, tmp_path: Path, what: str) -> None:
    card = TestSetCard.read(lonely / "testset.json")
    images = np.load(lonely / "images.npy")
    if what == "split":
        card = replace(card, split="0" * 64)
    elif what == "label":
        card = replace(card, items=(replace(card.items[0], label=1 - card.items[0].label), *card.items[1:]))
    else:
        images[-1, -1, -1] ^= 1
        np.save(lonely / "images.npy", images)
    if what == "pixels":
        card = replace(card, images=sha256_file(lonely / "images.npy"))
    card.write(lonely / "testset.json")
    before = contents(lonely)
    with pytest.raises(HemotkError, match=r"bundle.testset: already exists; .*overwrite"):
        export_run(run, tmp_path / "bundle", FLOAT_ONLY)
    assert contents(lonely) == before and not (tmp_path / "bundle").exists()


def test_the_run_is_left_alone_and_overwriting_replaces_all(run: Path, tmp_path: Path) -> None:
    before = contents(run)
    export_run(run, tmp_path / "again", FLOAT_ONLY)
    export_run(run, tmp_path / "again", FLOAT_ONLY, overwrite=True)
    assert contents(run) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "again.testset"]
    assert set(contents(tmp_path / "again")) == {
        "MODEL_CARD.md",
        "README.md",
        "bundle.json",
        "checks.json",
        "golden.json",
        "golden.npz",
        *(f"golden_{place}{what}.png" for place in range(5) for what in ("", "_input")),
        "labels.txt",
        "model_float32.tflite",
        "settings.toml",
    }


def test_stages_are_told(run: Path, tmp_path: Path) -> None:
    heard = []
    export_run(run, tmp_path / "told", ExportConfig(calibration=4), tell=lambda *what: heard.append(what))
    stages = list(dict.fromkeys(what for what, _, _ in heard))
    assert stages == ["reading images", "calibrating", "converting", "quantizing", "checking"]
    assert ("calibrating", 4, 4) in heard


def test_the_cnn_is_exported_too(tmp_path: Path) -> None:
    shape = CnnShape((4, 5), 6, SIZE)
    run = make_run(tmp_path / "run", make_split(tmp_path / "images"), shape, cnn_arrays(shape), SIZE)
    card = export_run(run, tmp_path / "bundle", ExportConfig(calibration=4))
    assert [variant.input.dtype for variant in card.variants] == ["float32", "uint8"]
    assert card.recipe["rewrites"] == []


def cnn_arrays(shape: CnnShape) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, 0.1, size).astype(np.float32) for name, size in shape.arrays().items()}


def broken_nan(arrays: dict) -> None:
    arrays["bn/gamma"][0] = np.nan


def broken_width(arrays: dict) -> None:
    arrays["bn/gamma"] = arrays["bn/gamma"][:-1]


@pytest.mark.parametrize(("damage", "said"), [(broken_nan, "NaN"), (broken_width, "bn/gamma")])
def test_weights_that_cannot_be_used_leave_nothing_behind(damage, said: str, tmp_path: Path) -> None:
    arrays = random_arrays(tiny_shape(), 0)
    damage(arrays)
    run = make_run(tmp_path / "run", make_split(tmp_path / "images"), tiny_shape(), arrays, SIZE)
    with pytest.raises(HemotkError, match=said):
        export_run(run, tmp_path / "out" / "bundle", FLOAT_ONLY)
    assert not (tmp_path / "out").exists()


def test_a_missing_test_image_leaves_nothing_behind(tmp_path: Path) -> None:
    run = make_densenet_run(tmp_path / "run", make_split(tmp_path / "images"), tiny_shape(), SIZE)
    (tmp_path / "images" / "test_3.png").unlink()
    with pytest.raises(HemotkError, match=r"test_3\.png"):
        export_run(run, tmp_path / "out" / "bundle", FLOAT_ONLY)
    assert not (tmp_path / "out").exists()


def test_every_variant_carries_its_metadata(run: Path, bundle: Path) -> None:
    for variant in BundleCard.read(bundle / "bundle.json").variants:
        content = (bundle / variant.file).read_bytes()
        said = read_metadata(content)
        assert (said["name"], said["author"], said["license"]) == ("run", "not stated", "not stated")
        assert said["version"] == sha256_file(run / "run.json")[:12]
        assert f"densenet-tiny, {variant.kind}:" in said["description"]
        assert "research, not for diagnosis" in said["description"]
        with zipfile.ZipFile(bundle / variant.file) as packed:
            assert packed.read("labels.txt") == (bundle / "labels.txt").read_bytes()


def test_metadata_does_not_change_a_score(run: Path, bundle: Path) -> None:
    source = open_run(run)
    spec = source.card.preprocess
    pixels = source.pixels(calibration_items(source.split, ALL.calibration))
    images = np.load(beside_bundle(bundle) / "images.npy")
    for kind, content in make_models(source, ALL, pixels, lambda *_: None).contents.items():
        bare, finished = Scorer(content, spec), Scorer(bundle / f"model_{kind}.tflite", spec)
        assert [bare.score(image) for image in images] == [finished.score(image) for image in images]


def test_the_same_run_gives_the_same_models_under_any_name(run: Path, bundle: Path, tmp_path: Path) -> None:
    card = export_run(run, tmp_path / "other", ALL)
    assert card.variants == BundleCard.read(bundle / "bundle.json").variants


@pytest.mark.parametrize("field", ["author", "license"])
def test_author_and_licence_are_not_empty(field: str) -> None:
    empty: dict[str, Any] = {field: " "}
    with pytest.raises(HemotkError, match=f"field '{field}' must be non-empty"):
        ExportConfig(**empty)

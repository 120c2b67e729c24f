import dataclasses
import shutil

import numpy as np
import pytest
from converted_bundles import COUNT, SIZE, draw_images, edit_card, edit_testset

from hemotk.artifacts import BUNDLE_CARD, BundleCard, PreprocessSpec, TestSetCard
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.store.bundle import open_with_testset, read_image


def beside(bundle):
    return bundle.with_name(bundle.name + ".testset")


def test_a_sound_bundle_opens_with_its_images(pristine):
    found = open_with_testset(pristine)
    assert [item.label for item in found.items] == [row % 2 for row in range(COUNT)]
    assert found.sha256 == sha256_file(pristine / BUNDLE_CARD)
    for row, image in enumerate(draw_images()):
        assert (read_image(found.images, row) == image).all()


def test_a_relative_path_finds_the_test_split_beside_it(bundle, monkeypatch):
    monkeypatch.chdir(bundle)
    assert len(open_with_testset(bundle.relative_to(bundle)).items) == COUNT


@pytest.mark.parametrize("name", ["float32.tflite", "int8.tflite", "labels.txt"])
def test_a_changed_file_of_the_bundle_is_refused(bundle, name):
    with (bundle / name).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(HemotkError, match=rf"{name}: checksum .* is not the recorded"):
        open_with_testset(bundle)


@pytest.mark.parametrize("name", ["testset.json", "images.npy"])
def test_a_changed_test_split_is_refused(bundle, name):
    path = beside(bundle) / name
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(HemotkError, match=rf"{name}: checksum .* is not the recorded"):
        open_with_testset(bundle)


@pytest.mark.parametrize("name", ["int8.tflite", "labels.txt"])
def test_a_missing_file_is_named(bundle, name):
    (bundle / name).unlink()
    with pytest.raises(HemotkError, match=rf"{name}: cannot be read"):
        open_with_testset(bundle)


def test_a_missing_test_split_says_where_it_belongs(bundle):
    shutil.rmtree(beside(bundle))
    with pytest.raises(HemotkError, match=r"tiny\.testset: no such folder: .* must lie beside it"):
        open_with_testset(bundle)


def test_a_folder_that_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(HemotkError, match=r"is not a bundle: it holds no bundle\.json"):
        open_with_testset(tmp_path)


def test_two_checksums_for_one_file_are_refused(bundle):
    card = BundleCard.read(bundle / BUNDLE_CARD)
    edit_card(bundle, files={**card.files, "int8.tflite": "0" * 64})
    with pytest.raises(HemotkError, match=r"different checksums for 'int8\.tflite'"):
        open_with_testset(bundle)


@pytest.mark.parametrize(
    ("images", "changes", "words"),
    [
        (None, {"preprocess": PreprocessSpec(size=SIZE, zero_point=114)}, "'preprocess' is not that of the bundle"),
        (np.zeros((COUNT, SIZE, SIZE), np.float32), {}, "holds float32"),
        (np.zeros((COUNT - 1, SIZE, SIZE), np.uint8), {}, r"holds uint8 \(11, 32, 32\) where the card has"),
        (np.zeros((COUNT, SIZE, SIZE + 1), np.uint8), {}, "where the card has uint8"),
    ],
)
def test_a_test_split_that_does_not_fit_is_refused(bundle, images, changes, words):
    edit_testset(bundle, images, **changes)
    with pytest.raises(HemotkError, match=words):
        open_with_testset(bundle)


def test_a_label_other_than_0_and_1_is_refused(bundle):
    items = TestSetCard.read(beside(bundle) / "testset.json").items
    edit_testset(bundle, items=(dataclasses.replace(items[0], label=2), *items[1:]))
    with pytest.raises(HemotkError, match="label other than 0 or 1"):
        open_with_testset(bundle)


def test_an_array_file_that_is_none_is_refused(bundle):
    (beside(bundle) / "images.npy").write_bytes(b"no array")
    edit_testset(bundle)
    with pytest.raises(HemotkError, match=r"images\.npy: is no array of images"):
        open_with_testset(bundle)


def test_a_row_that_is_not_there_is_refused(pristine):
    with pytest.raises(HemotkError, match="has no image 12"):
        read_image(beside(pristine) / "images.npy", COUNT)

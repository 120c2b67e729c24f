from pathlib import Path

import pytest

from hemotk.artifacts import BundleCard, ImageRef, SameModel, TestItem, VariantResult
from hemotk.benchmarks.gate import Limits
from hemotk.benchmarks.notes import notes
from hemotk.benchmarks.scoring import Scored
from hemotk.benchmarks.testset import OpenBundle, open_bundle

NO_LIMITS = Limits(None, None, None, None)


@pytest.fixture(scope="session")
def card(pristine) -> BundleCard:
    return open_bundle(pristine).card


def said(card, labels, groups=(), **changes):
    items = tuple(TestItem(str(place), 0, group) for place, group in enumerate(groups))
    images = tuple(ImageRef(str(place), label) for place, label in enumerate(labels))
    return notes([OpenBundle("a", Path(), card, "", items)], Scored(images, 1, **changes), [], NO_LIMITS)


@pytest.mark.parametrize(
    ("marks", "groups", "words"),
    [
        ([0, 1], ["a", "b"], ()),
        ([0, 1, 1], ["a", "b", "b"], ("the 3 test images are of 2 groups (patients): intervals take images as ",)),
        ([1, 1], ["a", "b"], ("every image has label 1: specificity and AUC cannot be measured",)),
        ([0, 0], [], ("every image has label 0: sensitivity and AUC cannot be measured",)),
        ([None, None], [], ("the images have no labels: only the agreement with float was measured",)),
    ],
)
def test_what_a_reader_must_know_of_the_images(card, marks, groups, words):
    found = said(card, marks, groups)
    assert len(found) == len(words)
    assert all(sentence.startswith(start) for sentence, start in zip(found, words, strict=True))


def test_pictures_that_were_left_out_are_counted(card):
    assert said(card, [0, 1], skipped=("a.png: is corrupt.",), left_out=4) == (
        "1 of 3 pictures could not be read and were left out",
        "4 pictures are not in labels.csv and were left out",
    )


def test_images_without_a_number_on_one_side_are_counted(card):
    row = VariantResult("a", "phone", "int8", "m", "0", 1, same_model=SameModel(3, 0, (), 1.0, one_sided=2))
    found = notes(
        [OpenBundle("a", Path(), card, "", ())], Scored((ImageRef("0", 0), ImageRef("1", 1)), 1), [row], NO_LIMITS
    )
    assert found == (
        "int8 on phone: 3 of 3 images have other scores than here, 0 flipped, largest difference 1; "
        "2 give NaN or infinity in one of the two places only",
    )

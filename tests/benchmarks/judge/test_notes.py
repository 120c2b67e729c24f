import dataclasses

import pytest

from hemotk.artifacts import ImageRef, SameModel, VariantResult
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.judge.notes import notes
from hemotk.benchmarks.measure.scoring import Scored

NO_LIMITS = BenchLimits(*(None for _ in dataclasses.fields(BenchLimits)))


def said(labels, groups=None, **changes):
    images = tuple(
        ImageRef(str(place), *facts)
        for place, facts in enumerate(zip(labels, groups or [None] * len(labels), strict=True))
    )
    return notes(Scored(images, 1, **changes), [], NO_LIMITS)


@pytest.mark.parametrize(
    ("marks", "groups", "words"),
    [
        ([0, 1], [1, 2], ()),
        ([0, 1, 1], [1, 2, None], ()),
        ([0, 1, 1], [1, 2, 2], ("the 3 images are of 2 groups (of one patient, or copies of one picture) and not ",)),
        ([1, 1], [1, 2], ("every image has label 1: specificity and AUC cannot be measured",)),
        ([0, 0], None, ("every image has label 0: sensitivity and AUC cannot be measured",)),
        ([None, None], None, ("the images have no labels: only the agreement with float was measured",)),
    ],
)
def test_what_a_reader_must_know_of_the_images(marks, groups, words):
    found = said(marks, groups)
    assert len(found) == len(words)
    assert all(sentence.startswith(start) for sentence, start in zip(found, words, strict=True))


def test_intervals_over_groups_are_named_where_there_are_any():
    assert said([0, 1, 1], [1, 2, 2])[0].endswith(
        "intervals that take them as such are too narrow, and p-values that do (McNemar's) too small; "
        "intervals and p-values over groups stand beside them"
    )
    assert said([None] * 3, [1, 2, 2])[-1].endswith("intervals that take them as such are too narrow")


def test_pictures_that_were_left_out_are_counted():
    assert said([0, 1], skipped=("a.png: is corrupt.",), left_out=4) == (
        "1 of 3 pictures could not be read and were left out",
        "4 pictures are not in labels.csv and were left out",
    )


def test_images_without_a_number_on_one_side_are_counted():
    row = VariantResult("a", "phone", "int8", "m", "0", 1, same_model=SameModel(3, 0, (), 1.0, one_sided=2))
    found = notes(Scored((ImageRef("0", 0), ImageRef("1", 1)), 1), [row], NO_LIMITS)
    assert found == (
        "int8 on phone: 3 of 3 images have other scores than here, 0 flipped, largest difference 1; "
        "2 give NaN or infinity in one of the two places only",
    )


def test_differences_are_held_against_what_runtimes_differ_by():
    for beyond, end in ((0, "none by more than runtimes differ (logits by up to 0.05)"), (2, "2 of them by more than")):
        same = SameModel(3, 1, (), 0.1, beyond=beyond, tolerance=0.05)
        row = VariantResult("a", "phone", "int8", "m", "0", 1, same_model=same)
        (found,) = notes(Scored((ImageRef("0", 0), ImageRef("1", 1)), 1), [row], NO_LIMITS)
        assert end in found

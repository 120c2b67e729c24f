"""Whose slices they are, by what their files say of patient and study."""

import pytest

from hemotk.data.scan.patients import owners


@pytest.mark.parametrize("twin", [("P7", "p7 "), ("0007", "7")])
def test_one_patient_in_two_spellings_is_one(twin: tuple[str, str]) -> None:
    first, second, other = owners([(twin[0], "1"), (twin[1], "2"), ("8", "3")])
    assert first == second != other


def test_a_word_for_nobody_leaves_the_study() -> None:
    assert owners([("ANON", "1"), ("ANON", "2"), ("A", "3"), ("ANON", "3")]) == [
        "study 1",
        "study 2",
        "patient a",
        "patient a",
    ]
    assert owners([("ANON", ""), ("A", "3")]) == ["patient ANON", "patient a"]


def test_one_word_for_nobody_in_all_slices_stays_to_be_told() -> None:
    assert len(set(owners([("ANON", "1"), ("ANON", "2")]))) == 1

"""A series as one: order, score, the choice of k, and the strip of scores."""

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from hemotk.data.series import choose_k, in_order, series_score
from hemotk.errors import HemotkError
from hemotk.predict.strip import strip

probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_pictures_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    names = ["s10.png", "s9.png", "s1.png", "a2b10.png", "a2b9.png"]
    for name in names:
        (tmp_path / name).touch()
    found = [path.name for path in in_order([tmp_path / name for name in names])]
    assert found == ["a2b9.png", "a2b10.png", "s1.png", "s9.png", "s10.png"]
    (tmp_path / "link.png").symlink_to(tmp_path / "s1.png")
    with pytest.raises(HemotkError, match=r"s1\.png: is the same slice as .*link\.png; name each slice of the series"):
        in_order([tmp_path / "s1.png", tmp_path / "link.png"])


def test_a_dicom_slice_counts_once_and_a_series_is_of_one_study(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from dicom_files import write_slice

    for name, uid in (("1", "1.1"), ("2", "1.2"), ("copy", "1.1")):
        write_slice(tmp_path / name, SOPInstanceUID=uid)
    write_slice(tmp_path / "other", SOPInstanceUID="1.3", StudyInstanceUID="1.2.4")
    assert len(in_order([tmp_path / "1", tmp_path / "2"])) == 2
    with pytest.raises(HemotkError, match="copy: is the same slice as"):
        in_order([tmp_path / name for name in ("1", "2", "copy")])
    with pytest.raises(HemotkError, match="holds slices of 2 studies"):
        in_order([tmp_path / name for name in ("1", "2", "other")])


def test_dicom_comes_in_the_order_of_its_positions(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from dicom_files import write_slice

    for name, height in (("1", 20), ("2", -5), ("3", 7.5)):
        write_slice(tmp_path / name, ImagePositionPatient=[0, 0, height], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    paths = [tmp_path / name for name in "123"]
    assert [path.name for path in in_order(paths)] == ["2", "3", "1"]
    for name, number in (("1", 3), ("2", 12), ("3", 2)):
        write_slice(tmp_path / name, InstanceNumber=number)
    assert [path.name for path in in_order(paths)] == ["3", "1", "2"]
    for name in "123":
        write_slice(tmp_path / name)
    assert [path.name for path in in_order(paths[::-1])] == ["1", "2", "3"]


def test_a_series_is_of_one_patient_and_one_kind(tmp_path: Path) -> None:
    pytest.importorskip("pydicom")
    from dicom_files import IDENTITY, write_slice

    paths = [write_slice(tmp_path / name) for name in "ab"]
    write_slice(paths[1], PatientID=f"{IDENTITY} too")
    with pytest.raises(HemotkError, match="holds slices of 2 patients; a verdict is for one series") as caught:
        in_order(paths)
    assert IDENTITY not in str(caught.value)
    write_slice(paths[1], SeriesInstanceUID="1.9")
    with pytest.raises(HemotkError, match="holds slices of 2 series"):
        in_order(paths)
    Image.new("L", (20, 20)).save(tmp_path / "c.png")
    with pytest.raises(HemotkError, match=r"c\.png: is no DICOM file as others of the series are"):
        in_order([paths[0], tmp_path / "c.png"])


@settings(max_examples=30)
@given(probabilities, st.integers(1, 25))
def test_the_score_is_the_mean_of_the_highest(values: list[float], k: int) -> None:
    found = series_score(values, k)
    assert found == pytest.approx(sum(sorted(values, reverse=True)[:k]) / min(k, len(values)))
    assert found == pytest.approx(series_score(values[::-1], k))
    assert found >= series_score(values, k + 1) - 1e-12
    assert series_score(values, 1) == max(values)


def test_a_score_needs_slices_and_k() -> None:
    for values, k in (([], 1), ([0.5], 0)):
        with pytest.raises(ValueError, match="k of 1 or more"):
            series_score(values, k)


def series(*of: list[float]) -> tuple[list[float], list[str]]:
    scores = [score for one in of for score in one]
    return scores, [f"s{index}" for index, one in enumerate(of) for _ in one]


def test_k_ignores_single_false_slices_when_bleeds_span_several() -> None:
    scores, ids = series([0.95, 0, 0, 0], [0.9, 0.1, 0, 0], [0.8, 0.8, 0, 0], [0.7, 0.75, 0.1, 0])
    labels = [0] * 8 + [1, 1, 0, 0] * 2
    assert choose_k(scores, labels, ids) == 2
    order = np.random.default_rng(0).permutation(16)
    assert choose_k([scores[i] for i in order], [labels[i] for i in order], [ids[i] for i in order]) == 2


def test_ranking_goes_before_nearness() -> None:
    scores, ids = series([1, 0], [1, 0], [1, 0], [0.5, 0.5], [0.6, 0])
    assert choose_k(scores, [1] * 8 + [0, 0], ids) == 2


def test_k_is_1_when_bleeds_show_in_single_slices() -> None:
    scores, ids = series([0.4, 0.4, 0.4, 0.4], [0.5, 0.4, 0.4, 0.5], [0.9, 0, 0, 0], [0.8, 0, 0, 0])
    assert choose_k(scores, [0] * 8 + [1, 0, 0, 0] * 2, ids) == 1


def test_of_equal_auc_the_nearer_probabilities_win_then_the_smaller_k() -> None:
    scores, ids = series([0.6, 0, 0], [0.9, 0.9, 0.1])
    assert choose_k(scores, [0, 0, 0, 1, 1, 0], ids) == 2
    assert choose_k([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 1], list("aabb")) == 1
    assert choose_k(scores, [0, 0, 0, 1, 1, 0], ids, most=1) == 1


@settings(max_examples=25)
@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 1), st.integers(0, 4)), min_size=2, max_size=40))
def test_no_other_k_ranks_series_better(rows: list[tuple[float, int, int]]) -> None:
    scores, labels, ids = zip(*rows, strict=True)
    truth = {one: max(label for _, label, s in rows if s == one) for one in ids}
    if len(set(truth.values())) < 2:
        with pytest.raises(HemotkError, match="k is chosen on series with and without hemorrhage"):
            choose_k(scores, labels, ids)
        return

    def area(k: int) -> float:
        found = {s: series_score([score for score, _, other in rows if other == s], k) for s in truth}
        pairs = [(found[a], found[b]) for a in truth for b in truth if truth[a] and not truth[b]]
        return sum((a > b) + (a == b) / 2 for a, b in pairs) / len(pairs)

    best = choose_k(scores, labels, ids, most=6)
    assert area(best) == pytest.approx(max(area(k) for k in range(1, 7)))


def test_wrong_use_of_choose_k() -> None:
    for arguments in (([0.1], [0, 1], ["a"], 3), ([0.1, 0.2], [0, 1], ["a", "b"], 0)):
        with pytest.raises(ValueError, match=r"zip|most"):
            choose_k(*arguments)


def red(picture: np.ndarray) -> np.ndarray:
    return (picture[..., 0].astype(int) - picture[..., 1]) > 100


def grays(count: int) -> list[np.ndarray]:
    """Pictures twice as wide as high, each of another gray below 200."""
    return [np.full((20, 40), 1 + place % 199, np.uint8) for place in range(count)]


def test_the_strip_shows_every_score_and_the_highest_in_red() -> None:
    scores = [0.1, 0.2, 0.9, 0.7, 0.05, 0.0]
    picture = np.asarray(Image.open(io.BytesIO(strip(scores, 2, 0.5, "series 0.8", grays(6)))).convert("RGB"))
    columns = red(picture).sum(0)
    runs = np.flatnonzero(np.diff(np.concatenate([[0], columns > 0, [0]])))
    assert len(runs) == 4
    heights = [columns[start:end].max() for start, end in runs.reshape(-1, 2)]
    assert heights[0] / heights[1] == pytest.approx(0.9 / 0.7, rel=0.03)
    assert runs[0] - runs[2] == -24


@pytest.mark.parametrize("count", [1, 2, 30, 400, 2000])
def test_a_strip_of_any_length_is_drawn(count: int) -> None:
    picture = Image.open(io.BytesIO(strip(np.linspace(0, 1, count).tolist(), 3, 0.5, "series", grays(count))))
    assert picture.height == 224 + 114 and max(360, count) <= picture.width <= max(360, 60 + max(count, 960))
    assert red(np.asarray(picture)).any()


@pytest.mark.parametrize(("k", "shown"), [(1, [5]), (3, [1, 4, 5]), (9, range(6)), (6, range(6))])
def test_the_slices_that_count_stand_below_the_bars_in_their_order(k: int, shown: Sequence[int]) -> None:
    scores = [0.1, 0.6, 0.2, 0.3, 0.7, 0.9]
    sheet = np.asarray(Image.open(io.BytesIO(strip(scores, k, 0.5, "series", grays(6)))))[224:]
    for number, place in enumerate(shown):
        top, left = number // 3 * 114, 44 + number % 3 * 102
        slot = sheet[top : top + 96, left : left + 96]
        assert (slot[24:72] == 1 + place).all(), "the picture, as wide as its place"
        assert (slot[:24] == 0).all() and (slot[72:] == 0).all()
        caption = Image.new("RGB", (96, 18), "white")
        ImageDraw.Draw(caption).text((0, 2), f"{place + 1}: {scores[place]:.4f}", fill="#222222")
        assert (sheet[top + 96 : top + 114, left : left + 96] == np.asarray(caption)).all()
    assert sheet.shape[0] == -(-len(shown) // 3) * 114


def test_of_many_slices_that_count_the_twelve_highest_are_shown() -> None:
    picture = np.asarray(Image.open(io.BytesIO(strip(np.linspace(0, 1, 40).tolist(), 30, 0.5, "series", grays(40)))))
    places = [picture[224 + 48, left + 48, 0] for left in range(44, 44 + 9 * 102, 102)]
    assert places == [1 + place for place in range(28, 37)]
    assert picture.shape[0] == 224 + 2 * 114

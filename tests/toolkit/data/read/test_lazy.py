"""Pictures read when they are needed: the same as an array's, checked, in order, and ahead of their use."""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from dicom_files import ramp, write_slice
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from hemotk.artifacts import PreprocessSpec, SplitItem
from hemotk.data.read.lazy import LazyPixels, prefetch
from hemotk.data.read.pipeline import load_items, open_items
from hemotk.errors import HemotkError
from hemotk.files import sha256_file

SPEC = PreprocessSpec(size=16)
COUNT = 9


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for k in range(COUNT - 1):
        Image.fromarray(rng.integers(0, 256, (20, 18), np.uint8)).save(folder / f"{k}.png")
    write_slice(folder / "deep" / f"{COUNT - 1}.dcm", ramp(20, 18))
    return folder


def items_of(root: Path, *, checked: bool = True) -> tuple[SplitItem, ...]:
    paths = [*(f"{k}.png" for k in range(COUNT - 1)), f"deep/{COUNT - 1}.dcm"]
    return tuple(
        SplitItem(path, sha256_file(root / path) if checked else None, k % 2, path, "train")
        for k, path in enumerate(paths)
    )


@pytest.fixture(scope="module")
def whole(root: Path) -> np.ndarray:
    return load_items(items_of(root), root, SPEC)[0]


places = st.lists(st.integers(-COUNT, COUNT - 1), max_size=12).map(lambda found: np.array(found, np.int64))
ends = st.none() | st.integers(-12, 12)
slices = st.builds(slice, ends, ends, st.none() | st.sampled_from((-2, -1, 1, 3)))


@given(chunk=places | slices)
def test_what_is_read_is_what_an_array_would_give(root: Path, whole: np.ndarray, chunk: np.ndarray | slice) -> None:
    found = LazyPixels(items_of(root, checked=False), root, SPEC)[chunk]
    assert found.dtype == np.uint8 and np.array_equal(found, whole[chunk]) and found.shape == whole[chunk].shape


@pytest.mark.parametrize("chunk", [3, np.array([True] * COUNT), np.array([[1]]), np.array([0.5]), [1, 2], None])
def test_other_indices_are_refused(root: Path, chunk: object) -> None:
    with pytest.raises(TypeError, match="take a slice or integers"):
        LazyPixels(items_of(root), root, SPEC)[chunk]  # type: ignore[index]


def test_outside(root: Path) -> None:
    pixels = LazyPixels(items_of(root), root, SPEC)
    with pytest.raises(IndexError):
        pixels[np.array([COUNT])]


def test_open_items_reads_what_fits_and_leaves_what_does_not(root: Path, whole: np.ndarray) -> None:
    items = items_of(root)
    held, labels = open_items(items, root, SPEC, most=COUNT * 16 * 16)
    left, same = open_items(items, root, SPEC, most=COUNT * 16 * 16 - 1)
    assert isinstance(held, np.ndarray) and isinstance(left, LazyPixels)
    assert np.array_equal(held, whole) and np.array_equal(left[:], whole)
    assert list(labels) == list(same) == [item.label for item in items]


def test_files_are_missed_at_once_and_checked_when_read(root: Path, tmp_path: Path) -> None:
    items = items_of(root)
    for item in items:
        (tmp_path / item.path).parent.mkdir(exist_ok=True)
        (tmp_path / item.path).write_bytes((root / item.path).read_bytes())
    pixels, _ = open_items(items, tmp_path, SPEC, most=0)
    (tmp_path / "1.png").write_bytes((root / "2.png").read_bytes())
    with pytest.raises(HemotkError, match=r"1\.png: checksum"):
        pixels[1:3]
    assert np.array_equal(pixels[3:], LazyPixels(items, root, SPEC)[3:])
    unchecked, _ = open_items(items_of(root, checked=False), tmp_path, SPEC, most=0)
    assert np.array_equal(*unchecked[1:3])
    (tmp_path / "0.png").unlink()
    with pytest.raises(HemotkError, match=r"0\.png: no such file.*data"):
        open_items(items, tmp_path, SPEC, most=0)
    with pytest.raises(HemotkError, match=r"nowhere: the image folder of the split is not there"):
        open_items(items, tmp_path / "nowhere", SPEC, most=0)


@given(st.lists(st.integers(), max_size=9), st.integers(1, 12))
def test_prefetch_keeps_items_and_order(items: list[int], ahead: int) -> None:
    assert list(prefetch(iter(items), ahead)) == items


def test_prefetch_works_ahead_in_another_thread() -> None:
    made: list[int] = []
    made_three = threading.Event()

    def source() -> Iterator[int]:
        for k in range(9):
            assert threading.current_thread() is not threading.main_thread()
            made.append(k)
            if k == 2:
                made_three.set()
            yield k

    found = prefetch(source(), ahead=2)
    assert next(found) == 0
    assert made_three.wait(10)  # while the first is still in use
    assert made == [0, 1, 2]
    found.close()  # type: ignore[attr-defined]
    assert len(made) <= 4


def test_an_error_of_the_source_comes_in_its_place() -> None:
    def source() -> Iterator[int]:
        yield 1
        raise HemotkError("broken")

    found = prefetch(source(), 3)
    assert next(found) == 1
    with pytest.raises(HemotkError, match="broken"):
        next(found)
    assert list(found) == []

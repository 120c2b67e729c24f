"""What looks like a head CT slice and what does not: drawn slices pass, drawn and shipped pictures of others do not."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from odd_pictures import DRAWN, hot, jet, page
from PIL import Image

from hemotk.data.phantom.draw import PhantomConfig, write_phantoms
from hemotk.data.read.plausible import PictureMeasures, doubts, judge, measure
from hemotk.data.read.preprocess import load_gray

HEAD = PictureMeasures(coloured=0.0, corner=0.05, contrast=250.0, aspect=1.2, outline=0.95, hollow=0.1)


@pytest.fixture(scope="module")
def heads(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("phantoms") / "drawn"
    write_phantoms(folder, PhantomConfig(count=6, seed=11, size_high=200))
    return sorted(folder.rglob("*.png"))


def save(path: Path, picture: np.ndarray) -> Path:
    Image.fromarray(picture).save(path)
    return path


def test_slices_are_not_doubted(heads: list[Path]) -> None:
    assert [doubts(path) for path in heads] == [()] * 6


def test_a_bluish_cast_and_small_letters_are_not_doubted(heads: list[Path], tmp_path: Path) -> None:
    gray = load_gray(heads[0])
    cast = np.stack([gray, gray, np.clip(gray.astype(int) + 22, 0, 255).astype(np.uint8)], -1)
    cast[:8, :30] = (255, 0, 0)
    cast[-6:, -20:] = 255
    assert doubts(save(tmp_path / "a.png", cast)) == ()


def test_inverted_slices_are_doubted(heads: list[Path], tmp_path: Path) -> None:
    for path in heads:
        found = doubts(save(tmp_path / "a.png", 255 - load_gray(path)))
        assert "has bright corners, as an inverted slice or a photo has" in found


@pytest.mark.parametrize("colours", [jet, hot])
def test_slices_in_colours_are_doubted(
    heads: list[Path], tmp_path: Path, colours: Callable[[np.ndarray], np.ndarray]
) -> None:
    for path in heads:
        assert "is in colour" in doubts(save(tmp_path / "a.png", colours(load_gray(path))))


@pytest.mark.parametrize("name", list(DRAWN))
def test_what_is_no_slice_is_doubted(name: str, tmp_path: Path) -> None:
    assert doubts(save(tmp_path / "a.png", DRAWN[name]()))


def test_photos_that_libraries_ship_are_doubted() -> None:
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        pytest.skip("no library with photos is installed")
    images = Path(found.origin).parent / "datasets" / "images"
    for name in ("china.jpg", "flower.jpg"):
        assert "is in colour" in doubts(images / name)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, ()),
        ({"coloured": 0.11}, ("is in colour",)),
        ({"corner": 0.41}, ("has bright corners, as an inverted slice or a photo has",)),
        ({"aspect": 2.1}, ("is very long and narrow",)),
        ({"contrast": 99.0, "corner": 1.0}, ("has hardly any contrast",)),
        ({"outline": 0.39}, ("shows no closed skull",)),
        ({"outline": 0.5, "hollow": 0.36}, ("shows no closed skull",)),
        ({"outline": 0.5, "hollow": 0.34}, ()),
        ({"coloured": 0.5, "outline": 0.1}, ("is in colour", "shows no closed skull")),
    ],
)
def test_each_limit(change: dict, says: tuple) -> None:
    assert judge(PictureMeasures(**{**vars(HEAD), **change})) == says


def test_measurements_hold_for_any_size() -> None:
    for shape in ((16, 16), (16, 400), (700, 20)):
        for value in (0, 255):
            found = measure(np.full(shape, value, np.uint8))
            assert found.contrast == 0 and judge(found) == ("has hardly any contrast",)
    large = measure(np.kron(page(), np.ones((3, 3), np.uint8)))
    assert abs(large.corner - measure(page()).corner) < 0.02

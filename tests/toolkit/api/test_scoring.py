"""A classifier takes pictures as people have them, and says the same of the same pixels."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from dicom_files import content, dataset, ramp
from PIL import Image
from written_artefacts import SPEC, write_bundle, write_picture

import hemotk
from hemotk.api.scoring import Classifier, Picture, Prediction, Predictions


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "b")


@pytest.fixture
def pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)


def one(model: Classifier, picture: Picture) -> Prediction:
    """What is said of one picture."""
    found = model(picture)
    assert isinstance(found, Prediction)
    return found


def several(model: Classifier, pictures: Picture) -> Predictions:
    """What is said of a folder or a list."""
    found = model(pictures)
    assert isinstance(found, Predictions)
    return found


def test_a_file_an_array_and_an_image_have_one_score(bundle: Path, tmp_path: Path, pixels: np.ndarray) -> None:
    image = Image.fromarray(pixels)
    image.save(tmp_path / "a.png")
    model = hemotk.load(str(bundle))
    colours = np.stack([pixels] * 3, axis=2)
    given: tuple[Any, ...] = (str(tmp_path / "a.png"), tmp_path / "a.png", pixels, image, colours)
    found = [one(model, picture) for picture in given]
    assert len({each.logit for each in found}) == 1 and len({each.probability for each in found}) == 1
    assert all(np.array_equal(each.gray, pixels) for each in found)
    first = found[0]
    assert first.verdict == ("normal", "hemorrhage")[first.label] and first.heat_map() is None


def test_a_dataset_is_the_file_that_holds_it(bundle: Path, tmp_path: Path) -> None:
    pydicom = pytest.importorskip("pydicom")
    (tmp_path / "a.dcm").write_bytes(content(dataset(ramp(40, 40) + 1024)))
    model = hemotk.load(bundle)
    assert one(model, pydicom.dcmread(tmp_path / "a.dcm")).logit == one(model, tmp_path / "a.dcm").logit


def test_folders_and_lists_give_predictions_in_order(bundle: Path, tmp_path: Path) -> None:
    for place, gray in enumerate((10, 120, 240)):
        write_picture(tmp_path / "pictures" / f"{place}.png", gray)
    model = hemotk.load(bundle)
    by_folder = several(model, tmp_path / "pictures")
    assert [Path(each.path).name for each in by_folder] == [
        "0.png",
        "1.png",
        "2.png",
    ]
    assert [each.logit for each in by_folder] == sorted(each.logit for each in by_folder)
    by_list = several(model, [tmp_path / "pictures" / "2.png", np.full((40, 40), 10, np.uint8)])
    assert [each.logit for each in by_list] == [by_folder[2].logit, by_folder[0].logit]


def test_a_series_has_one_verdict(bundle: Path, tmp_path: Path) -> None:
    for place, gray in enumerate((10, 240, 200)):
        write_picture(tmp_path / "series" / f"{place}.png", gray)
    model = hemotk.load(bundle)
    verdict = model.series(str(tmp_path / "series"), k=2)
    assert (verdict.slices, verdict.k) == (3, 2)
    singles = sorted((each.probability for each in several(model, tmp_path / "series")), reverse=True)
    assert verdict.probability == pytest.approx(np.mean(singles[:2]))
    with pytest.raises(hemotk.HemotkError, match=r"^k: .*give k, the number of slices to average"):
        model.series(tmp_path / "series")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (np.zeros((4, 4)), r"picture: is float64 of shape \[4, 4\]; give uint8"),
        (np.zeros((40, 40, 4), np.uint8), r"of shape \[40, 40, 4\]"),
        (3, "picture: is int; give a path"),
        ("gone.png", r"gone\.png: no such file"),
        (Image.new("CMYK", (40, 40)), "picture: is an image of mode CMYK; convert it"),
    ],
)
def test_what_is_no_picture_is_refused(bundle: Path, given: Any, said: str) -> None:
    with pytest.raises(hemotk.HemotkError, match=said):
        hemotk.load(bundle)(given)


def test_wrong_use_of_load_is_refused(bundle: Path) -> None:
    with pytest.raises(hemotk.HemotkError, match=r"^variant fp16: is not in"):
        hemotk.load(bundle, "fp16")
    with pytest.raises(hemotk.HemotkError, match=r"^variant int8: .* is one model already"):
        hemotk.load(bundle / "int8.tflite", "int8")
    with pytest.raises(hemotk.HemotkError, match=r"normalization, output and positive_class: are for a bare"):
        hemotk.load(bundle, normalization="unit")


def test_a_heat_map_lies_over_the_picture() -> None:
    gray, cam = np.full((32, 48), 100, np.uint8), np.zeros((2, 2))
    cam[0, 0] = 20.0
    found = Prediction("a", 1.0, 0.7, 1, "hemorrhage", gray=gray, cam=cam, size=32)
    image = np.asarray(found.heat_map())
    assert image.shape == (32, 48, 3) and image[..., 0].max() > 150 and (image[-1, -1] == 100).all()
    shown = found._repr_html_()
    assert "data:image/png;base64," in shown and "hemorrhage" in shown and "not for diagnosis" in shown


def test_a_window_is_what_dicom_is_seen_through(bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "a.dcm").write_bytes(content(dataset(ramp(40, 40) + 1024)))
    usual, bone = hemotk.load(bundle), hemotk.load(bundle, window=(600.0, 2800.0))
    assert one(usual, tmp_path / "a.dcm").logit != one(bone, tmp_path / "a.dcm").logit
    assert usual.model.preprocess == SPEC

"""What `hemotk info` reads of the metadata that the export writes, or others wrote."""

from pathlib import Path

import pytest
from mean_models import mean_model
from test_metadata import ABOUT, MODELS

from hemotk.errors import HemotkError
from hemotk.exporting.tflite.flatbuffer import read_model, write_model
from hemotk.exporting.tflite.metadata import _append, _set_entry, add_metadata
from hemotk.exporting.tflite.metadata_writer import write_metadata
from hemotk.tflite.metadata import ModelMetadata, Normalization, metadata_of


def read(folder: Path, content: bytes) -> ModelMetadata | None:
    (folder / "model.tflite").write_bytes(content)
    return metadata_of(folder / "model.tflite")


def foreign(metadata: dict, files: dict[str, bytes]) -> bytes:
    """A model with metadata and files of any form."""
    model = read_model(mean_model())
    _set_entry(model, write_metadata(metadata))
    return _append(write_model(model), files)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_it_is_what_was_written(model: bytes, tmp_path: Path) -> None:
    said = read(tmp_path, add_metadata(model, ABOUT))
    assert said is not None
    assert (said.name, said.version, said.author, said.license) == (
        ABOUT.name,
        ABOUT.version,
        ABOUT.author,
        ABOUT.license,
    )
    assert said.normalization == {"pixels": Normalization((115.0,), (57.63,))}
    assert said.labels == ABOUT.labels
    assert said.thresholds == {"logit": 0.35}
    assert said.calibration == {"logit": ("1,0.625,0",)}
    assert list(said.files) == ["labels.txt", "probability_labels.txt", "score_calibration.csv"]


def test_a_model_without_any_says_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, mean_model()) is None


def test_what_others_leave_out_is_empty(tmp_path: Path) -> None:
    said = read(tmp_path, foreign({"name": "bare"}, {}))
    assert said == ModelMetadata("bare", "", "", "", "", {}, (), {}, {}, {})


def test_labels_that_are_no_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"model\.tflite: the packed file 'labels\.txt' is no UTF-8 text"):
        read(tmp_path, foreign({"name": "odd"}, {"labels.txt": b"\xff"}))

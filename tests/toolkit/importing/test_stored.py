"""Files that are no saved model, or not a whole one."""

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import tf_keras

from hemotk.errors import HemotkError
from hemotk.importing.layers import KerasLayer, LayerPlace
from hemotk.importing.stored import Arrays, _find_in_h5, checksum, open_stored

LAYER = KerasLayer((LayerPlace("dense", 0, "dense"),), "Dense", {}, (0,))


def small_model() -> tf_keras.Model:
    """Two dense layers: enough for a file."""
    return tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(3), tf_keras.layers.Dense(1)])


def empty(folder: Path) -> Path:
    (folder / "m.h5").touch()
    return folder / "m.h5"


def cut_h5(folder: Path) -> Path:
    small_model().save(folder / "m.h5")
    data = (folder / "m.h5").read_bytes()
    (folder / "m.h5").write_bytes(data[: len(data) // 2])
    return folder / "m.h5"


def cut_zip(folder: Path) -> Path:
    small_model().save(folder / "m.keras")
    data = (folder / "m.keras").read_bytes()
    (folder / "m.keras").write_bytes(data[: len(data) // 2])
    return folder / "m.keras"


def other_zip(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "m.keras", "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    return folder / "m.keras"


def broken_json(folder: Path) -> Path:
    with h5py.File(folder / "m.h5", "w") as file:
        file.attrs["model_config"] = '{"class_name": "Sequ'
    return folder / "m.h5"


def picture(folder: Path) -> Path:
    (folder / "m.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    return folder / "m.png"


def damaged_folder(folder: Path) -> Path:
    for name in ("saved_model.pb", "keras_metadata.pb"):
        (folder / name).write_bytes(b"\xff\xff\xff")
    return folder


@pytest.mark.parametrize("make", [empty, cut_h5, cut_zip, other_zip, broken_json, picture, damaged_folder])
def test_what_is_no_whole_model_is_refused_by_name(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    path = make(tmp_path)
    with pytest.raises(HemotkError) as caught:
        open_stored(path)
    assert str(caught.value) == (
        f"{path}: is no saved Keras model (.h5, .keras or SavedModel folder), but something else or cut short; "
        "check the path, or copy it again."
    )


def test_other_refusals_say_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"nowhere\.h5: no such file or folder; check the path"):
        open_stored(tmp_path / "nowhere.h5")
    with pytest.raises(HemotkError, match=r"holds no saved_model\.pb"):
        open_stored(tmp_path)
    small_model().save_weights(tmp_path / "only.h5")
    with pytest.raises(HemotkError, match=r"only\.h5: holds weights without a model; save the whole model"):
        open_stored(tmp_path / "only.h5")
    (tmp_path / "saved_model.pb").touch()
    with pytest.raises(HemotkError, match=r"SavedModel without Keras's description.*model\.save\('model\.keras'\)"):
        open_stored(tmp_path)


def test_an_older_layout_of_weights_is_refused(tmp_path: Path) -> None:
    small_model().save(tmp_path / "new.keras")
    with zipfile.ZipFile(tmp_path / "new.keras") as new, zipfile.ZipFile(tmp_path / "old.keras", "w") as old:
        for name in ("config.json", "metadata.json"):
            old.writestr(name, new.read(name))
        with h5py.File(tmp_path / "w.h5", "w") as file:
            file.create_group("_layer_checkpoint_dependencies")
        old.write(tmp_path / "w.h5", "model.weights.h5")
    with pytest.raises(HemotkError, match=r"old\.keras: is laid out as only Keras .* did it; load it there"):
        open_stored(tmp_path / "old.keras")


def test_a_model_is_read_without_running_what_lies_in_it(tmp_path: Path) -> None:
    ran = tmp_path / "ran"
    layer = tf_keras.layers.Lambda(eval(f"lambda x: (open({str(ran)!r}, 'w'), x)[1]"), name="trap")
    tf_keras.Sequential([tf_keras.Input((4,)), layer]).save(tmp_path / "m.h5")
    ran.unlink()
    assert "trap" in json.dumps(open_stored(tmp_path / "m.h5").config)
    assert not ran.exists()


def find(arrays: object, layer: KerasLayer, number: int, variable: str) -> str:
    return f"{layer.name}/{variable}"


def test_an_array_is_read_once_and_none_may_be_left(tmp_path: Path) -> None:
    kept = {"dense/kernel": np.ones((2, 2), np.float64), "dense/bias": np.ones(2), "dense/count": np.ones((), float)}
    arrays = Arrays(tmp_path, kept, find)
    (kernel,) = arrays.read(LAYER, "kernel")
    assert kernel.dtype == np.float32
    with pytest.raises(HemotkError, match=r"the weights 'kernel' of layer 'dense' \(Dense\) are not there"):
        arrays.read(LAYER, "kernel")
    with pytest.raises(HemotkError, match="the array 'dense/bias' belongs to no layer"):
        arrays.check_all_read()
    arrays.read(LAYER, "bias")
    arrays.check_all_read()


def test_in_h5_a_name_that_ends_like_a_longer_one_is_told_from_it(tmp_path: Path) -> None:
    names = ("net/conv1/bn/beta:0", "net/bn/beta:0", "other/bn/beta:0")
    arrays = Arrays(tmp_path, {name: np.full(1, number, float) for number, name in enumerate(names)}, _find_in_h5)
    places = [LayerPlace("net", 0, "functional"), LayerPlace("bn", 0, "batch_normalization")]
    assert arrays.read(KerasLayer(tuple(places), "BatchNormalization", {}, (0,)), "beta") == [1.0]
    assert arrays.read(KerasLayer((LayerPlace("other", 1, "dense"),), "Dense", {}, (0,)), "beta") == [2.0]


def test_quantized_weights_are_refused(tmp_path: Path) -> None:
    arrays = Arrays(tmp_path, {"dense/kernel": np.ones((2, 2), np.int8)}, find)
    with pytest.raises(HemotkError, match="are of type int8; save the model before"):
        arrays.read(LAYER, "kernel")


def test_the_checksum_of_a_folder_tells_names_and_contents(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "variables").mkdir(parents=True)
        (tmp_path / name / "variables" / "one").write_text("1")
    assert checksum(tmp_path / "a") == checksum(tmp_path / "b") != checksum(tmp_path / "a" / "variables" / "one")
    (tmp_path / "b" / "variables" / "one").rename(tmp_path / "b" / "variables" / "two")
    assert checksum(tmp_path / "a") != checksum(tmp_path / "b")
    shutil.rmtree(tmp_path / "b")

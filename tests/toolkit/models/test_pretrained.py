"""Given weights: the official layout, another run's, and what is refused."""

import hashlib
import importlib
import inspect
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tf_keras

from hemotk.artifacts import WEIGHTS_FILE
from hemotk.errors import HemotkError
from hemotk.models import pretrained
from hemotk.models.families import named_shape
from hemotk.models.pretrained import load_pretrained
from hemotk.models.shape import DenseNetShape, densenet
from hemotk.models.weights import write_weights

BLOCKS = (1, 2, 1, 1)
SMALL = densenet(BLOCKS)


def is_backbone(name: str) -> bool:
    return not name.startswith(("logit", "hidden"))


@pytest.fixture(scope="module")
def application() -> Any:
    """A small DenseNet by keras.applications' own code with its classifier on top."""
    module = importlib.import_module("tf_keras.src.applications.densenet")
    return module.DenseNet(list(BLOCKS), weights=None, include_top=True, input_shape=(32, 32, 3), classes=7)


def own_arrays(network: Any) -> dict[str, np.ndarray]:
    """The application's arrays by the names that Keras gives their variables."""
    return {variable.name.removesuffix(":0"): variable.numpy() for variable in network.variables}


def equal(found: dict[str, np.ndarray], network: Any) -> bool:
    own = own_arrays(network)
    return all(np.array_equal(array, own[name]) for name, array in found.items())


def test_densenet121_in_the_official_layout_gives_exactly_its_arrays(tmp_path: Path) -> None:
    network = tf_keras.applications.DenseNet121(weights=None, include_top=False, input_shape=(32, 32, 3))
    network.save_weights(tmp_path / "notop.h5")
    shape = named_shape("densenet121", 224)
    found = load_pretrained(str(tmp_path / "notop.h5"), "densenet121", shape)
    assert found.keys() == {name for name in shape.arrays() if is_backbone(name)}
    assert equal(found, network)
    assert sum(array.size for array in found.values()) == network.count_params() == shape.parameters(head=False)


@pytest.mark.parametrize("whole", [False, True], ids=["weights", "model"])
def test_a_classifier_on_top_is_left_out(tmp_path: Path, application: Any, whole: bool) -> None:
    path = tmp_path / "top.h5"
    (application.save if whole else application.save_weights)(path)
    found = load_pretrained(str(path), "small", replace(SMALL, hidden=(4,)))
    assert found.keys() == {name for name in SMALL.arrays() if is_backbone(name)}
    assert equal(found, application)


def test_another_run_gives_its_backbone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = {name: rng.normal(size=size).astype(np.float32) for name, size in SMALL.arrays().items()}
    write_weights(tmp_path / WEIGHTS_FILE, arrays)
    for source in (tmp_path, tmp_path / WEIGHTS_FILE):
        found = load_pretrained(str(source), "small", SMALL)
        assert found.keys() == {name for name in arrays if is_backbone(name)}
        assert all(np.array_equal(array, arrays[name]) for name, array in found.items())


@pytest.mark.parametrize(
    ("shape", "says"),
    [
        (
            densenet((1, 2, 2, 1)),
            "array 'conv4_block2_0_bn/gamma' is missing; the weights belong to another shape file",
        ),
        (densenet((1, 1, 1, 1)), r"array 'pool3_bn/gamma' is \[112\], the shape file says \[80\]"),
        (densenet(BLOCKS, growth=16), r"array 'conv1/conv/kernel' is \[7, 7, 3, 64\], the shape file says"),
    ],
)
def test_weights_of_another_architecture_are_refused(
    tmp_path: Path, application: Any, shape: DenseNetShape, says: str
) -> None:
    application.save_weights(tmp_path / "w.h5")
    with pytest.raises(HemotkError, match=says):
        load_pretrained(str(tmp_path / "w.h5"), "other", shape)


def test_a_file_with_none_of_the_layers_is_refused(tmp_path: Path) -> None:
    tf_keras.Sequential([tf_keras.Input((4,)), tf_keras.layers.Dense(3)]).save_weights(tmp_path / "vgg.h5")
    with pytest.raises(
        HemotkError, match=r"weights .*vgg\.h5: holds no layer of small; give a weight file of that arch"
    ):
        load_pretrained(str(tmp_path / "vgg.h5"), "small", SMALL)


@pytest.mark.parametrize("name", ["w.h5", "w.npz"])
@pytest.mark.parametrize("content", [b"", b"\x89HDF\r\n\x1a\n cut", b"PK\x03\x04 cut", None])
def test_a_file_that_is_none_or_cut_short_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(HemotkError, match=f"weights {path}: cannot be read as a .*weight file.*; check the path"):
        load_pretrained(str(path), "small", SMALL)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty home, so that no file downloaded before is found and none is left behind."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    before = socket.getdefaulttimeout()
    yield tmp_path
    assert socket.getdefaulttimeout() == before


OFFLINE = "could not be downloaded with its checksum; fetch it on a machine with a network and give weights FILE, or "


def test_imagenet_without_a_network_fails_at_once_with_the_remedy(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[Any] = []

    def unreachable(*arguments: Any, **options: Any) -> None:
        tries.append((arguments, options, socket.getdefaulttimeout()))
        raise Exception("URL fetch failure: name or service not known")

    monkeypatch.setattr(tf_keras.utils, "get_file", unreachable)
    with pytest.raises(HemotkError, match=f"^weights imagenet: densenet201_weights.*_notop.h5 {OFFLINE}"):
        load_pretrained("imagenet", "densenet201", named_shape("densenet201", 224))
    ((arguments, options, timeout),) = tries
    assert arguments[1].startswith("https://") and options["file_hash"] == "c13680b51ded0fb44dff2d8f86ac8bb1"
    assert timeout is not None and timeout <= 15


def serve(monkeypatch: pytest.MonkeyPatch, application: Any, folder: Path, md5: str | None) -> None:
    """Make 'imagenet' for 'small' a file in `folder`, with the checksum `md5`, by default the right one."""
    application.save_weights(folder / "official_notop.h5")
    right = hashlib.md5((folder / "official_notop.h5").read_bytes()).hexdigest()
    monkeypatch.setattr(pretrained, "_ADDRESS", folder.as_uri())
    monkeypatch.setattr(pretrained, "_IMAGENET", {"small": pretrained._Official("official_notop.h5", md5 or right, "")})


def test_a_download_with_its_checksum_is_taken(home: Path, monkeypatch: pytest.MonkeyPatch, application: Any) -> None:
    serve(monkeypatch, application, home, None)
    assert equal(load_pretrained("imagenet", "small", SMALL), application)


def test_a_download_with_another_checksum_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, application: Any
) -> None:
    serve(monkeypatch, application, home, "0" * 32)
    with pytest.raises(HemotkError, match=f"official_notop.h5 {OFFLINE}"):
        load_pretrained("imagenet", "small", SMALL)


def test_there_is_no_official_file_for_every_network() -> None:
    with pytest.raises(
        HemotkError, match="no official file for densenet-tiny; use weights none, or one of densenet121,"
    ):
        load_pretrained("imagenet", "densenet-tiny", named_shape("densenet-tiny", 224))


def test_the_official_names_and_checksums_are_those_of_keras() -> None:
    source = inspect.getsource(importlib.import_module("tf_keras.src.applications.densenet"))
    for arch, official in pretrained._IMAGENET.items():
        assert all(f'"{md5}"' in source and f'{name}"' in source for name, md5 in official.known().items())
        assert official.file.startswith(f"{arch}_weights_") and official.file.endswith("_notop.h5")


# --- a file that a user fetched elsewhere, under its official name


def fetched(monkeypatch: pytest.MonkeyPatch, application: Any, folder: Path) -> tuple[Path, Path]:
    """The official files of 'small' without and with classifier; the classifier is on both, which must not matter."""
    notop, top = folder / "small_notop.h5", folder / "small.h5"
    application.save_weights(notop)
    application.save_weights(top)
    right, with_top = (hashlib.md5(path.read_bytes()).hexdigest() for path in (notop, top))
    official = {"small": pretrained._Official(notop.name, right, with_top), "large": _OTHER}
    monkeypatch.setattr(pretrained, "_IMAGENET", official)
    return notop, top


_OTHER = pretrained._Official("large_notop.h5", "0" * 32, "1" * 32)


def test_a_fetched_file_is_taken_by_its_path_with_and_without_classifier(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, application: Any
) -> None:
    for path in fetched(monkeypatch, application, tmp_path):
        assert equal(load_pretrained(str(path), "small", SMALL), application)


def test_a_fetched_file_in_keras_s_folder_is_imagenet_without_a_network(
    home: Path, monkeypatch: pytest.MonkeyPatch, application: Any
) -> None:
    notop, _ = fetched(monkeypatch, application, home)
    monkeypatch.setattr(pretrained, "_ADDRESS", "http://127.0.0.1:9")  # nobody answers there
    folder = home / "home/.keras/models"
    folder.mkdir(parents=True)
    notop.rename(folder / notop.name)
    assert equal(load_pretrained("imagenet", "small", SMALL), application)
    with (folder / notop.name).open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(HemotkError, match=f"small_notop.h5 {OFFLINE}"):
        load_pretrained("imagenet", "small", SMALL)


@pytest.mark.parametrize("cut", [1, 1000])
def test_a_fetched_file_that_was_cut_short_is_told_by_its_checksum(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, application: Any, cut: int
) -> None:
    for path in fetched(monkeypatch, application, tmp_path):
        path.write_bytes(path.read_bytes()[:-cut])
        with pytest.raises(
            HemotkError, match=r"has the MD5 \w{32} instead of \w{32}: it was cut short or changed; fetch"
        ):
            load_pretrained(str(path), "small", SMALL)
        renamed = path.rename(path.with_name(f"mine-{path.name}"))
        with pytest.raises(HemotkError, match=r"cannot be read as a Keras weight file .*fetch it again if it was cut"):
            load_pretrained(str(renamed), "small", SMALL)


def test_the_official_file_of_another_network_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, application: Any
) -> None:
    fetched(monkeypatch, application, tmp_path)
    for name in ("large_notop.h5", "large.h5"):
        (tmp_path / name).write_bytes(b"")
        with pytest.raises(HemotkError, match="the official file of large, not of small; add arch large, or give the"):
            load_pretrained(str(tmp_path / name), "small", SMALL)

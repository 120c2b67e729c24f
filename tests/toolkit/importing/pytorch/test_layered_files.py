"""ResNet and MobileNet files: what each is, and what of them is refused. Their logits: test_real_files.py."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torch_files import write_state

from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.importing.pytorch.backbone import Tensors
from hemotk.importing.pytorch.contents import find_network
from hemotk.importing.pytorch.families import MARKS, read_layers
from hemotk.importing.pytorch.files import open_torch
from hemotk.models.layered import LayeredShape

FIXTURES = Path(__file__).parents[3] / "torch_fixtures"
RESNET, MODULE, GRAY = "resnet18.pt", "resnet_module.pth", "timm_resnet_gray.pt"
V2, SMALL, LARGE = (f"mobilenet{name}_half.safetensors" for name in ("v2", "v3_small", "v3_large"))
TIMM_V2, TIMM_V3 = (f"timm_mobilenet{name}_half.safetensors" for name in ("v2", "v3"))
FAMILIES = {
    RESNET: "resnet18",
    MODULE: "resnet",
    GRAY: "resnet",
    V2: "mobilenetv2",
    SMALL: "mobilenetv3-small",
    LARGE: "mobilenetv3-large",
    TIMM_V2: "mobilenetv2",
    TIMM_V3: "mobilenetv3-small",
}
Arrays = dict[str, np.ndarray]


def read(path: Path, normalization: str = "unit", output: int | None = None) -> Any:
    return read_network(path, ImportConfig(64, normalization, output=output))


@pytest.mark.parametrize("name", FAMILIES)
def test_a_file_is_told_by_its_tensors(name: str) -> None:
    network = read(FIXTURES / name, output=2 if name == V2 else None)
    assert isinstance(network.shape, LayeredShape) and network.shape.family == FAMILIES[name]
    text = " ".join(network.notes)
    assert "Only --expect checks it" in text and "Strides, paddings and activations are those of" in text
    assert ("Hardswish" in text) == (name in (SMALL, LARGE)) and ("tf_" in text) == (name in (TIMM_V2, TIMM_V3))
    assert ("is taken to be 0.001" in text) == (name in (SMALL, LARGE)) and ("1e-5" in text) != (
        name in (SMALL, LARGE, MODULE)
    )


def test_what_is_alike_in_all_channels_becomes_one_channel() -> None:
    unit, torch, gray = (
        read(FIXTURES / name, mode) for name, mode in ((RESNET, "unit"), (RESNET, "torch"), (GRAY, "unit"))
    )
    assert unit.shape.shift is None and unit.weights["conv1/kernel"].shape == (7, 7, 1, 3)
    assert torch.shape.shift is not None and torch.weights["conv1/kernel"].shape == (7, 7, 3, 3)
    assert gray.shape.shift is None and gray.weights["conv1/kernel"].shape == (7, 7, 1, 64)
    with pytest.raises(HemotkError, match=r"normalization torch: is for 3 channels.*reads 1"):
        read(FIXTURES / GRAY, "torch")


def arrays(name: str) -> Arrays:
    """Every tensor of a file, by its name."""
    file = open_torch(FIXTURES / name)
    tensors = find_network(file).tensors
    return {key: file.numbers(view) for key, view in tensors.items() if "num_batches" not in key}


def without(*parts: str) -> Callable[[Arrays], Arrays]:
    return lambda own: {key: array for key, array in own.items() if not key.startswith(parts)}


def changed(**more: np.ndarray) -> Callable[[Arrays], Arrays]:
    """With other arrays; '__' stands for a dot."""
    return lambda own: {**own, **{key.replace("__", "."): array for key, array in more.items()}}


def moved(old: str, new: str) -> Callable[[Arrays], Arrays]:
    return lambda own: {key.replace(old, new): array for key, array in own.items()}


NO_TENSOR = np.zeros((1, 1, 1, 1))
REFUSED: Mapping[str, tuple[str, Callable[[Arrays], Arrays], str]] = {
    "deep stem": (RESNET, lambda own: {"conv1.0.weight": NO_TENSOR, **own}, "'conv1.0.weight' begins a deep stem"),
    "stem of small pictures": (RESNET, changed(conv1__weight=np.zeros((3, 3, 3, 3))), "where .3, 3, 7, 7. is"),
    "groups": (RESNET, changed(layer1__0__conv2__weight=np.zeros((3, 1, 3, 3))), "where .3, 3, 3, 3. is expected"),
    "pooled shortcut": (RESNET, moved("downsample.0", "downsample.2"), "'layer2.0.downsample.0.weight' is missing"),
    "squeeze in a ResNet": (
        RESNET,
        changed(layer1__0__se__fc1__weight=NO_TENSOR),
        "layer1.0.se.fc1.weight' is one too m",
    ),
    "no statistics": (RESNET, without("layer2.1.bn2.running_var"), "'layer2.1.bn2.running_var' is missing"),
    "negative": (RESNET, changed(bn1__running_var=np.full(3, -1.0)), "'bn1' has variances below 0"),
    "not finite": (RESNET, changed(conv1__weight=np.full((3, 3, 7, 7), np.nan)), "'conv1.weight' holds NaN"),
    "no head": (RESNET, without("fc"), "has the features of a network and no classifier"),
    "five channels": (RESNET, changed(conv1__weight=np.zeros((3, 5, 7, 7))), "reads 5 channels where 1 or 3"),
    "other width of a sum": (
        RESNET,
        lambda own: {
            **own,
            "layer4.1.conv2.weight": np.zeros((5, 24, 3, 3)),
            **{f"layer4.1.bn2.{part}": np.ones(5) for part in ("weight", "bias", "running_mean", "running_var")},
        },
        "makes 24 channels, which are added to 5",
    ),
    "a block too few": (V2, without("features.17", "features.18"), "has 16 blocks instead of 17"),
    "kernels of another network": (
        SMALL,
        lambda own: {**own, "features.5.block.1.0.weight": own["features.5.block.1.0.weight"][:, :, :3, :3]},
        "features.5.block.1.0.weight' is .*, 1, 3, 3. where .*, 1, 5, 5. is expected",
    ),
    "no excitation": (SMALL, moved("features.5.block.2.fc", "features.5.extra.fc"), "has other layers than its place"),
    "excitation of another width": (
        SMALL,
        changed(features__5__block__2__fc1__weight=np.zeros((8, 7, 1, 1))),
        "'features.5.block.2.fc1.weight' is .8, 7, 1, 1.",
    ),
    "own hidden layer": (
        SMALL,
        lambda own: {**own, "classifier.0.weight": np.zeros((9, 144)), "classifier.0.bias": np.zeros(9)},
        "has 2 layers behind the features .*does not say which activations",
    ),
    "stages of another network": (TIMM_V3, moved("blocks.1.1.", "blocks.2.3."), "has stages of .1, 1, 4, 2, 3. blocks"),
    "EfficientNet-Lite": (TIMM_V2, moved("blocks.6.0.", "blocks.5.3."), "has 6 stages instead of 7"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_such_network_has_is_refused(tmp_path: Path, name: str) -> None:
    source, change, told = REFUSED[name]
    path = write_state(tmp_path / "m.pt", change(arrays(source)))
    with pytest.raises(HemotkError, match=told) as caught:
        read(path)
    assert "what can be imported is a DenseNet" in str(caught.value) or "; save the whole" in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value"), [("stride", (1, 1)), ("padding", (0, 0)), ("dilation", (2, 2)), ("groups", 2)]
)
def test_what_a_module_says_of_a_convolution_is_held_against_the_table(setting: str, value: object) -> None:
    file = open_torch(FIXTURES / MODULE)
    contents = find_network(file)
    conv = contents.modules["layer2.0.conv2"]
    odd = replace(conv, settings={**conv.settings, setting: value})
    odd_contents = replace(contents, modules={**contents.modules, "layer2.0.conv2": odd})
    with pytest.raises(HemotkError, match="layer2.0.conv2' .*has (groups|" + setting + ")"):
        read_layers(Tensors(file, odd_contents, ""), contents.mark)
    assert contents.mark in MARKS


def test_a_module_of_another_class_is_refused() -> None:
    file = open_torch(FIXTURES / MODULE)
    contents = find_network(file)
    odd = replace(contents.modules["conv1"], kind="Conv2dSame")
    with pytest.raises(HemotkError, match=r"'conv1' \(Conv2dSame\) pads otherwise"):
        read_layers(Tensors(file, replace(contents, modules={**contents.modules, "conv1": odd}), ""), contents.mark)

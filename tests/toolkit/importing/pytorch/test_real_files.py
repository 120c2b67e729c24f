"""Files that the real libraries wrote give the logits that PyTorch computed in float64 (tests/torch_fixtures)."""

import json
from pathlib import Path

import numpy as np
import pytest
from torch_files import write_state

from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.importing.pytorch.contents import find_network
from hemotk.importing.pytorch.files import open_torch
from hemotk.importing.run import score
from hemotk.models.shape import DenseNetShape

FIXTURES = Path(__file__).parents[3] / "torch_fixtures"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())["networks"]
CLOSE = 1e-4  # of the logits' standard deviation
SIZE = 32


def pictures(size: int) -> np.ndarray:
    """As torch_fixtures/make.py draws them."""
    coarse = np.random.default_rng(17).integers(0, 256, (6, 8, 8))
    side = -(-size // 8)
    return np.kron(coarse, np.ones((side, side), int)).astype(np.uint8)[:, :size, :size]


def logits(name: str, **said: object) -> np.ndarray:
    size = EXPECTED[name].get("size", SIZE)
    config = ImportConfig(size, EXPECTED[name]["normalization"], **said)  # type: ignore[arg-type]
    network = read_network(FIXTURES / name, config)
    return score(network, pictures(size))


def close(given: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(given - expected).max() <= CLOSE * expected.std())


@pytest.mark.parametrize("name", EXPECTED)
def test_every_source_and_container_gives_torchs_logits(name: str) -> None:
    outputs = np.array(EXPECTED[name]["outputs"])
    width = outputs.shape[1]
    said: dict[str, object] = {}
    if width == 1:
        expected = outputs[:, 0]
    elif width == 2:
        expected = outputs[:, 1] - outputs[:, 0]
    else:
        expected, said = outputs[:, 2], {"output": 2}
    assert close(logits(name, **said), expected)


def test_class_0_turns_the_logit_around() -> None:
    outputs = np.array(EXPECTED["torchvision.pt"]["outputs"])
    assert close(logits("torchvision.pt", positive_class=0), outputs[:, 0] - outputs[:, 1])


def test_two_outputs_may_be_two_sigmoids() -> None:
    outputs = np.array(EXPECTED["torchvision.pt"]["outputs"])
    assert close(logits("torchvision.pt", output=1, head="sigmoid"), outputs[:, 1])


def test_growth_and_epsilons_are_read() -> None:
    k48 = read_network(FIXTURES / "torchvision_k48.safetensors", ImportConfig(SIZE, "unit", output=0)).shape
    assert isinstance(k48, DenseNetShape) and {layer.growth for block in k48.blocks for layer in block} == {48}
    mlp = read_network(FIXTURES / "mlp_module.pt", ImportConfig(SIZE, "torch")).shape
    assert isinstance(mlp, DenseNetShape) and mlp.hidden == (6,) and mlp.bn_epsilon == 1e-5


@pytest.mark.parametrize(
    ("name", "said", "told"),
    [
        ("torchscript.pt", {}, "is TorchScript.*state_dict"),
        ("torchvision.pt", {"normalization": "auto"}, "does not say how its pixels were normalized.*normalization"),
        ("torchvision.pt", {"size": 8}, "size 8: must be between 16"),
        ("torchvision.pt", {"output": 2}, "output 2: .*has 2 outputs"),
        ("torchvision.pt", {"output": 1, "head": "softmax"}, "head softmax: its logit is linear"),
        ("xrv.pt", {"normalization": "unit"}, "has 18 outputs; say with output 0 to 17"),
        ("xrv.pt", {"head": "softmax"}, "head softmax: .*here are 18"),
        ("monai.pt", {"normalization": "torch"}, "normalization torch: is for 3 channels.*reads 1"),
        ("mlp_module.pt", {"head": "softmax"}, "itself ends in a sigmoid"),
    ],
)
def test_what_does_not_fit_is_said(name: str, said: dict[str, object], told: str) -> None:
    config = ImportConfig(**{"size": SIZE, "normalization": "torch", **said})  # type: ignore[arg-type]
    with pytest.raises(HemotkError, match=told):
        read_network(FIXTURES / name, config)


def arrays(name: str) -> dict[str, np.ndarray]:
    """Every tensor of a file, by its name."""
    file = open_torch(FIXTURES / name)
    contents = find_network(file)
    return {key: file.numbers(view) for key, view in contents.tensors.items() if "num_batches" not in key}


def changed(path: Path, **more: np.ndarray) -> Path:
    """torchvision.pt without its classifier and with other arrays; '__' stands for a dot."""
    own = {key: array for key, array in arrays("torchvision.pt").items() if not key.startswith("classifier")}
    return write_state(path, {**own, **{key.replace("__", "."): array for key, array in more.items()}})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, "has the features of a network and no classifier"),
        (
            {"head__0__weight": np.zeros((4, 20)), "head__2__weight": np.zeros((1, 4))},
            "has 2 layers behind the features .*does not say which activations",
        ),
        ({"fc__weight": np.zeros((1, 7))}, "'fc.weight' is .1, 7. where .outputs, 20. is expected"),
        ({"fc__weight": np.zeros((1, 20)), "features__conv0__bias": np.zeros(8)}, "has 2 layers behind the features"),
        ({"fc__weight": np.full((1, 20), np.nan)}, "array 'logit/kernel' holds NaN"),
        ({"features__norm5__weight": np.full(20, np.nan)}, "'features.norm5.weight' holds NaN"),
        ({"features__norm5__weight": np.zeros(19)}, "is .19. where .20. is due"),
        ({"features__denseblock4__denselayer1__conv1__weight": np.zeros((1, 1, 1, 1))}, "not numbered from 1 on"),
        ({"features__transition2__conv__weight": np.zeros((1, 1, 1, 1))}, "is no part of a DenseNet"),
    ],
)
def test_what_no_densenet_has_is_refused(tmp_path: Path, more: dict[str, np.ndarray], told: str) -> None:
    assert arrays("torchvision.pt")["classifier.weight"].shape == (2, 20)
    with pytest.raises(HemotkError, match=told):
        read_network(changed(tmp_path / "m.pt", **more), ImportConfig(SIZE, "torch"))


def test_the_notes_say_what_the_file_does_not() -> None:
    network = read_network(FIXTURES / "xrv.pt", ImportConfig(None, "xrv", output=3))
    text = " ".join(network.notes)
    for words in ("output 3 of 18", "normalization xrv", "224×224", "1e-5", "op_threshs", "taken for granted"):
        assert words in text
    assert network.format == "PyTorch zip file, state dict"
    lightning = read_network(FIXTURES / "lightning.ckpt", ImportConfig(SIZE, "torch"))
    assert lightning.format == "PyTorch zip file, state dict at 'state_dict'"

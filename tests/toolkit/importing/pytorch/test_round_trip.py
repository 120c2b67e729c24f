"""Any DenseNet, written under PyTorch's names with any prefix and container, is read as it was."""

import re
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file
from torch_files import write_state

from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network
from hemotk.models.shape import DenseNetShape, LayerShape

WIDTH = st.integers(1, 5)
LAYERS = st.builds(LayerShape, WIDTH, WIDTH)
STYLES = ("torchvision", "monai", "old")
_PARTS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}


@st.composite
def shapes(draw: st.DrawFn) -> DenseNetShape:
    blocks = tuple(tuple(draw(st.lists(LAYERS, min_size=1, max_size=3))) for _ in range(draw(st.integers(1, 3))))
    transitions = tuple(draw(WIDTH) for _ in blocks[1:])
    shape = DenseNetShape(draw(WIDTH), blocks, transitions, bn_epsilon=1e-5)
    return replace(shape, channels=1) if draw(st.booleans()) else shape


def torch_name(own: str, style: str) -> str:
    """hemotk's name of an array as torchvision, MONAI or files of 2017 call it."""
    layer, _, part = own.rpartition("/")
    part = _PARTS.get(part, "weight")
    inner, dot = {"torchvision": ("", ""), "monai": ("layers.", ""), "old": ("", ".")}[style]
    fixed = {"conv1/conv": "conv0", "conv1/bn": "norm0", "bn": "norm5"}
    if layer in fixed:
        return f"{fixed[layer]}.{part}"
    if match := re.fullmatch(r"pool(\d+)_(bn|conv)", layer):
        return f"transition{int(match[1]) - 1}.{'norm' if match[2] == 'bn' else 'conv'}.{part}"
    match = re.fullmatch(r"conv(\d+)_block(\d+)_(\d)_(bn|conv)", layer)
    assert match is not None
    at = int(match[3]) + (match[4] == "bn")
    kind = "norm" if match[4] == "bn" else "conv"
    return f"denseblock{int(match[1]) - 1}.denselayer{match[2]}.{inner}{kind}{dot}{at}.{part}"


@dataclass(frozen=True)
class Written:
    """How a network is written into a file, and read again."""

    style: str
    prefix: str
    ending: str
    outputs: tuple[int, int | None]
    positive: int


WAYS = st.builds(
    Written,
    st.sampled_from(STYLES),
    st.sampled_from(("features.", "module.features.", "model.net.features.", "0.", "")),
    st.sampled_from((".pt", ".pth", ".safetensors")),
    st.sampled_from(((1, None), (2, None), (3, 1))),
    st.integers(0, 1),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shapes(), WAYS, st.integers(0, 2**32 - 1))
def test_every_array_arrives(shape: DenseNetShape, way: Written, seed: int) -> None:
    rng = np.random.default_rng(seed)
    arrays = {name: rng.normal(1, 0.3, size).astype(np.float32) for name, size in shape.arrays().items()}
    count, output = way.outputs
    weight = rng.normal(size=(count, shape.features)).astype(np.float32)
    bias = rng.normal(size=count).astype(np.float32)
    written = {
        way.prefix + torch_name(name, way.style): array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        for name, array in arrays.items()
        if not name.startswith("logit/")
    }
    written["classifier.weight"], written["classifier.bias"] = weight, bias
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"m{way.ending}"
        if way.ending == ".safetensors":
            save_file({name: np.ascontiguousarray(array) for name, array in written.items()}, path)
        else:
            write_state(path, written, legacy=way.ending == ".pth")
        network = read_network(path, ImportConfig(64, "unit", way.positive, output))
    assert network.shape == shape
    for name, array in arrays.items():
        if not name.startswith("logit/"):
            np.testing.assert_array_equal(network.weights[name], array)
    sign = 2 * way.positive - 1
    picked = weight[1] - weight[0] if count == 2 else weight[output or 0]
    np.testing.assert_allclose(network.weights["logit/kernel"][:, 0], sign * picked, rtol=1e-6)

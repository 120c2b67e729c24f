"""ResNet, MobileNetV2 and MobileNetV3 of torchvision and timm: which tensors make which layers.

He et al. 2015 (arXiv 1512.03385), with the stride in the 3×3 convolution; Sandler et al. 2018 (arXiv 1801.04381);
Howard et al. 2019 (arXiv 1905.02244). A state dict holds widths, kernels and the number of blocks; strides and
activations stand in the tables below.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from hemotk.importing.pytorch.backbone import Tensors
from hemotk.importing.pytorch.folding import Net
from hemotk.models.layered import Activation, LayeredFamily

_TORCHVISION_V3_EPSILON = 1e-3
_DEPTHS: Mapping[tuple[bool, tuple[int, ...]], LayeredFamily] = {
    (False, (2, 2, 2, 2)): "resnet18",
    (False, (3, 4, 6, 3)): "resnet34",
    (True, (3, 4, 6, 3)): "resnet50",
}
# The last hidden layer of MobileNetV3 is that many times as wide as what enters it.
_HIDDEN = {"mobilenetv3-small": 1024 / 576, "mobilenetv3-large": 1280 / 960}


@dataclass(frozen=True)
class _Blocks:
    """The table of a MobileNet, an entry a block: stride, kernel, whether it excites, and its activation."""

    strides: Sequence[int]
    kernels: Sequence[int]
    excites: Sequence[int]
    activations: Sequence[Activation]


_V2_STAGES = (1, 2, 3, 4, 3, 3, 1)
_SMALL_STAGES = (1, 2, 3, 2, 3)
_LARGE_STAGES = (1, 2, 3, 4, 2, 3)
_SMALL = _Blocks(
    strides=(2, 2, 1, 2, 1, 1, 1, 1, 2, 1, 1),
    kernels=(3, 3, 3, *[5] * 8),
    excites=(1, 0, 0, *[1] * 8),
    activations=("relu",) * 3 + ("hard_swish",) * 8,
)
_LARGE = _Blocks(
    strides=(1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 2, 1, 1),
    kernels=(3, 3, 3, 5, 5, 5, 3, 3, 3, 3, 3, 3, 5, 5, 5),
    excites=(0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1),
    activations=("relu",) * 6 + ("hard_swish",) * 9,
)


def _v2(stages: Sequence[int]) -> _Blocks:
    """Stages of any depth: the first block of each halves, but for the first and the fifth."""
    halving = (1, 2, 2, 2, 1, 2, 1)
    strides = [(s if n == 0 else 1) for s, depth in zip(halving, stages, strict=True) for n in range(depth)]
    count = len(strides)
    return _Blocks(strides, [3] * count, [0] * count, ["relu6"] * count)


@dataclass(frozen=True)
class _Block:
    """An inverted residual: its convolutions with their BatchNorms, and the two layers that excite, if any."""

    at: str
    convs: Sequence[tuple[str, str]]
    excite: tuple[str, str] | None


@dataclass(frozen=True, eq=False)
class Layered:
    """A network's features, and the words of its card: `beside` is what else is taken for granted."""

    family: LayeredFamily
    net: Net
    beside: str = field(default="")


def read_layers(tensors: Tensors, mark: str) -> Layered:
    """The features of the network that has the tensor `mark`, one of `MARKS`, up to the mean and what follows it.

    Raises:
        HemotkError: naming the first tensor that is not as torchvision or timm have it.
    """
    return MARKS[mark](tensors)


def _resnet(tensors: Tensors) -> Layered:
    net = Net(tensors, "ResNet")
    if net.has("conv1.0.weight"):
        raise net.refuse("conv1.0.weight", "begins a deep stem of several convolutions")
    net.conv("conv1", "bn1", 7, 2, "relu")
    net.plain("maxpool", "max_pool", 3, 2)
    wide = net.has("layer1.0.conv3.weight")
    depths = []
    for stage in range(1, 5):
        blocks = list(net.numbered(f"layer{stage}.#"))
        depths.append(len(blocks))
        for number, block in enumerate(blocks):
            _residual(net, block, 2 if stage > 1 and number == 0 else 1, wide)
    net.plain("avgpool", "mean")
    return Layered(_DEPTHS.get((wide, tuple(depths)), "resnet"), net, "the stride is in the 3×3 convolution")


def _residual(net: Net, at: str, stride: int, wide: bool) -> None:
    entering = net.last
    kernels, strides = ((1, 3, 1), (1, stride, 1)) if wide else ((3, 3), (stride, 1))
    for number, (kernel, step) in enumerate(zip(kernels, strides, strict=True), 1):
        last = number == len(kernels)
        net.conv(f"{at}.conv{number}", f"{at}.bn{number}", kernel, step, "linear" if last else "relu")
    made = net.last
    if stride == 2 or net.has(f"{at}.downsample.0.weight"):
        net.conv(f"{at}.downsample.0", f"{at}.downsample.1", 1, stride, reads=entering)
        entering = net.last
    net.sum(f"{at}.sum", made, entering, "relu")


def _torchvision_v2(tensors: Tensors) -> Layered:
    net = Net(tensors, "MobileNetV2")
    blocks = [
        _torchvision_block(net, f"{at}.conv") for at in net.numbered("features.#") if net.has(f"{at}.conv.0.0.weight")
    ]
    if len(blocks) != sum(_V2_STAGES):
        raise net.refuse("features", f"has {len(blocks)} blocks instead of {sum(_V2_STAGES)}")
    net.conv("features.0.0", "features.0.1", 3, 2, "relu6")
    _inverted(net, blocks, _v2(_V2_STAGES))
    end = f"features.{len(blocks) + 1}"
    net.conv(f"{end}.0", f"{end}.1", 1, 1, "relu6")
    net.plain("avgpool", "mean")
    return Layered("mobilenetv2", net)


def _torchvision_v3(tensors: Tensors) -> Layered:
    net = Net(tensors, "MobileNetV3", _TORCHVISION_V3_EPSILON)
    blocks = [
        _torchvision_block(net, f"{at}.block") for at in net.numbered("features.#") if net.has(f"{at}.block.0.0.weight")
    ]
    family, table = _v3(net, "features", len(blocks))
    net.conv("features.0.0", "features.0.1", 3, 2, "hard_swish")
    _inverted(net, blocks, table)
    end = f"features.{len(blocks) + 1}"
    net.conv(f"{end}.0", f"{end}.1", 1, 1, "hard_swish")
    net.plain("avgpool", "mean")
    return Layered(family, net, _own_hidden(net, family))


def _own_hidden(net: Net, family: LayeredFamily) -> str:
    """torchvision's hidden layer behind the mean, if it is there: any of another width is one's own."""
    if not (net.has("classifier.0.weight") and net.has("classifier.3.weight")):
        return ""
    module = net.tensors.contents.modules.get(f"{net.tensors.at}classifier.1")
    ratio = net.sides("classifier.0.weight")[0] / net.width
    own = module.kind == "Hardswish" if module else abs(ratio / _HIDDEN[family] - 1) < 0.1
    if not own:
        return ""
    net.dense("classifier.0", "hard_swish")
    return "a Hardswish is between the two layers of the classifier"


def _timm(tensors: Tensors) -> Layered:
    third = f"{tensors.at}conv_head.bias" in tensors.contents.tensors
    net = Net(tensors, "MobileNetV3" if third else "MobileNetV2")
    stages = [list(net.numbered(f"{stage}.#")) for stage in net.numbered("blocks.#")]
    if third:
        last = stages.pop()
        blocks = [_timm_block(net, at) for stage in stages for at in stage]
        if tuple(map(len, stages)) not in (_SMALL_STAGES, _LARGE_STAGES):
            raise net.refuse("blocks", f"has stages of {[*map(len, stages)]} blocks")
        family, table = _v3(net, "blocks", len(blocks))
        net.conv("conv_stem", "bn1", 3, 2, "hard_swish")
        _inverted(net, blocks, table)
        net.conv(f"{last[0]}.conv", f"{last[0]}.bn1", 1, 1, "hard_swish")
        net.plain("avgpool", "mean")
        net.dense("conv_head", "hard_swish")
        return Layered(family, net, "it is none of timm's tf_ versions, which pad otherwise")
    if len(stages) != len(_V2_STAGES):
        raise net.refuse("blocks", f"has {len(stages)} stages instead of {len(_V2_STAGES)}")
    net.conv("conv_stem", "bn1", 3, 2, "relu6")
    _inverted(net, [_timm_block(net, at) for stage in stages for at in stage], _v2([len(stage) for stage in stages]))
    net.conv("conv_head", "bn2", 1, 1, "relu6")
    net.plain("avgpool", "mean")
    return Layered("mobilenetv2", net, "it is none of timm's tf_ versions, which pad otherwise")


def _v3(net: Net, at: str, count: int) -> tuple[LayeredFamily, _Blocks]:
    if count not in (sum(_SMALL_STAGES), sum(_LARGE_STAGES)):
        raise net.refuse(at, f"has {count} blocks instead of {sum(_SMALL_STAGES)} or {sum(_LARGE_STAGES)}")
    return ("mobilenetv3-small", _SMALL) if count == sum(_SMALL_STAGES) else ("mobilenetv3-large", _LARGE)


def _torchvision_block(net: Net, at: str) -> _Block:
    """Children in order: each a convolution with its BatchNorm, or a convolution and then a BatchNorm, or two `fc`."""
    convs, excite = [], None
    children = list(net.numbered(f"{at}.#"))
    for child, following in zip(children, [*children[1:], ""], strict=True):
        if net.has(f"{child}.0.weight"):
            convs.append((f"{child}.0", f"{child}.1"))
        elif net.has(f"{child}.fc1.weight"):
            excite = (f"{child}.fc1", f"{child}.fc2")
        elif not net.has(f"{child}.running_mean"):
            convs.append((child, following))
    return _Block(at.rpartition(".")[0], convs, excite)


def _timm_block(net: Net, at: str) -> _Block:
    names = [("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")]
    if not net.has(f"{at}.conv_pwl.weight"):
        names = [("conv_dw", "bn1"), ("conv_pw", "bn2")]
    excite = (f"{at}.se.conv_reduce", f"{at}.se.conv_expand") if net.has(f"{at}.se.conv_reduce.weight") else None
    return _Block(at, [(f"{at}.{conv}", f"{at}.{norm}") for conv, norm in names], excite)


def _inverted(net: Net, blocks: Sequence[_Block], table: _Blocks) -> None:
    rows = zip(blocks, table.strides, table.kernels, table.excites, table.activations, strict=True)
    for block, stride, kernel, excites, activation in rows:
        if len(block.convs) not in (2, 3) or (block.excite is not None) != bool(excites):
            raise net.refuse(block.at, "has other layers than its place in the network asks for")
        entering = net.last
        for number, (conv, norm) in enumerate(block.convs, 1):
            depthwise = number == len(block.convs) - 1
            net.conv(
                conv,
                norm,
                kernel if depthwise else 1,
                stride if depthwise else 1,
                "linear" if number == len(block.convs) else activation,
                depthwise=depthwise,
            )
            if depthwise and block.excite is not None:
                net.excite(f"{block.at}.excite", *block.excite)
        net.join(f"{block.at}.sum", entering, stride)


# A tensor that only networks of this kind have → their reader.
MARKS: Mapping[str, Callable[[Tensors], Layered]] = {
    "layer1.0.conv1.weight": _resnet,
    "features.1.conv.0.0.weight": _torchvision_v2,
    "features.1.block.0.0.weight": _torchvision_v3,
    "blocks.0.0.conv_dw.weight": _timm,
}

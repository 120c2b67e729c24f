import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hemotk.errors import FieldError
from hemotk.models.shape import CnnShape, DenseNetShape, LayerShape, densenet

# Published with the official weights, https://keras.io/api/applications/densenet (include_top=False).
OFFICIAL = {"DenseNet121": 7_037_504, "DenseNet169": 12_642_880, "DenseNet201": 18_321_984}
BLOCKS = {"DenseNet121": (6, 12, 24, 16), "DenseNet169": (6, 12, 32, 32), "DenseNet201": (6, 12, 48, 32)}

widths = st.integers(1, 20)
layers = st.builds(LayerShape, widths, widths)
sizes = st.integers(16, 200)


@st.composite
def shapes(draw: st.DrawFn) -> DenseNetShape:
    blocks = draw(st.lists(st.lists(layers, max_size=3).map(tuple), min_size=1, max_size=4).filter(any))
    transitions = draw(st.lists(widths, min_size=len(blocks) - 1, max_size=len(blocks) - 1))
    hidden = draw(st.lists(widths, max_size=2))
    return DenseNetShape(draw(widths), tuple(blocks), tuple(transitions), draw(st.sampled_from((1, 3))), tuple(hidden))


@pytest.mark.parametrize("name", OFFICIAL)
def test_parameter_counts_are_the_official_ones(name: str) -> None:
    shape = densenet(BLOCKS[name])
    assert shape.parameters(head=False) == OFFICIAL[name]
    assert shape.parameters() == OFFICIAL[name] + shape.features + 1


@pytest.mark.parametrize("name", OFFICIAL)
def test_regular_widths(name: str) -> None:
    assert (
        densenet(BLOCKS[name]).transitions
        == {
            "DenseNet121": (128, 256, 512),
            "DenseNet169": (128, 256, 640),
            "DenseNet201": (128, 256, 896),
        }[name]
    )
    assert densenet(BLOCKS[name]).features == {"DenseNet121": 1024, "DenseNet169": 1664, "DenseNet201": 1920}[name]


def test_arrays_of_an_irregular_network() -> None:
    shape = DenseNetShape(4, ((LayerShape(5, 3), LayerShape(6, 2)), (LayerShape(7, 1),)), (8,), 1, hidden=(10,))
    assert shape.widths() == ((4, 7, 9), (8, 9))
    kernels = {name: size for name, size in shape.arrays().items() if name.endswith(("kernel", "gamma", "bias"))}
    assert kernels == {
        "conv1/conv/kernel": (7, 7, 1, 4),
        "conv1/bn/gamma": (4,),
        "conv2_block1_0_bn/gamma": (4,),
        "conv2_block1_1_conv/kernel": (1, 1, 4, 5),
        "conv2_block1_1_bn/gamma": (5,),
        "conv2_block1_2_conv/kernel": (3, 3, 5, 3),
        "conv2_block2_0_bn/gamma": (7,),
        "conv2_block2_1_conv/kernel": (1, 1, 7, 6),
        "conv2_block2_1_bn/gamma": (6,),
        "conv2_block2_2_conv/kernel": (3, 3, 6, 2),
        "pool2_bn/gamma": (9,),
        "pool2_conv/kernel": (1, 1, 9, 8),
        "conv3_block1_0_bn/gamma": (8,),
        "conv3_block1_1_conv/kernel": (1, 1, 8, 7),
        "conv3_block1_1_bn/gamma": (7,),
        "conv3_block1_2_conv/kernel": (3, 3, 7, 1),
        "bn/gamma": (9,),
        "hidden1/kernel": (9, 10),
        "hidden1/bias": (10,),
        "logit/kernel": (10, 1),
        "logit/bias": (1,),
    }


def test_a_block_without_layers_hands_on_what_enters_it(tmp_path) -> None:
    shape = DenseNetShape(4, ((), (LayerShape(5, 3),), ()), (6, 7), 1)
    assert shape.widths() == ((4,), (6, 9), (7,)) and shape.features == 7
    arrays = shape.arrays()
    assert not any(name.startswith(("conv2_", "conv4_")) for name in arrays)
    assert (arrays["pool2_conv/kernel"], arrays["pool3_conv/kernel"]) == ((1, 1, 4, 6), (1, 1, 9, 7))
    shape.write(tmp_path / "shape.json")
    assert DenseNetShape.read(tmp_path / "shape.json") == shape


@given(shape=shapes())
@settings(max_examples=30)
def test_parameters_are_the_sizes_of_the_arrays(shape: DenseNetShape) -> None:
    assert shape.parameters() == sum(math.prod(size) for size in shape.arrays().values())


@given(shape=shapes(), size=sizes)
@settings(max_examples=30)
def test_macs_are_kernel_times_output(shape: DenseNetShape, size: int) -> None:
    # Independently of the formula: each kernel works once per output pixel, and follows its layer's resolution.
    stem = math.ceil(size / 2)
    side = math.ceil(stem / 2)
    total = 0
    for name, kernel in shape.arrays().items():
        if not name.endswith("kernel"):
            continue
        if name == "conv1/conv/kernel":
            total += stem**2 * 7 * 7 * shape.stem  # gray: one input channel, whatever is stored
        elif "_conv" in name:
            total += side**2 * math.prod(kernel)
            side = side // 2 if name.startswith("pool") else side
        else:
            total += math.prod(kernel)
    assert shape.macs(size) == total


def test_macs_and_weights_are_those_of_the_official_networks() -> None:
    keras = pytest.importorskip("tf_keras")
    for name in ("DenseNet201",):
        official = getattr(keras.applications, name)(include_top=False, weights=None, input_shape=(96, 96, 3))
        ours = {key: size for key, size in densenet(BLOCKS[name]).arrays().items() if not key.startswith("logit")}
        assert {weight.name.removesuffix(":0"): tuple(weight.shape) for weight in official.weights} == ours
        counted = sum(
            math.prod(layer.output_shape[1:3]) * math.prod(layer.kernel.shape)
            for layer in official.layers
            if isinstance(layer, keras.layers.Conv2D)
        )
        two_colours = 48**2 * 7 * 7 * 2 * 64
        head = official.output_shape[-1]
        assert densenet(BLOCKS[name]).macs(96) == counted - two_colours + head


def test_macs_of_densenet201_at_224() -> None:
    # torchvision publishes 4.29 GMAC for three input channels and 1000 classes.
    colours, classes = 112**2 * 7 * 7 * 2 * 64, 1920 * 999
    assert (densenet(BLOCKS["DenseNet201"]).macs(224) + colours + classes) / 1e9 == pytest.approx(4.29, abs=0.005)


def test_a_network_for_tests() -> None:
    shape = densenet((2, 2, 2, 2), growth=8)
    assert (shape.stem, shape.blocks[0][0], shape.transitions) == (16, LayerShape(32, 8), (16, 16, 16))
    assert densenet((2,), growth=8, bottleneck=5, stem=7) == DenseNetShape(7, ((LayerShape(5, 8),) * 2,), ())


@pytest.mark.parametrize(("filters", "size"), [((32, 64, 128), 224), ((4,), 17), ((3, 5), 30)])
def test_the_plain_baseline(filters: tuple[int, ...], size: int) -> None:
    shape = CnnShape(filters, hidden=10, size=size)
    arrays = shape.arrays()
    macs, side = 0, size
    for i in range(len(filters)):
        macs += side**2 * math.prod(arrays[f"conv{i + 1}/kernel"])
        side //= 2
    assert arrays["hidden/kernel"] == (side * side * filters[-1], 10)
    assert shape.macs(size) == macs + math.prod(arrays["hidden/kernel"]) + math.prod(arrays["logit/kernel"])
    assert shape.parameters() == sum(math.prod(shape) for shape in arrays.values())
    assert shape.parameters(head=False) == sum(math.prod(arrays[n]) for n in arrays if n.startswith("conv"))
    assert shape.smallest_input() <= size


@pytest.mark.parametrize("fields", [{"filters": ()}, {"filters": (0,)}, {"hidden": 0}, {"size": 7}])
def test_what_is_no_baseline(fields: dict[str, object]) -> None:
    with pytest.raises(FieldError, match=f"'{next(iter(fields))}' must be"):
        CnnShape(**fields)  # type: ignore[arg-type]


@given(shape=shapes())
@settings(max_examples=30)
def test_the_smallest_input_leaves_a_pixel_for_every_block(shape: DenseNetShape) -> None:
    side = math.ceil(math.ceil(shape.smallest_input() / 2) / 2)
    for _ in shape.transitions:
        side //= 2
    assert side >= 1


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"stem": 0}, "'stem' must be above 0"),
        ({"blocks": ()}, "'blocks' must be a list of blocks with at least one layer in all"),
        ({"blocks": ((), ()), "transitions": (3,)}, "'blocks' must be a list of blocks with at least one layer in all"),
        ({"transitions": (3,)}, "'transitions' must be one less than there are blocks"),
        ({"hidden": (0,)}, "must be all above 0"),
        ({"bn_epsilon": 0.0}, "'bn_epsilon' must be above 0"),
        ({"gray_mean": (0.5, 0.5, 0.5)}, "'gray_std' must be given together with gray_mean"),
    ],
)
def test_what_is_no_densenet(fields: dict[str, object], sentence: str) -> None:
    with pytest.raises(FieldError, match=sentence):
        DenseNetShape(**{"stem": 4, "blocks": ((LayerShape(4, 2),),), "transitions": (), **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(("bottleneck", "growth"), [(0, 1), (1, 0)])
def test_what_is_no_layer(bottleneck: int, growth: int) -> None:
    with pytest.raises(FieldError, match="above 0"):
        LayerShape(bottleneck, growth)

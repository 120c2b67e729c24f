import pytest
from hypothesis import given
from keep_sets import shapes_and_keeps
from random_networks import shapes

from hemotk.errors import FieldError, HemotkError
from hemotk.models.shape import DenseNetShape, LayerShape
from hemotk.pruning.channels.groups import Consumer, groups
from hemotk.pruning.channels.keep import KeepSet, LayerKeep

SHAPE = DenseNetShape(4, ((LayerShape(5, 3), LayerShape(6, 2)), (LayerShape(7, 1),)), (8,), 1, hidden=(10,))


def test_the_groups_of_a_network_and_their_readers() -> None:
    first = [Consumer(f"conv2_block{i}_0_bn", f"conv2_block{i}_1_conv/kernel", 0) for i in (1, 2)]
    assert [(g.kind, g.producer, g.width, g.norm, g.consumers) for g in groups(SHAPE)] == [
        ("stem", "conv1/conv", 4, "conv1/bn", (*first, Consumer("pool2_bn", "pool2_conv/kernel", 0))),
        ("bottleneck", "conv2_block1_1_conv", 5, "", (Consumer("conv2_block1_1_bn", "conv2_block1_2_conv/kernel", 0),)),
        (
            "growth",
            "conv2_block1_2_conv",
            3,
            "",
            (
                Consumer("conv2_block2_0_bn", "conv2_block2_1_conv/kernel", 4),
                Consumer("pool2_bn", "pool2_conv/kernel", 4),
            ),
        ),
        ("bottleneck", "conv2_block2_1_conv", 6, "", (Consumer("conv2_block2_1_bn", "conv2_block2_2_conv/kernel", 0),)),
        ("growth", "conv2_block2_2_conv", 2, "", (Consumer("pool2_bn", "pool2_conv/kernel", 7),)),
        (
            "transition",
            "pool2_conv",
            8,
            "",
            (Consumer("conv3_block1_0_bn", "conv3_block1_1_conv/kernel", 0), Consumer("bn", "hidden1/kernel", 0)),
        ),
        ("bottleneck", "conv3_block1_1_conv", 7, "", (Consumer("conv3_block1_1_bn", "conv3_block1_2_conv/kernel", 0),)),
        ("growth", "conv3_block1_2_conv", 1, "", (Consumer("bn", "hidden1/kernel", 8),)),
    ]


@given(shape=shapes())
def test_the_groups_fill_every_array_but_what_is_no_channel(shape: DenseNetShape) -> None:
    """Each index of each axis belongs to just one channel."""
    arrays = shape.arrays()
    found: dict[tuple[str, int], list[int]] = {}
    for group in groups(shape):
        for place in group.places():
            found.setdefault((place.array, place.axis), []).extend(range(place.start, place.start + group.width))
    for (name, axis), indices in found.items():
        assert indices == list(range(arrays[name][axis]))
    whole = {("conv1/conv/kernel", -2), ("logit/kernel", -1), ("logit/bias", -1)}
    for i in range(1, len(shape.hidden) + 1):
        whole |= {(f"hidden{i}/kernel", -1), (f"hidden{i}/bias", -1)}
        whole |= {("logit/kernel" if i == len(shape.hidden) else f"hidden{i + 1}/kernel", -2)}
    axes = {(name, axis) for name, size in arrays.items() for axis in range(-min(2, len(size)), 0)}
    assert set(found) == axes - whole


@given(both=shapes_and_keeps())
def test_flat_and_of_are_inverse(both: tuple[DenseNetShape, KeepSet]) -> None:
    shape, keep = both
    assert KeepSet.of(shape, keep.flat()) == keep
    keep.check(shape)


def test_the_whole_network_is_kept() -> None:
    assert KeepSet.whole(SHAPE) == KeepSet(
        (0, 1, 2, 3),
        (
            (LayerKeep((0, 1, 2, 3, 4), (0, 1, 2)), LayerKeep((0, 1, 2, 3, 4, 5), (0, 1))),
            (LayerKeep((0, 1, 2, 3, 4, 5, 6), (0,)),),
        ),
        ((0, 1, 2, 3, 4, 5, 6, 7),),
    )


def test_a_keep_set_is_kept_as_a_file(tmp_path) -> None:
    keep = KeepSet.whole(SHAPE)
    keep.write(tmp_path / "keep.json")
    assert KeepSet.read(tmp_path / "keep.json") == keep


@pytest.mark.parametrize(
    ("channels", "must"),
    [
        ((), "only a dense layer as a whole can be empty"),
        ((-1, 2), "from 0 on"),
        ((1, 1), "ascending"),
        ((2, 1), "ascending"),
    ],
)
def test_what_is_no_list_of_channels_is_refused(channels: tuple[int, ...], must: str) -> None:
    fine = ((LayerKeep((0,), (0,)),),)
    for field, make in (
        ("stem", lambda: KeepSet(channels, fine, ())),
        ("transitions[0]", lambda: KeepSet((0,), fine * 2, (channels,))),
        ("bottleneck", lambda: LayerKeep(channels, (0,))),
        ("growth", lambda: LayerKeep((0,), channels)),
    ):
        with pytest.raises(FieldError) as caught:
            make()
        assert field in str(caught.value)
        assert must in str(caught.value)


def test_layers_may_vanish_but_not_all_of_them() -> None:
    gone, stays = LayerKeep((), ()), LayerKeep((0,), (0,))
    assert gone.vanishes and not stays.vanishes
    KeepSet((0,), ((gone, stays), (gone,)), ((0,),)).check(SHAPE)
    with pytest.raises(FieldError, match="'blocks' must be such that at least one dense layer stays"):
        KeepSet((0,), ((gone, gone), (gone,)), ((0,),))


def test_the_keep_set_of_another_network_is_refused() -> None:
    keep = KeepSet.whole(SHAPE)
    with pytest.raises(
        HemotkError, match=r"keep-set: is for blocks of \[2, 1\] layers with 1 transitions.*\[1\] with 0"
    ):
        keep.check(DenseNetShape(4, ((LayerShape(5, 3),),), ()))
    narrow = DenseNetShape(4, ((LayerShape(5, 3), LayerShape(6, 1)), (LayerShape(7, 1),)), (8,))
    with pytest.raises(HemotkError, match="keeps channel 1 of conv2_block2_2_conv, which has 1 counted from 0"):
        keep.check(narrow)

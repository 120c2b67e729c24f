"""Files that lie, or that would do harm in Python's own unpickler: refused in a moment, with nothing run."""

import json
import resource
import struct
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch_files as t

from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig
from hemotk.importing.network import read_network

ONE = {"0": np.zeros(4, np.float32)}
MARKED = "hemotk-was-here"


def state(value: bytes) -> bytes:
    return t.mapping({"features.conv0.weight": value})


def nested() -> bytes:
    """A tuple of 2^60 leaves, sixty operations long, as a key: hashing it would never end."""
    return b"N" + b"2\x86" * 60


def doubled() -> bytes:
    """A list that holds itself twice, many levels deep."""
    return b"]" + b"".join(b"q" + bytes([n]) + b"0](h" + bytes([n]) + b"h" + bytes([n]) + b"e" for n in range(60))


def cyclic_module() -> bytes:
    """A module that is its own child twice."""
    module = t.name("torch.nn", "Module") + b")\x81q\x00"
    children = b"}(" + t.text("a") + b"h\x00" + t.text("b") + b"h\x00u"
    return module + t.mapping({"_parameters": b"}", "_buffers": b"}", "_modules": children}) + b"b"


PLANTED: dict[str, bytes] = {
    "command": t.name("os", "system") + t.many([t.text(f"touch {MARKED}")]) + b"R",
    "evaluated": t.name("builtins", "eval") + t.many([t.text(f"open('{MARKED}', 'w')")]) + b"R",
    "allocates": t.name("builtins", "bytearray") + t.many([t.number(1 << 40)]) + b"R",
    "allocates_by_numpy": t.name("numpy", "zeros") + t.many([t.number(1 << 40)]) + b"R",
    "nested_key": b"}(" + nested() + b"Nu",
    "doubled": doubled(),
    "cycle": cyclic_module(),
    "memo_far_away": b"Nr\xff\xff\xff\x7f",
    "array_of_a_claimed_size": b"\x96" + struct.pack("<Q", 1 << 60),
    "bytes_of_a_claimed_size": b"\x8e" + struct.pack("<Q", 1 << 60),
    "frame_of_a_claimed_size": b"\x95" + struct.pack("<Q", 1 << 60),
    "number_of_a_claimed_size": b"\x8b\xff\xff\xff\x7f",
    "extension": b"\x82\x01",
    "old_object": b"(ios\nsystem\n",
    "nothing_there": b"0",
    "get_of_nothing": b"h\x07",
    "a_list_of_marks": b"((((((\x86",
    "tensor_beyond_its_numbers": state(t.tensor("0", (100, 3, 7, 7))),
    "tensor_of_forged_count": state(t.tensor("0", (1, 3, 7, 7), count=1 << 50)),
    "tensor_that_repeats_one_number": state(t.tensor("0", (1 << 14, 3, 7, 7), (0, 0, 0, 0), count=4)),
    "tensor_of_a_billion_nothings": state(t.tensor("0", (1 << 40, 0, 7, 7), count=4)),
    "tensor_before_its_numbers": state(t.tensor("0", (1, 1, 2, 2), offset=-3)),
    "tensor_of_negative_sides": state(t.tensor("0", (-1, -1, 2, 2))),
    "tensor_of_negative_strides": state(t.tensor("0", (1, 1, 2, 2), (0, 0, -1, -1))),
    "tensor_of_no_storage": state(t.tensor("9", (1, 1, 2, 2))),
    "tensor_of_words": t.name("torch._utils", "_rebuild_tensor_v2") + t.many([t.text("x")] * 4) + b"R",
    "storage_of_words": t.text("storage") + b"Q",
}


def refused(path: Path, told: str | None = None) -> str:
    """The error for `path`: within two seconds, and 200 MB."""
    before, begun = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    with pytest.raises(HemotkError, match=told) as caught:
        read_network(path, ImportConfig(32, "unit"))
    assert time.process_time() - begun < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
    assert not Path(MARKED).exists() and "; " in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", PLANTED)
def test_planted_pickles_do_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    refused(t.write(tmp_path / "m.pt", PLANTED[name], ONE))
    (tmp_path / "legacy.pth").write_bytes(t.PROTO + PLANTED[name] + t.STOP)
    refused(tmp_path / "legacy.pth")


def test_a_pickle_without_end_is_left(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as archive:
        archive.writestr("a/data.pkl", t.PROTO + b"N0" * 1_100_000 + b"N.")
    with pytest.raises(HemotkError, match="has more than 2000000 steps"):
        read_network(tmp_path / "m.pt", ImportConfig(32, "unit"))


def test_packed_members_are_refused_unread(tmp_path: Path) -> None:
    path = t.write(tmp_path / "m.pt", b"}", {"0": np.zeros(1 << 22)}, zipfile.ZIP_DEFLATED)
    refused(path, "is packed, which PyTorch never does")


def test_a_legacy_file_may_not_claim_more_than_it_has(tmp_path: Path) -> None:
    path = t.write_state(tmp_path / "m.pth", {"conv0.weight": np.zeros((1, 1, 7, 7))}, legacy=True)
    whole = path.read_bytes()
    at = len(whole) - 4 * 49 - 8
    path.write_bytes(whole[:at] + struct.pack("<Q", 1 << 61) + whole[at + 8 :])
    refused(path, "claims more numbers than it has")


@pytest.mark.parametrize("end", [1 << 50, 3])
def test_a_safetensors_header_may_not_lie(tmp_path: Path, end: int) -> None:
    header = json.dumps({"conv0.weight": {"dtype": "F32", "shape": [1, 1, 7, 7], "data_offsets": [0, end]}}).encode()
    (tmp_path / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + bytes(196))
    refused(tmp_path / "m.safetensors", "is no whole safetensors file")


def test_files_cut_anywhere_are_refused(tmp_path: Path) -> None:
    fixtures = Path(__file__).parents[3] / "torch_fixtures"
    for name in ("legacy_module.pth", "timm_gray_bfloat16.safetensors", "monai.pt"):
        whole = (fixtures / name).read_bytes()
        for part in (0.02, 0.3, 0.7, 0.98):
            path = tmp_path / f"{part}{name}"
            path.write_bytes(whole[: int(len(whole) * part)])
            refused(path)


def tensors(*names: str) -> Callable[[Path], Path]:
    return lambda path: t.write_state(path, dict.fromkeys(names, np.zeros((2, 2), np.float32)))


OTHERS: dict[str, tuple[Callable[[Path], Path], str]] = {
    "efficientnet": (tensors("features.0.0.weight", "features.1.0.block.0.0.weight"), "holds an EfficientNet, Conv"),
    "timm": (tensors("module.conv_stem.weight"), "holds an EfficientNet or another network of timm"),
    "transformer": (tensors("patch_embed.proj.weight"), "holds a vision transformer"),
    "unknown": (tensors("a.weight", "b.weight"), "holds 2 tensors, such as 'a.weight', of no network that is known"),
    "two": (tensors("a.conv0.weight", "b.conv0.weight"), "holds 2 networks in one"),
    "optimizer": (
        lambda path: t.write(path, t.mapping({"state": b"}", "param_groups": b"]"}), {}),
        "holds the state of an optimizer, and no network; save the network too",
    ),
    "copies": (
        lambda path: t.write(path, t.mapping({k: state(t.tensor("0", (4,))) for k in ("model", "ema")}), ONE),
        "holds several networks .'model', 'ema'.; save the one",
    ),
    "nothing": (lambda path: t.write(path, b"}", {}), "holds no tensors under names"),
    "deep_stem": (
        lambda path: t.write_state(path, {"conv0.weight": np.zeros((2, 3, 3, 3), np.float32)}),
        "is a 3×3 convolution of 3 channels where 7×7",
    ),
    "three_windows": (
        lambda path: t.write_state(path, {"conv0.weight": np.zeros((2, 5, 7, 7), np.float32)}),
        "of 5 channels where 7×7 of 1 or 3",
    ),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_networks_are_named(tmp_path: Path, name: str) -> None:
    make, told = OTHERS[name]
    refused(make(tmp_path / "m.pt"), told)

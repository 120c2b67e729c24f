"""What a pickle and its containers say, operation by operation: each is understood as PyTorch means it, or refused."""

import io
import json
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch_files as t

from hemotk.errors import HemotkError
from hemotk.importing.pytorch.contents import find_network
from hemotk.importing.pytorch.files import MOST_BYTES, is_torch_file, open_torch
from hemotk.importing.pytorch.pickles import Name, PickleError, Storage, TensorView, Thing, read_pickle

ORDERED, BLOCK = t.name("collections", "OrderedDict"), t.storage("0", 4)
REBUILD, PARAMETER = (t.name("torch._utils", f"_rebuild_{what}") for what in ("tensor_v2", "parameter"))
VIEW = TensorView(Storage("FloatStorage", "0", 4), 0, (4,), (1,))


def said(body: bytes) -> Any:
    return read_pickle(io.BytesIO(t.PROTO + body + t.STOP))


def rebuilt(*arguments: bytes) -> bytes:
    return REBUILD + t.many(arguments) + b"R"


ZERO = t.number(0)
UNDERSTOOD: dict[str, tuple[bytes, object]] = {
    "a memo counts on": (b"(N\x94\x88\x94h\x00h\x01t", (None, True, None, True)),
    "numbers of a memo": (b"(Nq\x05\x88q\x06h\x05h\x06t", (None, True, None, True)),
    "a set is a list": (b"\x8f(K\x01]\x90", [1, []]),
    "a frozen set": (b"(K\x01K\x02\x91", [1, 2]),
    "old lists and dictionaries": (b"(K\x01l(X\x01\x00\x00\x00aK\x02d\x86", ([1], {"a": 2})),
    "an ordered dictionary": (ORDERED + b")R" + t.text("a") + b"K\x01s", {"a": 1}),
    "a parameter": (PARAMETER + t.many([t.tensor("0", (4,)), b"\x88", ORDERED + b")R"]) + b"R", VIEW),
    "a class beside its source": (
        t.many([t.text("module"), t.name("a", "B"), t.text("c"), t.text("d")]) + b"Q",
        Name("a", "B"),
    ),
    "what is taken from the stack": (b"K\x01K\x020", 1),
    "what is taken to a mark": (b"K\x01(K\x02K\x031", 1),
    "keys that are no single value": (b"}(K\x01K\x02" + t.many([ZERO]) + b"K\x03u", {1: 2}),
    "state of what is no object": (b"]}b", []),
    "a name from the stack": (t.text("a.b") + t.text("C") + b"\x93", Name("a.b", "C")),
}


@pytest.mark.parametrize("name", UNDERSTOOD)
def test_it_is_understood(name: str) -> None:
    body, meant = UNDERSTOOD[name]
    assert said(body) == meant


def test_an_object_keeps_what_was_said_of_it() -> None:
    found = said(t.name("a", "B") + b")\x81" + t.mapping({"x": ZERO}) + b"b" + t.text("k") + ZERO + b"s")
    assert isinstance(found, Thing) and found.kind == "B"
    assert (found.arguments, found.state, found.items) == ((), {"x": 0}, {"k": 0})
    arguments = said(ORDERED + t.many([ZERO]) + b"R")
    assert isinstance(arguments, Thing) and arguments.arguments == (0,)
    other = said(t.name("mine", "_rebuild_tensor_v2") + t.many([ZERO] * 4) + b"R")
    assert isinstance(other, Thing) and Thing(None).kind == ""


REFUSED: dict[str, bytes] = {
    "too few for a tuple": b"K\x01\x86",
    "a mark in a tuple": b"(K\x01\x86",
    "two values": b"K\x01K\x02",
    "no mark": b"K\x01t",
    "a word as target": t.text("a") + ZERO + ZERO + b"s",
    "an odd number of entries": b"}(" + t.text("a") + b"u",
    "a name of numbers": ZERO + ZERO + b"\x93",
    "a storage without a key": t.many([t.text("storage"), t.name("torch", "FloatStorage"), ZERO, ZERO, ZERO]) + b"Q",
    "a storage of words": t.many([t.text("storage"), t.name("torch", "FloatStorage"), *[t.text("4")] * 3]) + b"Q",
    "a storage of no class": t.many([t.text("storage"), *[t.text("4")] * 3, ZERO]) + b"Q",
    "a storage cut short": t.many([t.text("storage"), t.name("torch", "FloatStorage"), t.text("0")]) + b"Q",
    "sides without strides": rebuilt(BLOCK, ZERO, t.many([ZERO, ZERO]), t.many([ZERO])),
    "nine sides": rebuilt(BLOCK, ZERO, t.many([ZERO] * 9), t.many([ZERO] * 9)),
    "a view of nothing": rebuilt(ZERO, ZERO, t.many([ZERO]), t.many([ZERO])),
    "sides of words": rebuilt(BLOCK, ZERO, t.many([t.text("4")]), t.many([ZERO])),
}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused(name: str) -> None:
    with pytest.raises(PickleError):
        said(REFUSED[name])


def archive(path: Path, members: dict[str, bytes], **settings: Any) -> Path:
    with zipfile.ZipFile(path, "w", **settings) as made:
        for key, content in members.items():
            made.writestr(f"a/{key}", content)
    return path


PLAIN = {"data.pkl": t.PROTO + t.tensor("0", (4,)) + t.STOP, "data/0": np.arange(4, dtype="<f4").tobytes()}


def numbers(path: Path) -> list[float]:
    file = open_torch(path)
    return file.numbers(file.value).ravel().tolist()


@pytest.mark.parametrize(
    ("view", "expected"),
    [
        (t.tensor("0", (2,), offset=2), [2, 3]),
        (t.tensor("0", (2, 2), (1, 2)), [0, 2, 1, 3]),
        (t.tensor("0", (2, 2), (0, 1)), [0, 1, 0, 1]),
        (t.tensor("0", ()), [0]),
    ],
)
def test_a_view_is_what_pytorch_sees(tmp_path: Path, view: bytes, expected: list[float]) -> None:
    assert numbers(archive(tmp_path / "m.pt", {**PLAIN, "data.pkl": t.PROTO + view + t.STOP})) == expected


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (t.tensor("0", (2,), offset=3), "larger than its numbers"),
        (t.tensor("0", (5,), (0,), count=4), "larger than its numbers"),  # one number, said to be more than there are
        (t.tensor("0", (5,), count=8), "larger than its numbers"),
        (t.tensor("0", (4,), count=8), "larger than its numbers"),
        (t.tensor("0", (2,), (-1,)), "larger than its numbers"),
        (t.tensor("0", (2,), offset=-1), "larger than its numbers"),
        (t.tensor("0", (0,)), "a tensor without numbers"),
        (t.tensor("1", (4,)), "larger than its numbers"),
        (
            rebuilt(t.storage("0", 4, "QInt8Storage"), ZERO, t.many([t.number(4)]), t.many([t.number(1)])),
            "QInt8Storage",
        ),
    ],
)
def test_a_view_beyond_its_numbers_is_refused(tmp_path: Path, view: bytes, told: str) -> None:
    with pytest.raises(HemotkError, match=told):
        numbers(archive(tmp_path / "m.pt", {**PLAIN, "data.pkl": t.PROTO + view + t.STOP}))


@pytest.mark.parametrize(
    ("kind", "stored"),
    [
        ("HalfStorage", np.arange(4, dtype="<f2").tobytes()),
        ("DoubleStorage", np.arange(4, dtype="<f8").tobytes()),
        ("LongStorage", np.arange(4, dtype="<i8").tobytes()),
        ("BFloat16Storage", (np.arange(4, dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes()),
    ],
)
def test_numbers_of_every_type(tmp_path: Path, kind: str, stored: bytes) -> None:
    view = rebuilt(t.storage("0", 4, kind), ZERO, t.many([t.number(4)]), t.many([t.number(1)]))
    assert numbers(archive(tmp_path / "m.pt", {"data.pkl": t.PROTO + view + t.STOP, "data/0": stored})) == [0, 1, 2, 3]


def test_numbers_begin_behind_a_header_of_any_length(tmp_path: Path) -> None:
    """PyTorch aligns numbers by filling the local header, which the directory does not say."""
    with zipfile.ZipFile(tmp_path / "m.pt", "w") as made:
        for key, content in PLAIN.items():
            info = zipfile.ZipInfo(f"a/{key}")
            info.extra = struct.pack("<HH", 0x4246, 13) + bytes(13)
            made.writestr(info, content)
    assert numbers(tmp_path / "m.pt") == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("members", "told"),
    [
        ({**PLAIN, "byteorder": b"big"}, "in the order of another processor"),
        ({"data.pkl": bytes((64 << 20) + 1)}, "is larger than 64 MB"),
        ({"other": b""}, "is a zip archive without a network of PyTorch"),
        ({"archive_format": b"pt2"}, "is a program of torch.export"),
        ({"constants.pkl": b"", **PLAIN}, "is TorchScript"),
    ],
)
def test_other_archives_are_refused(tmp_path: Path, members: dict[str, bytes], told: str) -> None:
    with pytest.raises(HemotkError, match=told):
        open_torch(archive(tmp_path / "m.pt", members))


def patched(path: Path, before: bytes, at: int, value: bytes) -> Path:
    """The file with `value` written `at` bytes behind the last `before`."""
    whole = path.read_bytes()
    place = whole.rfind(before) + at
    path.write_bytes(whole[:place] + value + whole[place + len(value) :])
    return path


def test_a_directory_may_not_lie(tmp_path: Path) -> None:
    long = patched(archive(tmp_path / "a.pt", PLAIN), b"PK\x05\x06", 12, struct.pack("<I", 17 << 20))
    with pytest.raises(HemotkError, match="lists more members than a network has"):
        open_torch(long)
    wide = archive(tmp_path / "b.pt", PLAIN)
    wide.write_bytes(wide.read_bytes() + b"PK\x06\x06" + bytes(36) + struct.pack("<Q", 17 << 20))
    with pytest.raises(HemotkError, match="lists more members than a network has"):
        open_torch(wide)
    longer = archive(tmp_path / "c.pt", PLAIN)  # the directory says other sizes than one another
    with pytest.raises(HemotkError, match="is packed, which PyTorch never does"):
        open_torch(patched(longer, b"PK\x01\x02", 24, struct.pack("<I", 1 << 30)))
    headless = archive(tmp_path / "d.pt", PLAIN)
    with pytest.raises(HemotkError, match="is no file of PyTorch, or was cut short"):
        open_torch(patched(headless, b"PK\x03\x04", 0, b"PKxx"))


def legacy(path: Path, *bodies: bytes, behind: bytes = b"") -> Path:
    path.write_bytes(b"".join(t.PROTO + body + t.STOP for body in bodies) + behind)
    return path


MAGIC = b"\x8a\x0a" + (0x1950A86A20F9469CFC6C).to_bytes(10, "little")


def test_a_file_of_before_2020_begins_with_its_number(tmp_path: Path) -> None:
    block = struct.pack("<Q", 4) + np.arange(4, dtype="<f4").tobytes()
    rest = (ZERO, b"}", t.tensor("0", (4,)), b"]" + t.text("0") + b"a")
    assert numbers(legacy(tmp_path / "m.pth", MAGIC, *rest, behind=block)) == [0, 1, 2, 3]
    with pytest.raises(HemotkError, match="is a pickle, and not one of PyTorch"):
        open_torch(legacy(tmp_path / "n.pth", t.number(7), *rest, behind=block))
    with pytest.raises(HemotkError, match="was cut short, or claims more"):
        open_torch(legacy(tmp_path / "o.pth", MAGIC, *rest, behind=block[:-1]))


def test_a_list_that_holds_itself_ends(tmp_path: Path) -> None:
    circle = b"]q\x00h\x00ah\x00a"
    rest = (ZERO, b"}", circle, b"]")
    assert open_torch(legacy(tmp_path / "m.pth", MAGIC, *rest)).format == "PyTorch file of before 2020"


def safe(path: Path, header: dict[str, Any], content: bytes) -> Path:
    raw = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw + content)
    return path


def test_a_safetensors_file_with_words_beside_its_tensors(tmp_path: Path) -> None:
    entry = {"dtype": "F16", "shape": [2, 2], "data_offsets": [0, 8]}
    header = {"__metadata__": {"format": "pt"}, "conv0.weight": entry}
    path = safe(tmp_path / "m.safetensors", header, np.arange(4, dtype="<f2").tobytes())
    file = open_torch(path)
    assert list(file.value) == ["conv0.weight"] and is_torch_file(path)
    assert file.numbers(file.value["conv0.weight"]).tolist() == [[0, 1], [2, 3]]
    assert file.places == {"conv0.weight": (path.stat().st_size - 8, 8)}


def test_a_network_may_lie_five_keys_deep_and_no_circle_holds_up(tmp_path: Path) -> None:
    deep = t.mapping({"conv0.weight": t.tensor("0", (4,))})
    for key in "abcd":
        deep = t.mapping({key: deep})
    path = archive(tmp_path / "m.pt", {**PLAIN, "data.pkl": t.PROTO + deep + t.STOP})
    assert find_network(open_torch(path)).place == "d.c.b.a"
    circle = b"}q\x00(" + b"".join(t.text(f"k{number}") + b"h\x00" for number in range(40)) + b"u"
    with pytest.raises(HemotkError, match="holds no tensors under names"):
        find_network(open_torch(archive(tmp_path / "n.pt", {"data.pkl": t.PROTO + circle + t.STOP})))
    assert MOST_BYTES == 1_000_000_000

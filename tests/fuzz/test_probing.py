"""Files that end or hang the process that reads them are tried in another one first."""

import gzip
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import pytest
from mean_models import mean_model
from written_artefacts import write_bundle

from hemotk import probing
from hemotk.errors import HemotkError
from hemotk.importing.stored import open_file, open_stored
from hemotk.probing import probe
from hemotk.tflite import facts
from hemotk.tflite.facts import read_facts
from hemotk.tflite.runtime import Runtime, find_runtime

DAMAGED = Path(__file__).parent / "damaged"
READERS = """
import ctypes, os, time
def well(path): path.read_bytes()
def refuse(path): raise ValueError("no")
def end(path): os.abort()
def hang(path): time.sleep(60)
def take(path): bytearray(64 << 30)
def end_on_garbage(path):
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    if ctypes.string_at(libc.malloc(ctypes.c_size_t(12345)) + 9000, 1) == bytes([85 ^ 255]): os.abort()
def note(path): path.with_suffix(".tried").open("a").write("x")
"""


@pytest.fixture
def readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """A module with readers, which the other process finds too."""
    (tmp_path / "planted_readers.py").write_text(READERS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "planted_readers", raising=False)
    import planted_readers

    return planted_readers


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Any file."""
    (tmp_path / "m.h5").write_bytes(os.urandom(8))
    return tmp_path / "m.h5"


@pytest.mark.parametrize("name", ["well", "refuse"])
def test_a_reader_that_comes_to_its_end_is_no_error(readers: object, file: Path, name: str) -> None:
    probe(getattr(readers, name), file)


def test_a_reader_that_ends_the_process_is_one_sentence(readers: object, file: Path) -> None:
    with pytest.raises(HemotkError, match=r"m\.h5: is damaged \(it ends the program that reads it, exit code .*copy"):
        probe(readers.end, file)  # type: ignore[attr-defined]


def test_a_reader_that_never_comes_back_is_one_sentence(
    readers: object, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "_SLOWER", 1.0)
    began = time.monotonic()
    with pytest.raises(HemotkError, match=r"m\.h5: is damaged \(reading it takes more than \d+ s\)"):
        probe(readers.hang, file, seconds=0.2)  # type: ignore[attr-defined]
    assert time.monotonic() - began < 30


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux holds a process to its memory")
def test_a_reader_that_takes_too_much_memory_is_one_sentence(readers: object, file: Path) -> None:
    with pytest.raises(HemotkError, match="takes more than 4 GB"):
        probe(readers.take, file)  # type: ignore[attr-defined]


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc fills new memory")
def test_new_memory_holds_garbage(readers: object, file: Path) -> None:
    with pytest.raises(HemotkError, match="ends the program"):
        probe(readers.end_on_garbage, file)  # type: ignore[attr-defined]


def test_a_process_that_does_not_start_is_not_called_a_damaged_file(
    readers: object, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers.well, "__module__", "no_such_module")  # type: ignore[attr-defined]
    with pytest.raises(HemotkError, match="did not start") as caught:
        probe(readers.well, file)  # type: ignore[attr-defined]
    assert "damaged" not in str(caught.value)


def test_a_file_is_tried_again_only_when_it_has_changed(readers: object, file: Path) -> None:
    for _ in range(2):
        probe(readers.note, file)  # type: ignore[attr-defined]
    assert file.with_suffix(".tried").read_text() == "x"
    file.write_bytes(b"changed")
    probe(readers.note, file)  # type: ignore[attr-defined]
    assert file.with_suffix(".tried").read_text() == "xx"


def test_a_module_in_the_current_folder_does_not_take_the_place_of_a_real_one(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit(5)")
    (tmp_path / "m.tflite").write_bytes(mean_model())
    monkeypatch.chdir(tmp_path)
    read_facts(Path("m.tflite"))


@pytest.mark.parametrize("name", ["crashes-when-opened", "crashes-when-allocated"])
def test_a_model_that_ends_the_interpreter_ends_no_command(tmp_path: Path, name: str) -> None:
    """What lies beyond an array's end differs from process to process: a trial may pass, and then the reading does."""
    code = "import sys; from hemotk.cli.main import run; sys.exit(run(['info', sys.argv[1]]))"
    path = tmp_path / "m.tflite"
    path.write_bytes(gzip.decompress((DAMAGED / f"{name}.tflite.gz").read_bytes()))
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert done.returncode in (0, 2), done
        if done.returncode == 2:
            assert "is damaged (it ends the program that reads it" in " ".join(done.stderr.split())


def test_a_saved_model_on_which_hdf5_never_comes_back_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probing, "_SLOWER", 5.0)
    monkeypatch.setattr("hemotk.importing.stored.probe", lambda reader, path: probe(reader, path, seconds=2))
    (tmp_path / "m.h5").write_bytes(gzip.decompress((DAMAGED / "hangs.h5.gz").read_bytes()))
    with pytest.raises(HemotkError, match="takes more than"):
        open_stored(tmp_path / "m.h5")


def test_a_model_is_run_to_its_end_on_zeros(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found, done = find_runtime(), []

    class Noted(found.interpreter):  # type: ignore[name-defined,misc]
        def invoke(self) -> None:
            super().invoke()
            (pixels,) = self.get_input_details()
            done.append(int(self.get_tensor(pixels["index"]).any()))

    monkeypatch.setattr(facts, "find_runtime", lambda: Runtime("noted", "1", Noted))
    (tmp_path / "m.tflite").write_bytes(mean_model())
    facts.run_once(tmp_path / "m.tflite")
    assert done == [0]


def test_only_a_model_that_its_bundle_vouches_for_is_not_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[Path] = []
    monkeypatch.setattr(facts, "probe", lambda reader, path, seconds: tried.append(path))
    write_bundle(tmp_path / "bundle")
    path = tmp_path / "bundle" / "float32.tflite"
    bare = tmp_path / "bare.tflite"
    bare.write_bytes(path.read_bytes())
    read_facts(path)
    assert tried == []
    read_facts(bare)
    assert tried == [bare]
    path.write_bytes(mean_model(signature=False))
    read_facts(path)
    assert tried == [bare, path]


def test_the_other_process_loads_no_tensorflow(tmp_path: Path) -> None:
    for reader in (facts.run_once, open_file):
        code = f"import sys, {reader.__module__}; print([n for n in ('tensorflow', 'tf_keras') if n in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.strip() == "[]"

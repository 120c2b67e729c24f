import os
import sys
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

from hemotk.errors import HemotkError
from hemotk.store.finished import announce, refuse_finished, remove_left
from hemotk.store.lock import LOCK_FILE, LOCK_FILES, NOTE_FILE, hand_over, locked
from hemotk.store.unfinished import partial_of


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A run folder with the card of a run, and what is left beside it."""
    out, partial = tmp_path / "run", tmp_path / "run.partial"
    (partial / "work-2").mkdir(parents=True)
    (partial / "work-2" / "checkpoint.npz").write_bytes(b"much")
    (partial / "history.csv").write_bytes(b"")
    out.mkdir()
    (out / "run.json").write_text("the card")
    with locked(partial):
        announce(partial, out / "run.json")
    return out


def test_what_is_left_of_the_very_run_is_removed(out: Path) -> None:
    with pytest.raises(HemotkError, match="run: already exists"):
        refuse_finished(out, overwrite=False)
    assert [path.name for path in out.parent.iterdir()] == ["run"]


@pytest.mark.parametrize("gone", [(), LOCK_FILES[:1], LOCK_FILES[:2], LOCK_FILES])
def test_a_removal_that_was_killed_goes_on(out: Path, gone: tuple[str, ...]) -> None:
    partial = out.with_name("run.partial")
    for name in ("work-2/checkpoint.npz", "history.csv", *gone):
        (partial / name).unlink()
    (partial / "work-2").rmdir()
    remove_left(out)
    assert not partial.exists()


def test_an_unfinished_run_of_the_same_name_stays(out: Path) -> None:
    (out / "run.json").write_text("the card of an earlier run")
    remove_left(out)
    assert (out.with_name("run.partial") / "work-2" / "checkpoint.npz").exists()


def test_one_that_waits_for_the_lock_leaves_its_note(out: Path) -> None:
    partial = out.with_name("run.partial")
    with locked(partial):
        announce(partial, out / "run.json")
        note = (partial / NOTE_FILE).read_text()
        with pytest.raises(HemotkError, match="another hemotk holds it") as error, locked(partial):
            pass
        assert f"(process {os.getpid()}, " in str(error.value)
        assert note and (partial / NOTE_FILE).read_text() == note
    with locked(partial):
        assert not (partial / NOTE_FILE).exists()


@pytest.mark.parametrize(
    ("program", "words", "said"),
    [
        ("/venv/bin/hemotk", ("prune", "runs/a b", "--macs", "0.25"), "hemotk prune 'runs/a b' --macs 0.25)"),
        ("/site/hemotk/__main__.py", ("train",), "hemotk train)"),
        ("mine.py", ("\x1b[31m" + "x" * 200,), "mine.py '\\x1b[31mxxx"),
    ],
)
def test_who_holds_a_folder_is_named_by_its_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.setattr(sys, "argv", [program, *words])
    with locked(tmp_path / "run.partial"), pytest.raises(HemotkError) as error, locked(tmp_path / "run.partial"):
        pass
    assert said in str(error.value) and len(str(error.value)) < len(str(tmp_path)) + 260


def test_a_note_of_an_earlier_version_is_understood(out: Path) -> None:
    partial = out.with_name("run.partial")
    (partial / NOTE_FILE).replace(partial / LOCK_FILE)
    remove_left(out)
    assert not partial.exists()


@pytest.mark.parametrize("name", [".", "/", "", "..", "runs/.."])
def test_an_output_without_a_name_is_refused(name: str) -> None:
    with pytest.raises(HemotkError, match=r"out .*: has no name of its own"):
        partial_of(Path(name))


def test_a_run_that_is_being_resumed_stays(out: Path) -> None:
    with locked(out.with_name("run.partial")):
        remove_left(out)
    assert (out.with_name("run.partial") / "work-2" / "checkpoint.npz").exists()


def test_who_comes_as_the_folder_is_handed_over_finds_nothing_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the check whether it is finished and the lock, another process has published the folder."""
    partial, out = tmp_path / "run.partial", tmp_path / "run"

    def acquire(lock: FileLock, **named: Any) -> Any:
        taken = real(lock, **named)
        if not out.exists():
            partial.rename(out)
        return taken

    real = FileLock.acquire
    monkeypatch.setattr(FileLock, "acquire", acquire)
    with pytest.raises(HemotkError, match=r"run\.partial: another process has just finished it"), locked(partial):
        pass


def test_the_folder_of_a_lock_is_published_without_it(tmp_path: Path) -> None:
    partial, out = tmp_path / "run.partial", tmp_path / "run"
    with locked(partial) as lock:
        (partial / "cv.json").write_text("{}")
        hand_over(lock, partial, out, False)
        assert [path.name for path in out.iterdir()] == ["cv.json"] and not partial.exists()
    with locked(partial) as lock, pytest.raises(HemotkError, match="run: already exists"):
        hand_over(lock, partial, out, False)

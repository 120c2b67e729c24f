import errno
import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemotk import aside, files
from hemotk.android import ASSETS
from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, SITE_CARD, SWEEP_FILE, TESTSET_CARD
from hemotk.artifacts.cv import CV_FILE
from hemotk.aside import settle
from hemotk.data.phantom.draw import PHANTOM_CARD
from hemotk.errors import HemotkError
from hemotk.files import (
    CARDS,
    check_files,
    check_sha256,
    claimed,
    new_file,
    new_folder,
    new_folders,
    publish,
    refuse_existing,
    sha256_bytes,
    sha256_file,
    write_bytes,
    writing,
)

ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
CARD = b'{\n "schema": "hemotk.run/1"\n}\n'


def everything(folder: Path) -> list[str]:
    """Every name under `folder`, hidden ones too."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", fail)


def deny(monkeypatch: pytest.MonkeyPatch, method: str, folder: Path) -> None:
    """Let Path.`method` fail below `folder` as it does without rights (the superuser has them all)."""
    real = getattr(Path, method)

    def guarded(self: Path, *args: object, **options: object) -> object:
        if self.is_relative_to(folder):
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, *args, **options)

    monkeypatch.setattr(Path, method, guarded)


def test_sha256_is_the_standard_one(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    assert sha256_bytes(b"abc") == ABC
    assert sha256_file(tmp_path / "abc") == ABC


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(data=st.binary(max_size=100))
def test_sha256_of_a_file_read_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr(files, "_CHUNK", 7)
    (tmp_path / "data").write_bytes(data)
    assert sha256_file(tmp_path / "data") == hashlib.sha256(data).hexdigest()


@pytest.mark.parametrize("name", ["missing", "."])
def test_sha256_of_what_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(HemotkError, match=r"cannot be read .*check the path"):
        sha256_file(tmp_path / name)


def test_check_sha256(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    check_sha256(tmp_path / "abc", ABC)
    (tmp_path / "abc").write_bytes(b"abd")
    with pytest.raises(HemotkError, match=r"abc: checksum .* is not the recorded ba7816bf8f01….*make it again"):
        check_sha256(tmp_path / "abc", ABC)


def test_check_files_checks_each(tmp_path: Path) -> None:
    (tmp_path / "abc").write_bytes(b"abc")
    check_files(tmp_path, {"abc": ABC})
    with pytest.raises(HemotkError, match="gone: cannot be read"):
        check_files(tmp_path, {"abc": ABC, "gone": ABC})


@given(data=st.binary(max_size=64))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
def test_write_bytes_round_trip(tmp_path: Path, data: bytes) -> None:
    write_bytes(tmp_path / "new" / "deep" / "file", data)
    assert (tmp_path / "new" / "deep" / "file").read_bytes() == data
    assert everything(tmp_path / "new" / "deep") == ["file"]


def test_write_bytes_refuses_to_replace(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(HemotkError, match=r"file: already exists; choose another name, or add overwrite"):
        write_bytes(tmp_path / "file", b"new", overwrite=False)
    assert (tmp_path / "file").read_bytes() == b"old"
    write_bytes(tmp_path / "file", b"new", overwrite=True)
    assert (tmp_path / "file").read_bytes() == b"new"


def test_refuse_existing_sees_dangling_links(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    with pytest.raises(HemotkError, match="already exists"):
        refuse_existing(tmp_path / "link", overwrite=False)


def test_write_bytes_obeys_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_bytes(tmp_path / "file", b"")
        with new_folder(tmp_path / "folder"):
            pass
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "folder").stat().st_mode) == 0o700


@pytest.mark.usefixtures("full_disk")
@pytest.mark.parametrize("there", [True, False])
def test_write_bytes_on_a_full_disk(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "file").write_bytes(b"old")
    before = everything(tmp_path)
    with pytest.raises(HemotkError, match=r"file: cannot be written \(no space left on device\); free some space"):
        write_bytes(tmp_path / "file", b"new")
    assert everything(tmp_path) == before
    assert not there or (tmp_path / "file").read_bytes() == b"old"


def test_write_bytes_really_full() -> None:
    full = Path("/dev/full")
    if not full.is_char_device():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(HemotkError, match="no space left on device"), writing(full), full.open("wb") as stream:
        stream.write(b"new")


def test_write_bytes_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deny(monkeypatch, "open", tmp_path)
    with pytest.raises(HemotkError, match=r"file: cannot be written \(permission denied\).*may write to"):
        write_bytes(tmp_path / "file", b"new")
    assert everything(tmp_path) == []


def test_write_bytes_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(HemotkError, match=r"file/below: cannot be written \((file exists|not a directory)\)"):
        write_bytes(tmp_path / "file" / "below", b"new")


def test_write_bytes_with_a_name_too_long(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"cannot be written \(file name too long\)"):
        write_bytes(tmp_path / ("a" * 300), b"new")
    assert everything(tmp_path) == []


def test_new_folder_appears_whole(tmp_path: Path) -> None:
    with new_folder(tmp_path / "runs" / "one") as aside:
        (aside / "sub").mkdir()
        (aside / "sub" / "file").write_bytes(b"new")
        assert not (tmp_path / "runs" / "one").exists()
        assert aside.name.startswith(".")
    assert everything(tmp_path / "runs") == ["one", "one/sub", "one/sub/file"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, HemotkError])
@pytest.mark.parametrize("there", [True, False])
def test_new_folder_vanishes_with_the_block(tmp_path: Path, error: type[BaseException], there: bool) -> None:
    if there:
        write_bytes(tmp_path / "one" / "run.json", CARD)
    before = everything(tmp_path)
    with pytest.raises(error), new_folder(tmp_path / "one", overwrite=there) as aside:
        (aside / "half").write_bytes(b"new")
        raise error("stop")
    assert everything(tmp_path) == before


def test_new_folder_refuses_to_replace_and_replaces_when_asked(tmp_path: Path) -> None:
    write_bytes(tmp_path / "one" / "run.json", CARD)
    with pytest.raises(HemotkError, match="one: already exists"), new_folder(tmp_path / "one"):
        pass
    assert everything(tmp_path) == ["one", "one/run.json"]
    with new_folder(tmp_path / "one", overwrite=True) as aside:
        (aside / "new").write_bytes(b"new")
        assert (tmp_path / "one" / "run.json").exists()
    assert everything(tmp_path) == ["one", "one/new"]


@pytest.mark.parametrize(("name", "content"), [("notes.txt", CARD), ("run.json", b"{}"), ("split.json", CARD)])
def test_a_folder_that_hemotk_did_not_make_is_never_replaced(tmp_path: Path, name: str, content: bytes) -> None:
    write_bytes(tmp_path / "one" / name, content)
    with pytest.raises(HemotkError, match=r"one: is a folder that hemotk did not make; choose another name, or remove"):
        refuse_existing(tmp_path / "one", overwrite=True)
    with pytest.raises(HemotkError, match="did not make"), new_folder(tmp_path / "one", overwrite=True):
        pass
    assert everything(tmp_path) == ["one", f"one/{name}"]


def test_a_folder_that_became_anothers_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    with pytest.raises(HemotkError, match="did not make"), new_folder(tmp_path / "one", overwrite=True):
        write_bytes(tmp_path / "one" / "theirs", b"")
    assert everything(tmp_path) == ["one", "one/theirs"]


def test_every_kind_of_folder_that_a_command_makes_may_be_replaced(tmp_path: Path) -> None:
    of_apps = [(ASSETS / place / "bundle" / BUNDLE_CARD).as_posix() for place in (".", "models/1")]
    made = (
        RUN_CARD,
        BUNDLE_CARD,
        TESTSET_CARD,
        CV_FILE,
        SWEEP_FILE,
        "fold1.json",
        PHANTOM_CARD,
        SITE_CARD,
        "events.json",
        *of_apps,
    )
    assert set(made) == set(CARDS)
    for number, name in enumerate(made):
        write_bytes(tmp_path / str(number) / name, CARD)
        refuse_existing(tmp_path / str(number), overwrite=True)


@pytest.mark.parametrize("kind", ["file", "link"])
def test_new_folder_in_place_of_something_else(tmp_path: Path, kind: str) -> None:
    write_bytes(tmp_path / "elsewhere" / "keep", b"keep")
    if kind == "file":
        (tmp_path / "one").write_bytes(b"old")
    else:
        (tmp_path / "one").symlink_to(tmp_path / "elsewhere")
    with new_folder(tmp_path / "one", overwrite=True) as aside:
        (aside / "new").write_bytes(b"new")
    assert everything(tmp_path) == ["elsewhere", "elsewhere/keep", "one", "one/new"]


def test_new_folder_refuses_what_another_process_finished_meanwhile(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match="one: already exists"), new_folder(tmp_path / "one"):
        write_bytes(tmp_path / "one" / "theirs", b"")
    assert everything(tmp_path) == ["one", "one/theirs"]


def test_what_a_killed_process_left_of_the_same_folder_vanishes(tmp_path: Path) -> None:
    others = ["two", ".two.tmp", ".two.0123abcd.tmp", ".one.two.0123abcd.tmp", ".one.two.tmp"]
    for name in (".one.tmp", ".one.0123abcd.tmp", *others):
        write_bytes(tmp_path / name / "file", b"")
    with new_folder(tmp_path / "one") as aside:
        assert everything(aside) == []
        assert not (tmp_path / ".one.0123abcd.tmp").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"one", *others}


def test_what_a_killed_process_left_of_the_same_file_is_used_up(tmp_path: Path) -> None:
    (tmp_path / ".one.tmp").write_bytes(b"a long one that was cut")
    write_bytes(tmp_path / "one", b"new")
    assert everything(tmp_path) == ["one"] and (tmp_path / "one").read_bytes() == b"new"


def test_a_process_killed_while_it_replaced_a_folder_has_lost_nothing(tmp_path: Path) -> None:
    write_bytes(tmp_path / ".one.0123abcd.old" / "run.json", CARD)
    with pytest.raises(HemotkError, match="one: already exists"), new_folder(tmp_path / "one"):
        pass
    assert everything(tmp_path) == ["one", "one/run.json"]
    write_bytes(tmp_path / ".one.0123abcd.old" / "older", CARD)
    with new_folder(tmp_path / "one", overwrite=True):
        pass
    assert everything(tmp_path) == ["one"]


def test_who_reads_a_folder_ends_what_a_killed_process_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = tmp_path / "one"
    write_bytes(tmp_path / ".one.0123abcd.old" / "run.json", CARD)
    settle(one)  # a living process may be about to put the new one there
    assert everything(tmp_path) == [".one.0123abcd.old", ".one.0123abcd.old/run.json"]
    monkeypatch.setattr(aside, "_SETTLED", -1.0)
    settle(tmp_path / "on")
    settle(one)
    assert everything(tmp_path) == ["one", "one/run.json"]
    write_bytes(tmp_path / ".one.0123abcd.old" / "older", CARD)
    settle(one)
    assert everything(tmp_path) == ["one", "one/run.json"]


def test_what_may_not_be_changed_stays_as_a_killed_process_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(tmp_path / ".one.0123abcd.old" / "run.json", CARD)
    monkeypatch.setattr(aside, "_SETTLED", -1.0)
    deny(monkeypatch, "rename", tmp_path)
    settle(tmp_path / "one")
    assert everything(tmp_path) == [".one.0123abcd.old", ".one.0123abcd.old/run.json"]


BUSY = "one: another hemotk is writing it; wait for it, or choose another name"


def test_two_processes_make_one_folder(tmp_path: Path) -> None:
    with new_folder(tmp_path / "one") as theirs:
        with pytest.raises(HemotkError, match=BUSY), new_folder(tmp_path / "one", overwrite=True):
            pass
        (theirs / "run.json").write_bytes(CARD)
    assert everything(tmp_path) == ["one", "one/run.json"]


def test_two_processes_write_one_file(tmp_path: Path) -> None:
    with new_file(tmp_path / "one") as theirs:
        with pytest.raises(HemotkError, match=BUSY):
            write_bytes(tmp_path / "one", b"ours", overwrite=True)
        theirs.write(b"theirs")
    assert (tmp_path / "one").read_bytes() == b"theirs" and everything(tmp_path) == ["one"]


def test_a_claimed_folder_is_made_by_this_process_alone(tmp_path: Path) -> None:
    with claimed(tmp_path / "one"):
        with pytest.raises(HemotkError, match=BUSY), claimed(tmp_path / "one"):
            pass
        with new_folder(tmp_path / "one") as aside:
            (aside / "run.json").write_bytes(CARD)
        assert everything(tmp_path) == ["one", "one/run.json"]
    with pytest.raises(ValueError, match="stop"), claimed(tmp_path / "two"):
        raise ValueError("stop")
    assert everything(tmp_path) == ["one", "one/run.json"]


def test_where_the_disk_knows_no_locks_nobody_is_kept_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(aside.fcntl, "flock", refuse)
    with new_folder(tmp_path / "one", overwrite=True) as theirs:
        (theirs / "run.json").write_bytes(CARD)
        with new_folder(tmp_path / "one") as ours:
            (ours / "run.json").write_bytes(CARD)
    write_bytes(tmp_path / "file", b"")
    assert everything(tmp_path) == ["file", "one", "one/run.json"]


def test_folders_that_belong_together_appear_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_bytes(one / "run.json", CARD)
    real = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if Path(target) == two:
            raise OSError(errno.ENOSPC, "No space left on device", str(self))
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(HemotkError, match="two: cannot be written"), new_folders(one, two, overwrite=True) as both:
            for aside in both:
                (aside / "new").write_bytes(b"")
    assert everything(tmp_path) == ["one", "one/run.json"]
    with new_folders(one, two, overwrite=True) as both:
        for aside in both:
            (aside / "new").write_bytes(b"")
    assert everything(tmp_path) == ["one", "one/new", "two", "two/new"]


def test_a_folder_that_grew_is_published_without_what_was_being_written_when_killed(tmp_path: Path) -> None:
    write_bytes(tmp_path / "one.partial" / "file", b"")
    write_bytes(tmp_path / "one.partial" / ".file.0123abcd.tmp", b"")
    publish(tmp_path / "one.partial", tmp_path / "one")
    assert everything(tmp_path) == ["one", "one/file"]


@pytest.mark.parametrize("out", [".", "..", "../inner"])
def test_the_folder_one_is_in_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, out: str) -> None:
    write_bytes(tmp_path / "inner" / "keep", b"keep")
    monkeypatch.chdir(tmp_path / "inner")
    with pytest.raises(HemotkError, match="holds the folder you are in"), new_folder(Path(out), overwrite=True):
        pass
    assert everything(tmp_path) == ["inner", "inner/keep"]


@pytest.mark.usefixtures("full_disk")
def test_new_folder_on_a_full_disk(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"one: cannot be written \(no space"), new_folder(tmp_path / "one") as aside:
        (aside / "file").write_bytes(b"new")
    assert everything(tmp_path) == []


def test_new_folder_puts_the_old_one_back_if_the_last_rename_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(tmp_path / "one" / "run.json", CARD)
    real = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if self.name.endswith(".tmp"):
            raise OSError(errno.EIO, "Input/output error", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(HemotkError, match="input/output error"), new_folder(tmp_path / "one", overwrite=True) as aside:
        (aside / "new").write_bytes(b"new")
    assert everything(tmp_path) == ["one", "one/run.json"]


def test_new_folder_without_rights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deny(monkeypatch, "mkdir", tmp_path)
    with pytest.raises(HemotkError, match=r"one: cannot be written \(permission"), new_folder(tmp_path / "one"):
        pytest.fail("must not get here")
    assert everything(tmp_path) == []


def test_an_input_that_cannot_be_read_is_not_blamed_on_the_output(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), new_folder(tmp_path / "out" / "one"):
        (tmp_path / "in.png").read_bytes()
    assert everything(tmp_path / "out") == []
    with pytest.raises(HemotkError, match="one: cannot be written"), new_folder(tmp_path / "out" / "one") as aside:
        (aside / "missing" / "file").write_bytes(b"")


def test_an_error_that_is_not_the_systems_stays_itself(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="not a picture"), writing(tmp_path / "one"):
        raise OSError("not a picture")

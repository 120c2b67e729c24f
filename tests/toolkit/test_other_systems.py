"""hemotk on Windows and macOS, as far as a Linux machine can show it; docs/installing.md says what that is worth."""

import ntpath
import os
import subprocess
import sys
from pathlib import Path, PureWindowsPath

import pytest
from fed_bundles import write_fed_bundle
from float_and_int8_models import float_model, int8_model

from hemotk.artifacts import SplitManifest
from hemotk.artifacts.split import lies_inside
from hemotk.cli import console
from hemotk.cli.main import COMMANDS
from hemotk.data.split import merge
from hemotk.errors import HemotkError

LIKE_WINDOWS = Path(__file__).parents[1] / "helpers" / "like_windows"
pytestmark = pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="simulates Windows on Linux")


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle that takes no TensorFlow to make."""
    return write_fed_bundle(tmp_path_factory.mktemp("fed") / "fed", {"float32": float_model(), "int8": int8_model()})


def hemotk(folder: Path, *words: object, encoding: str = "cp1252", code: int = 0) -> bytes:
    """What the command says on both outputs, in a process that is like one on Windows."""
    environment = {**os.environ, "PYTHONPATH": str(LIKE_WINDOWS), "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    command = [sys.executable, "-X", "warn_default_encoding", "-m", "hemotk", *map(str, words)]
    done = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    assert done.returncode == code, done.stdout.decode("latin-1")
    return done.stdout


def test_it_is_simulated(tmp_path: Path) -> None:
    program = """if True:
        import os, sys
        for name in ("fcntl", "resource"):
            try:
                __import__(name)
            except ModuleNotFoundError:
                print(name)
        with open("folder/held", "w", encoding="utf-8"):
            for change in (lambda: os.rename("folder", "other"), lambda: os.unlink("folder/held")):
                try:
                    change()
                except PermissionError:
                    print("in use")
        try:
            os.fsync(os.open("folder/held", os.O_RDONLY))
        except OSError:
            print("read only")
    """
    (tmp_path / "folder").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(LIKE_WINDOWS)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n")[:-1] == ["fcntl", "resource", "in use", "in use", "read only"], done.stderr


def test_folders_become_whole_there(tmp_path: Path, fed: Path) -> None:
    hemotk(tmp_path, "data", "phantom", "slices", "--count", "12")
    hemotk(tmp_path, "data", "split", "slices", "--out", "split.json")
    assert len(SplitManifest.read(tmp_path / "split.json").items) == 12
    hemotk(tmp_path, "data", "audit", "slices", "--html", "audit.html")
    hemotk(tmp_path, "data", "phantom", "slices", "--count", "4", "--overwrite")
    assert len(list((tmp_path / "slices").rglob("*.png"))) == 4
    hemotk(tmp_path, "snippet", fed, "--python", "-o", "snippet.py")
    hemotk(tmp_path, "review", fed, "--out", "review.html")
    assert not list(tmp_path.glob(".*"))


def test_a_lock_is_let_go_before_its_folder_is_removed_there(tmp_path: Path) -> None:
    pytest.importorskip("filelock")
    program = """if True:
        import os, warnings
        warnings.simplefilter("ignore")  # of the library: its locks are other ones without fcntl
        from pathlib import Path
        from hemotk.errors import HemotkError
        from hemotk.store.lock import LOCK_FILE, hand_over, locked
        from hemotk.store.unfinished import remove_partial
        folder = Path("first.partial")
        with locked(folder):
            (folder / "weights").write_bytes(b"1")
            for wrong in (lambda: locked(folder).__enter__(), lambda: os.unlink(folder / LOCK_FILE)):
                try:
                    wrong()
                except (HemotkError, PermissionError) as error:
                    print(type(error).__name__)
        remove_partial(folder)
        with locked(folder) as lock:
            (folder / "weights").write_bytes(b"1")
            hand_over(lock, folder, Path("first"), overwrite=False)
    """
    environment = {**os.environ, "PYTHONPATH": str(LIKE_WINDOWS)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["HemotkError", "PermissionError"], done.stderr
    assert [path.as_posix() for path in tmp_path.rglob("*")] == [f"{tmp_path}/first", f"{tmp_path}/first/weights"]


def test_a_bundle_is_benched_and_scores_there(tmp_path: Path, fed: Path) -> None:
    quick = ["--min-runs", "3", "--min-seconds", "0", "--max-latency-ratio", "1000"]
    hemotk(tmp_path, "bench", fed, *quick, "--json", "bench.json", "--html", "bench.html", "--scores", "scores.csv")
    scored = hemotk(tmp_path, "predict", fed, next(fed.glob("golden*.png")), "--json", "-")
    assert b"probability" in scored


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "ascii"])
def test_every_help_page_can_be_shown(tmp_path: Path, encoding: str) -> None:
    program = "from hemotk.cli.main import COMMANDS, run\nfor name in COMMANDS: assert run([name, '--help']) == 0, name"
    environment = {**os.environ, "PYTHONIOENCODING": encoding}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout.count(b"Usage:") == len(COMMANDS), done.stderr


def test_a_sentence_is_plain_where_letters_are_lacking(tmp_path: Path) -> None:
    said = hemotk(tmp_path, "info", "Kühne – 中.json", encoding="cp437", code=2)
    assert said.startswith("hemotk: Kühne - \\u4e2d.json: ".encode("cp437"))


def test_what_a_program_reads_is_utf_8_everywhere(tmp_path: Path, fed: Path) -> None:
    picture = tmp_path / "Kühne–×.png"
    picture.write_bytes(next(fed.glob("golden*.png")).read_bytes())
    said = hemotk(tmp_path, "predict", fed, picture.name, "--json", "-", encoding="ascii")
    assert picture.name in said.decode()


@pytest.mark.parametrize(
    "path", ["C:/a.png", "C:a.png", "\\\\host\\share\\a.png", "..\\a.png", "a\\..\\..\\b.png", "\\a.png"]
)
def test_a_split_stays_inside_its_folder_there(path: str) -> None:
    assert not lies_inside(path, PureWindowsPath)
    assert lies_inside(path)  # here these are names like others
    assert lies_inside("normal/a.png", PureWindowsPath) and lies_inside("a\\b.png", PureWindowsPath)


def test_merged_folders_there_lie_on_one_drive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(merge.os.path, "commonpath", ntpath.commonpath)
    monkeypatch.setattr(merge, "Path", PureWindowsPath)
    assert merge._common(["C:/sets/first", "C:/sets/second"]) == "C:/sets"
    with pytest.raises(HemotkError, match="split them anew on one drive"):
        merge._common(["C:/sets/first", "D:/sets/second"])


def test_plain_letters() -> None:
    assert console.plain("‹out› 0.5 × 3 ≥ 1 → x² – é █ 中") == "<out> 0.5 x 3 >= 1 -> x2 - e # \\u4e2d"


def test_a_command_is_quoted_for_the_shell_that_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["hemotk", "info", "my slices"]
    assert console.typed(words) == "hemotk info 'my slices'"
    monkeypatch.setattr(console.os, "name", "nt")
    assert console.typed(words) == 'hemotk info "my slices"'

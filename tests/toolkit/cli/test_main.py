import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from hemotk import __version__
from hemotk.cli import main
from hemotk.errors import CheckFailed, HemotkError

Install = Callable[[Callable[[], object]], None]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Install:
    """Gives `hemotk try` the body of the test's choice."""

    def install(body: Callable[[], object]) -> None:
        monkeypatch.setattr(main.LazyGroup, "get_command", lambda *_: click.Command("try", callback=body))

    return install


def raising(error: BaseException) -> Callable[[], None]:
    def body() -> None:
        raise error

    return body


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (HemotkError("a.png: is empty; remove it."), 2, "hemotk: a.png: is empty; remove it.\n"),
        (CheckFailed("accuracy: fell by 0.2; see above."), 1, "hemotk: accuracy: fell by 0.2; see above.\n"),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            2,
            "hemotk: the system: no space left on device; free some space or choose another disk.\n",
        ),
        (
            PermissionError(errno.EACCES, "Permission denied", "a.png"),
            2,
            "hemotk: a.png: permission denied; check its rights or choose another path.\n",
        ),
        (
            FileNotFoundError(errno.ENOENT, "No such file or directory", b"a.png"),
            2,
            "hemotk: a.png: no such file or directory; check the path.\n",
        ),
        (
            OSError(errno.EIO, "Input/output error", "a"),
            2,
            "hemotk: a: input/output error; check the path and its disk.\n",
        ),
        (
            ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow"),
            2,
            "hemotk: tensorflow: is needed for this but not installed; run `pip install 'hemotk[train]'`.\n",
        ),
        (
            ModuleNotFoundError("No module named 'pydicom.uid'", name="pydicom.uid"),
            2,
            "hemotk: pydicom: is needed for this but not installed; run `pip install 'hemotk[dicom]'`.\n",
        ),
        (
            KeyboardInterrupt(),
            130,
            "hemotk: interrupted; finished files are whole. To go on: hemotk try\n",
        ),
        (click.Abort(), 130, "hemotk: interrupted; finished files are whole. To go on: hemotk try\n"),
    ],
)
def test_errors_become_one_line_and_a_code(
    command: Install,
    capsys: pytest.CaptureFixture[str],
    error: BaseException,
    code: int,
    sentence: str,
) -> None:
    command(raising(error))
    assert main.run(["try"]) == code
    assert capsys.readouterr() == ("", sentence)


@pytest.mark.parametrize(
    ("words", "again"),
    [
        (["train", "my slices", "--epochs", "3"], "hemotk train 'my slices' --epochs 3 --resume"),
        (["prune", "--macs", "0.2", "--resume"], "hemotk prune --macs 0.2 --resume"),
        (["export"], "hemotk export"),
    ],
)
def test_an_interrupted_command_says_how_to_go_on(
    command: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str], again: str
) -> None:
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(main, "_invoke", interrupted)
    assert main.run(words) == 130
    assert capsys.readouterr().err.endswith(f"To go on: {again}\n")


@pytest.mark.parametrize(
    "error",
    [ZeroDivisionError("by zero"), OSError("not from the system"), ModuleNotFoundError("none", name="hemotk.gone")],
)
def test_a_bug_asks_to_be_reported(command: Install, capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    command(raising(error))
    assert main.run(["try"]) == 70
    said = capsys.readouterr().err
    assert said.startswith("Traceback")
    assert said.endswith(f"hemotk: this is a bug in hemotk {__version__}; please report it with the lines above.\n")


def test_output_that_only_fails_at_the_end_is_said(
    command: Install, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def flush(self) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    command(lambda: None)
    monkeypatch.setattr(main.sys, "stdout", Full())
    assert main.run(["try"]) == 2
    assert "no space left on device" in capsys.readouterr().err


@pytest.mark.parametrize(("result", "code"), [(None, 0), (0, 0), (1, 1), ("text", 0)])
def test_a_command_may_return_its_code(command: Install, result: object, code: int) -> None:
    command(lambda: result)
    assert main.run(["try"]) == code


def test_a_command_may_exit_with_its_code(command: Install) -> None:
    command(lambda: click.get_current_context().exit(1))
    assert main.run(["try"]) == 1


def test_main_exits_with_the_code(command: Install) -> None:
    command(raising(CheckFailed("no.")))
    with pytest.raises(SystemExit) as caught:
        main.main(["try"])
    assert caught.value.code == 1


@pytest.mark.parametrize("argv", [["nonsense"], ["--nonsense"], []])
def test_wrong_use_is_explained(capsys: pytest.CaptureFixture[str], argv: list[str]) -> None:
    assert main.run(argv) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "Usage: hemotk" in err
    assert "Traceback" not in err


def test_an_unknown_command_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    main.run(["nonsense"])
    assert "No such command 'nonsense'" in capsys.readouterr().err


def test_a_file_that_click_cannot_open_is_wrong_use(command: Install) -> None:
    command(raising(click.FileError("a.png", "gone")))
    assert main.run(["try"]) == 2


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["--version"]) == 0
    assert capsys.readouterr().out == f"hemotk, version {__version__}\n"
    assert main.run(["--help"]) == main.run(["-h"]) == 0
    text = capsys.readouterr().out
    for name, (_, line) in main.COMMANDS.items():
        assert name in text
        assert line in text
    assert "not for diagnosis" in text


@pytest.mark.parametrize("name", main.COMMANDS)
def test_every_command_exists_and_explains_itself(capsys: pytest.CaptureFixture[str], name: str) -> None:
    assert main.run([name, "--help"]) == 0
    text = capsys.readouterr().out
    assert text.startswith(f"Usage: hemotk {name} ")
    for option in undocumented(main.cli.get_command(click.Context(main.cli), name)):
        pytest.fail(f"hemotk {name} {option} has no help")


def undocumented(command: click.Command | None) -> list[str]:
    """Options without a help line, those of subcommands too."""
    assert command is not None
    found = [
        parameter.opts[0] for parameter in command.params if isinstance(parameter, click.Option) and not parameter.help
    ]
    inner = command.commands.values() if isinstance(command, click.Group) else []
    return found + [option for sub in inner for option in undocumented(sub)]


def hemotk(*argv: str, stdout: int = subprocess.PIPE) -> tuple[int, str, str]:
    """Exit code, output and errors of a real process."""
    line = [sys.executable, "-m", "hemotk", *argv]
    done = subprocess.run(line, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_python_m_hemotk() -> None:
    assert hemotk("--version") == (0, f"hemotk, version {__version__}\n", "")
    assert hemotk("nonsense")[0] == 2


def test_a_reader_that_goes_away_is_no_bug_and_no_success() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code, _, said = hemotk("--help", stdout=writing)
    finally:
        os.close(writing)
    assert (code, said) == (130, "")


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="this system has no /dev/full")
def test_output_to_a_full_disk_is_said() -> None:
    with Path("/dev/full").open("wb") as full:
        code, _, said = hemotk("--help", stdout=full.fileno())
    assert code == 2
    assert said == "hemotk: the system: no space left on device; free some space or choose another disk.\n"

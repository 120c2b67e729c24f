"""`hemotk.toml`, the environment and the command line, in their order; completion; misspelt words."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from hemotk.cli.main import COMMANDS, NOT_SET, cli, run, settable_commands
from hemotk.cli.settings import SETTINGS_FILE, read_settings, template


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def seen(*words: str, command: str = "train") -> dict[str, object]:
    """The parameters that a command would run with."""
    with cli.make_context("hemotk", [*words]) as context:
        name, found, rest = cli.resolve_command(context, [*context._protected_args, *context.args])
        assert name == command and found is not None
        with found.make_context(name, rest, parent=context) as inner:
            return dict(inner.params)


def test_the_command_line_goes_before_the_environment_and_that_before_the_file(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / SETTINGS_FILE).write_text('[train]\nepochs = 3\nhead-epochs = 4\narch = "cnn"\nprecision = "bfloat16"\n')
    monkeypatch.setenv("HEMOTK_TRAIN_HEAD_EPOCHS", "5")
    monkeypatch.setenv("HEMOTK_TRAIN_ARCH", "densenet121")
    found = seen("train", "split.json", "--arch", "resnet50")
    assert (found["arch"], found["head_epochs"], found["epochs"]) == ("resnet50", 5, 3)
    assert found["precision"] == "bfloat16" and found["size"] is None


def test_a_file_may_have_another_name_and_its_use_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "slow.toml").write_text('[train]\nepochs = 300\n[bench]\nmax-flips = 0\nno-timing = true\nby = ["age"]\n')
    assert seen("--config", "slow.toml", "train", "s.json")["epochs"] == 300
    assert "settings from slow.toml: [train] epochs\n" in capsys.readouterr().err
    found = seen("--config", "slow.toml", "bench", command="bench")
    assert (found["flips"], found["no_timing"], found["by"]) == (0, True, ("age",))
    assert "[bench] by, max-flips, no-timing\n" in capsys.readouterr().err
    assert seen("train", "s.json")["epochs"] is None


def test_a_command_of_a_group_has_a_section_of_its_own(here: Path) -> None:
    from hemotk.cli.data import data

    (here / SETTINGS_FILE).write_text("[split]\nseed = 7\ntest = 0.3\nresplit = true\n")
    with cli.make_context("hemotk", ["data", "split", "ct"]) as context:
        cli.resolve_command(context, ["data", "split", "ct"])
        with data.make_context("data", ["split", "ct"], parent=context) as group:
            split = data.commands["split"]
            with split.make_context("split", ["ct"], parent=group) as inner:
                assert (inner.params["seed"], inner.params["test"], inner.params["resplit"]) == (7, 0.3, True)


def test_all_faults_of_a_file_are_named_at_once_whichever_command_runs(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / SETTINGS_FILE).write_text(
        'size = 3\n[trian]\n[train]\nsize = "big"\nepoch = 3\nresume = true\nweights = ["a"]\n'
        '[export]\nquantize = "int8"\nauto = "yes"\n[split]\ngroups = "all"\n'
    )
    assert run(["info", "x"]) == 2
    said = capsys.readouterr().err
    for fault in (
        "hemotk.toml: 'size' stands above all sections, put it below a line such as [train]",
        "section [trian] is unknown, did you mean 'train'",
        "[train] size: 'big' is not a valid integer",
        "[train] has no option 'epoch', did you mean 'epochs'",
        "[train] has no option 'resume'",
        "[train] weights: must be one value, not ['a']",
        '[export] quantize: must be a list, such as ["a", "b"], not',
        "[export] auto: must be true or false, not 'yes'",
        "[split] groups: 'all' is not one of 'auto', 'patient', 'none'",
    ):
        assert fault in said
    assert "Traceback" not in said


def test_what_is_no_toml_is_named_with_its_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / SETTINGS_FILE).write_text("[train]\nepochs\n")
    assert run(["info", "x"]) == 2
    assert "hemotk.toml: is no TOML (" in (said := capsys.readouterr().err) and "line 2" in said
    (here / SETTINGS_FILE).write_bytes(b"\xff\xfe[")
    assert run(["info", "x"]) == 2 and "is no TOML" in capsys.readouterr().err
    assert run(["config", "init", "--out", "new.toml"]) == 0  # the way out is not barred


def test_the_template_names_every_option_and_is_a_valid_file(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["config", "init"]) == 0
    text = (here / SETTINGS_FILE).read_text()
    assert text == template(settable_commands())
    commands = settable_commands()
    assert read_settings(here / SETTINGS_FILE, commands) == {name: {} for name in commands if f"[{name}]" in text}
    for command in commands.values():
        for option in command.params:
            if isinstance(option, click.Option) and not option.hidden and option.name not in ("overwrite", "resume"):
                assert f"# {max(option.opts, key=len).lstrip('-')} = " in text, option.name
    assert run(["config", "init"]) == 2 and "already exists" in capsys.readouterr().err


def test_every_default_of_the_template_is_accepted(here: Path) -> None:
    lines = template(settable_commands()).splitlines()
    kept = [line for line in lines if line.startswith("[")]
    assert len(kept) > 10
    given = [line.removeprefix("# ") if " = " in line and not line.endswith('""') else line for line in lines]
    (here / SETTINGS_FILE).write_text("\n".join(line for line in given if line.startswith("[") or is_setting(line)))
    assert read_settings(here / SETTINGS_FILE, settable_commands())["train"]["arch"] == "densenet201"


def is_setting(line: str) -> bool:
    return " = " in line and line.split(" = ", maxsplit=1)[0].replace("-", "").isalnum()


def test_no_two_commands_share_a_section() -> None:
    from hemotk.cli.main import load_command

    names = [
        inner
        for name in COMMANDS
        if name not in NOT_SET
        for inner in (load_command(name).commands if isinstance(load_command(name), click.Group) else [name])  # type: ignore[attr-defined]
    ]
    assert sorted(names) == sorted(settable_commands())


@pytest.mark.parametrize(("said", "meant"), [("trian", "train"), ("bnech", "bench"), ("exprt", "export")])
def test_a_misspelt_command_gets_the_nearest_one(said: str, meant: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([said]) == 2
    assert f"No such command '{said}'. (Did you mean '{meant}'?)" in capsys.readouterr().err


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_gets_its_script_and_its_words(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    assert "_HEMOTK_COMPLETE" in capsys.readouterr().out
    words = {
        "_HEMOTK_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "hemotk tr",
        "COMP_CWORD": "tr" if shell == "fish" else "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "hemotk"], capture_output=True, text=True, env={**os.environ, **words}, check=False
    )
    assert "train" in done.stdout and "Traceback" not in done.stderr

"""`hemotk.toml`, the environment and the command line, in their order; completion; misspelt words."""

import dataclasses
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from noise_pictures import write_pictures

from hemotk.api.runs import configured, operating_point
from hemotk.artifacts import RunCard
from hemotk.cli.main import COMMANDS, NOT_SET, cli, run, settable_commands
from hemotk.cli.settings import SETTINGS_FILE, read_settings, template
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.recipe import Recipe, Step
from hemotk.exporting.selective.sensitivity import Tolerance
from hemotk.exporting.settings_file import export_settings
from hemotk.pruning.channels.config import PruneConfig
from hemotk.training.config import AppearanceConfig, DistillConfig, TrainConfig
from hemotk.training.settings_file import run_settings


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
            if (
                isinstance(option, click.Option)
                and not option.hidden
                and option.name not in ("h", "overwrite", "resume")
            ):
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


def test_config_may_stand_after_the_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "mine.toml").write_text("[train]\nepochs = 7\n[split]\nseed = 9\n")
    for words in (("--config", "mine.toml"), ("--config=mine.toml",)):
        assert seen("train", "x", *words, "--arch", "cnn")["epochs"] == 7
        capsys.readouterr()
        seen("data", "split", "x", *words, command="data")
        assert "settings from mine.toml: [split] seed" in capsys.readouterr().err
    assert seen("train", "--", "--config")["source"] == Path("--config")
    for words, says in (
        (("--config", "a.toml"), "'a.toml' does not exist"),
        (("--config",), "requires an argument"),
    ):
        assert run(["train", "x", *words]) == 2
        assert says in capsys.readouterr().err
    assert run(["--config", "mine.toml", "train", "x", "--config", "mine.toml"]) == 2
    assert "given twice: mine.toml and mine.toml" in capsys.readouterr().err


def test_a_run_keeps_settings_that_train_it_again(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_pictures(here / "slices", 40)
    asked = ["--arch", "cnn", "--size", "32", "--epochs", "2", "--batch", "8", "--seed", "4", "--threshold", "youden"]
    asked += ["--appearance", "scanners", "--calibrate", "--label-smoothing", "0.1", "--window", "50/100"]
    assert run(["train", "slices", *asked, "--out", "runs/first"]) == 0
    assert run(["train", "--config", "runs/first/settings.toml", "--out", "runs/second"]) == 0
    weights = [(here / "runs" / name / "weights.npz").read_bytes() for name in ("first", "second")]
    assert weights[0] == weights[1]
    cards = [RunCard.read(here / "runs" / name / "run.json") for name in ("first", "second")]
    first, second = ({k: v for k, v in card.settings.items() if k != "seconds_in_epochs"} for card in cards)
    assert first == second and cards[0].threshold == cards[1].threshold
    assert cards[0].parents == cards[1].parents

    pruning = ["--method", "magnitude", "--structure", "2:4", "--epochs", "1", "--batch", "8"]
    assert run(["prune", "runs/first", *pruning, "--out", "runs/sparse"]) == 0
    assert run(["prune", "runs/first", "--config", "runs/sparse/settings.toml", "--out", "runs/again"]) == 0
    weights = [(here / "runs" / name / "weights.npz").read_bytes() for name in ("sparse", "again")]
    assert weights[0] == weights[1]
    capsys.readouterr()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    size=st.integers(16, 1024),
    rate=st.none() | st.floats(1e-6, 1, allow_subnormal=False),
    weights=st.sampled_from(["none", "imagenet", 'odd "name"\\here', "ümlaut/run"]),
    draw=st.sampled_from(["each", "balanced"]),
    look=st.sampled_from(["none", "scanners"]),
    rule=st.sampled_from([(None, None), (0.25, None), ("youden", None), (None, 0.9)]),
)
def test_every_training_is_read_back_from_its_settings(
    *, size: int, rate: float | None, weights: str, draw: str, look: str, rule: tuple[Any, Any]
) -> None:
    operating = operating_point(*rule, True)
    given = {"size": size, "learning_rate": rate, "weights": weights, "draw": draw, "appearance": look, "arch": "cnn"}
    config = configured("paper", operating, given)
    Path("s.toml").write_text(run_settings(config.settings(), {}, Path("runs/x")), encoding="utf-8")
    found = seen("train", "--config", "s.toml")
    assert found.pop("source") == Path("runs/x/split.json")
    recipe, threshold = str(found.pop("recipe")), found.pop("threshold")
    value = None if threshold is None else "youden" if threshold == "youden" else float(str(threshold))
    again = operating_point(value, found.pop("min_sensitivity"), bool(found.pop("calibrate")))  # type: ignore[arg-type]
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    read = configured(recipe, again, {k: v for k, v in found.items() if k in known and v is not None})
    assert read.settings() == config.settings()


def test_settings_without_an_option_stand_in_a_comment() -> None:
    config = dataclasses.replace(configured("hemotk", operating_point(None, None, False), {}), dropout=0.25)
    text = run_settings(config.settings(), {}, Path("runs/x"))
    assert "dropout 0.25" in next(line for line in text.splitlines() if line.startswith("# No option gives"))
    odd = dataclasses.replace(config, appearance=AppearanceConfig(gamma=0.1))
    text = run_settings(odd.settings(), {}, Path("a.partial/fold-1"))
    assert "appearance (" in text and "\nappearance" not in text
    assert '\nsource = "a/fold-1/split.json"\n' in text


def test_a_channel_pruning_names_its_options_and_its_parents() -> None:
    config = PruneConfig(latency_ratio=0.25, steps=2, distill=DistillConfig(0.5, 2.0), drop_layers=True)
    Path("p.toml").write_text(run_settings(config.settings(), {"run": "ab" * 32, "teacher": "cd" * 32}, Path("x")))
    found = seen("prune", "runs/first", "--config", "p.toml", command="prune")
    assert (found["target_latency_ratio"], found["steps"], found["teacher_share"]) == (0.25, 2, 0.5)
    assert found["macs"] is None and found["method"] == "channels" and found["drop_layers"] is True
    assert "run abababababab, teacher cdcdcdcdcdcd" in Path("p.toml").read_text()


@pytest.mark.parametrize("auto", [None, Tolerance(0.02, 0.03)])
def test_an_export_is_read_back_from_its_settings(auto: Tolerance | None) -> None:
    steps: tuple[Step, ...] = () if auto else ("room", "logit-bias")
    config = ExportConfig((Recipe("int8", outputs="uint8", without=steps),), 50, author='A "B"', cam=True, auto=auto)
    Path("e.toml").write_text(export_settings(config), encoding="utf-8")
    found = seen("export", "runs/first", "--config", "e.toml", command="export")
    assert (found["quantize"], found["outputs"], found["without"]) == (("int8",), "uint8", steps)
    assert (found["calibration"], found["author"], found["cam"]) == (50, 'A "B"', True)
    assert (found["auto"], found["max_score_drift"]) == (auto is not None, auto and 0.03)
    Path("n.toml").write_text(export_settings(ExportConfig(())), encoding="utf-8")
    assert seen("export", "--config", "n.toml", command="export")["quantize"] == ("none",)


def bench_file(where: Path, command: str) -> Path:
    where.write_text(json.dumps({"schema": "hemotk.bench/2", "command": command}))
    return where


def test_a_bench_is_repeated_by_its_settings(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bundles/a b", "--by", "scanner", "--by", "age", "--max-flips", "0", "--max-latency-ratio", "0.5"]
    given = [*words, "--no-timing", "--images", "gone/split.json", "--json", "last.json", "--html", "x.html"]
    report = bench_file(here / "last.json", shlex.join(["hemotk", "bench", *given]))
    assert run(["config", "show", str(report), "--out", "bench.toml"]) == 0
    text = (here / "bench.toml").read_text()
    assert "max-flips = 0\n" in text and "no-timing = true" in text and "x.html" not in text and "last.json" in text
    (here / "gone").mkdir()
    (here / "gone" / "split.json").touch()
    found = seen("bench", "--config", "bench.toml", command="bench")
    assert found == seen("bench", *words, "--no-timing", "--images", "gone/split.json", command="bench")
    assert run(["config", "show", "last.json"]) == 0 and capsys.readouterr().out.endswith(text)


def test_a_run_or_bundle_shows_the_settings_that_it_keeps(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "run").mkdir()
    (here / "run" / "settings.toml").write_text("[train]\nepochs = 3\n")
    assert run(["config", "show", "run"]) == 0
    assert capsys.readouterr().out == "[train]\nepochs = 3\n"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("", "was not made by a command"),
        ("hemotk bench --nothing-like-it", "was made by another version of hemotk (No such option"),
    ],
)
def test_settings_that_cannot_be_told(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, sentence: str
) -> None:
    bench_file(here / "last.json", command)
    assert run(["config", "show", "last.json"]) == 2
    assert f"last.json: {sentence}" in capsys.readouterr().err
    (here / "other.json").write_text('{"schema": "hemotk.run/1"}')
    (here / "empty").mkdir()
    for name, words in (("other.json", "keeps no settings"), ("gone", "no such file"), ("empty", "keeps no settings")):
        assert run(["config", "show", name]) == 2
        assert f"{name}: {words}" in capsys.readouterr().err

"""A wrong value of any option: the sentence names the option, the value and what it must be."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from prunable_runs import SMALL, make_run, split_of_squares

from hemotk.artifacts import PreprocessSpec
from hemotk.cli.help import long_name
from hemotk.cli.main import run, settable_commands

NUMBER = "-7.5"
WORD = "zzz"
# What each command needs beside the wrong option, so that it comes to look at that.
BESIDE = {
    "split": ("squares",),
    "phantom": ("drawn",),
    "plan": ("squares",),
    "train": ("split.json", "--arch", "cnn"),
    "import": ("m.keras", "--data", "split.json", "--normalization", "torch"),
    "runs": ("runs",),
    "export": ("runs/first",),
    "bench": ("bundles/tiny",),
    "predict": ("bundles/tiny", "squares"),
    "review": ("runs/first",),
    "snippet": ("bundles/tiny", "--python"),
    "web": ("bundles/tiny", "--serve"),
}
PRUNE = {
    "sparsity": ("--method", "magnitude"),
    "structure": ("--method", "magnitude"),
    "begin": ("--method", "magnitude"),
    "end": ("--method", "magnitude"),
    "budgets": ("--sweep",),
    "target-latency-ratio": (),
    "macs": (),
}
# Any number of these is a sensible one, or they are read with a file only.
ANY = {("split", "hu-offset"), ("plan", "hu-offset"), ("audit", "hu-offset"), ("train", "hu-offset")}


def wrong_for(option: click.Option) -> str:
    """The wrong value for an option with numbers or choices; nothing for others."""
    if option.is_flag or isinstance(option.type, click.Path):
        return ""
    if isinstance(option.type, click.Choice):
        return WORD
    name = option.type.name
    return NUMBER.partition(".")[0] if name.startswith("integer") else NUMBER if name.startswith("float") else ""


def cases() -> Iterator[tuple[str, str, str]]:
    for name, command in settable_commands().items():
        for option in command.params:
            value = wrong_for(option) if isinstance(option, click.Option) else ""
            if value and (name, long_name(option)) not in ANY:
                yield name, long_name(option), value


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, pristine: Path) -> Path:
    folder = tmp_path_factory.mktemp("home")
    split = split_of_squares(folder / "squares", 40)
    split.write(folder / "split.json")
    make_run(folder / "runs" / "first", split, SMALL, preprocess=PreprocessSpec(32))
    for each in (pristine, pristine.with_name(f"{pristine.name}.testset")):
        shutil.copytree(each, folder / "bundles" / each.name)
    return folder


@pytest.mark.parametrize("case", list(cases()), ids=" ".join)
def test_a_wrong_value_is_said_with_its_option_and_what_it_must_be(
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    case: tuple[str, str, str],
) -> None:
    command, option, value = case
    monkeypatch.chdir(home)
    beside = BESIDE.get(command, ())
    if command == "prune":
        budget = () if option in PRUNE else ("--macs", "0.5")
        beside = ("runs/first", *budget, *PRUNE.get(option, ()))
    inner = ("data",) if command in ("split", "phantom", "audit", "merge", "patients") else ()
    before = sorted(home.rglob("*"))
    assert run([*inner, command, *beside, f"--{option}={value}"]) == 2
    said = " ".join(capsys.readouterr().err.split())
    sentence = said[said.rindex("hemotk: " if "hemotk: " in said else "Error: ") :]
    assert f"--{option}" in sentence and value in sentence, said
    assert re.search(
        r"must be |is not in the range|is not one of|is not 'adb'|did you mean|choose one of|is no ", sentence
    ), said
    assert "Traceback" not in said and "field '" not in sentence
    assert sorted(home.rglob("*")) == before


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("web bundles/tiny --serve --single-file", "--serve and --single-file: contradict each other"),
        ("web bundles/tiny --out page.html", "--out page.html: is called like one file, and a folder is written"),
        ("web bundles/tiny --single-file --out runs", "--out runs: is a folder, and --single-file writes one file"),
        ("web bundles/tiny --port 8000", "--port 8000: is for --serve"),
        ("plan squares --patient nobody", "--patient nobody: squares has no table with such a column"),
        ("bench bundles/tiny --serial A1", "--serial A1: names a phone for --device adb"),
        ("bench bundles/tiny --normalization often", "'often' must be one of auto,"),
    ],
)
def test_settings_that_contradict_are_refused_with_both_values(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: str, says: str
) -> None:
    monkeypatch.chdir(home)
    assert run(words.split()) == 2
    assert says in " ".join(capsys.readouterr().err.split())

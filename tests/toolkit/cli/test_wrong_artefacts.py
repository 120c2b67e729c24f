"""Every command that takes an artefact, given one of each other kind: it says what that is, and what to do."""

from pathlib import Path

import pytest
from noise_pictures import write_pictures
from written_artefacts import make_report, make_split, write_bundle, write_cross_validation, write_run

from hemotk.artifacts import TESTSET_SUFFIX
from hemotk.cli.main import run

# kind → where it lies in the folder of the test, and what it is called
KINDS = {
    "run": ("run", "a run"),
    "bundle": ("bundle", "a bundle"),
    "testset": ("bundle" + TESTSET_SUFFIX, "a test set"),
    "cv": ("cv", "a cross-validation"),
    "split": ("split.json", "a split"),
    "bench": ("bench.json", "a bench report"),
}
# command, with X for the artefact, → the kinds that it takes
COMMANDS: dict[str, tuple[str, ...]] = {
    "export X": ("run",),
    "prune X --macs 0.5": ("run",),
    "prune X --sweep": ("run",),
    "prune run --macs 0.5 --teacher X": ("run",),
    "card X": ("run",),
    "card run --bundle X": ("bundle",),
    "card run --audit X": (),
    "runs X --by level": ("run",),
    "runs run X": ("run",),
    "bench X": ("bundle",),
    "bench bundle --baseline X": ("bench",),
    "bench bundle --import X": (),
    "bench bundle --images X": ("split",),
    "predict X pictures": ("bundle",),
    "predict bundle X": ("bundle",),  # two bundles are a mistake of another kind
    "android X": ("bundle",),
    "web X": ("bundle",),
    "snippet X --python": ("bundle",),
    "verify X --against outputs.json": ("bundle",),
    "verify bundle --against X": (),
    "review X": ("run", "bundle"),
    "review bundle --bench X": ("bench",),
    "review run --audit X": (),
    "train X": ("split",),
    "train split.json --weights X": ("run",),
    "plan X --no-timing": ("split",),
    "data audit X": (),
    "data split X --out other.json": (),
    "data merge X split.json": ("split",),
    "import model.keras --data X": ("split",),
}
CASES = [(line, kind) for line, taken in COMMANDS.items() for kind in KINDS if kind not in taken]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One artefact of each kind, and pictures."""
    folder = tmp_path_factory.mktemp("kinds")
    write_run(folder / "run")
    write_bundle(folder / "bundle")
    write_cross_validation(folder / "cv")
    make_split().write(folder / "split.json")
    make_report().write(folder / "bench.json")
    write_pictures(folder / "pictures", 4)
    (folder / "model.keras").write_bytes(b"PK")
    return folder


@pytest.mark.parametrize(("line", "kind"), CASES, ids=[f"{line}-{kind}".replace(" ", "_") for line, kind in CASES])
def test_an_artefact_of_the_wrong_stage_is_named(
    folder: Path, line: str, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    before = sorted(path.name for path in folder.iterdir())
    place, called = KINDS[kind]
    assert run([place if word == "X" else word for word in line.split()]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{place}: is {called}" in said or f"{place} is {called}" in said, said
    assert said.partition("; ")[2].rstrip("."), said  # the remedy
    assert sorted(path.name for path in folder.iterdir()) == before

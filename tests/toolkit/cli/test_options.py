import dataclasses
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, BundleCard, PreprocessSpec, RunCard, TensorSpec, Variant
from hemotk.cli.options import (
    bundle_or_newest,
    json_option,
    newest,
    overwrite_option,
    run_or_newest,
    threads_option,
)
from hemotk.errors import HemotkError

FILES = {"shape.json": "1", "weights.npz": "2", "split.json": "3"}
SPEC = PreprocessSpec(64)
LABELS = ("normal", "hemorrhage")
RUN = RunCard("one", "", "trained", "densenet121", SPEC, LABELS, FILES, {}, {}, {}, {}, {}, 1.0)
IMAGE = TensorSpec("image", "float32", (1, 64, 64, 1))
OUTPUTS = (TensorSpec("probability", "float32", (1, 1)), TensorSpec("logit", "float32", (1, 1)))
VARIANT = Variant("float32", "model.tflite", "0" * 64, 10, IMAGE, OUTPUTS)
BUNDLE = BundleCard("one", "", "densenet121", LABELS, SPEC, 0.5, 1.0, (VARIANT,), {}, {}, "", {}, (), {}, {}, 1.0)


def make_run(folder: Path, name: str, created: str) -> Path:
    dataclasses.replace(RUN, name=name, created=created).write(folder / name / RUN_CARD)
    return folder / name


def test_the_newest_run_is_the_one_created_last(tmp_path: Path) -> None:
    last = make_run(tmp_path, "b", "2026-03-01T10:00:00+00:00")
    make_run(tmp_path, "c", "2026-02-01T10:00:00+00:00")
    make_run(tmp_path, "a", "2025-12-01T10:00:00+00:00")
    assert newest(tmp_path, RUN_CARD, RunCard) == last
    assert run_or_newest(None, tmp_path) == last
    assert run_or_newest(tmp_path / "a", tmp_path) == tmp_path / "a"


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2026-03-01T11:00:00+02:00", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01T09:59:59Z", "2026-03-01T10:00:00+00:00"),
        ("2026-03-01T09:59:59.900000+00:00", "2026-03-01T10:00:00Z"),
        ("2026-03-01T09:00:00", "2026-03-01T09:30:00+00:00"),
    ],
)
def test_times_are_compared_not_words(tmp_path: Path, earlier: str, later: str) -> None:
    make_run(tmp_path, "z", earlier)
    assert newest(tmp_path, RUN_CARD, RunCard) == tmp_path / "z"
    assert make_run(tmp_path, "a", later) == newest(tmp_path, RUN_CARD, RunCard)


def test_what_is_unfinished_hidden_or_no_folder_is_passed_over(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = make_run(tmp_path, "done", "2026-01-01T00:00:00+00:00")
    make_run(tmp_path, ".new.1234.tmp", "2026-02-01T00:00:00+00:00")
    (tmp_path / "training").mkdir()
    (tmp_path / "notes.txt").write_text("x")
    assert newest(tmp_path, RUN_CARD, RunCard) == done
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("damage", ["cut short", "another version", "no time"])
def test_a_card_that_cannot_be_read_is_passed_over_aloud(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], damage: str
) -> None:
    done = make_run(tmp_path, "done", "2026-01-01T00:00:00+00:00")
    card = make_run(tmp_path, "worse", "2026-02-01T00:00:00+00:00") / RUN_CARD
    body = json.loads(card.read_text())
    if damage == "cut short":
        card.write_bytes(card.read_bytes()[:-20])
    else:
        card.write_text(
            json.dumps(body | ({"schema": "hemotk.run/9"} if damage == "another version" else {"created": "?"}))
        )
    assert newest(tmp_path, RUN_CARD, RunCard) == done
    said = capsys.readouterr().err
    assert said.startswith(f"hemotk: passed over: {card}: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize("there", [True, False])
def test_none_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    monkeypatch.chdir(tmp_path)
    if there:
        Path("runs").mkdir()
        Path("bundles").mkdir()
    with pytest.raises(HemotkError) as run:
        run_or_newest(None)
    assert str(run.value) == "runs/: no finished run here; make one with `hemotk train`, or name one."
    with pytest.raises(HemotkError) as bundle:
        bundle_or_newest(None)
    assert str(bundle.value) == "bundles/: no finished bundle here; make one with `hemotk export`, or name one."


def test_the_newest_bundle_is_no_test_set(tmp_path: Path) -> None:
    for name, created in (("first", "2026-01-01T00:00:00+00:00"), ("second", "2026-01-02T00:00:00+00:00")):
        dataclasses.replace(BUNDLE, name=name, created=created).write(tmp_path / name / BUNDLE_CARD)
        (tmp_path / f"{name}.testset").mkdir()
        (tmp_path / f"{name}.testset" / "testset.json").write_text("{}")
    assert bundle_or_newest(None, tmp_path) == newest(tmp_path, BUNDLE_CARD, BundleCard) == tmp_path / "second"


def test_the_common_options() -> None:
    @click.command()
    @overwrite_option
    @json_option
    @threads_option(2)
    def show(overwrite: bool, json_file: Path | None, threads: int) -> None:
        click.echo(repr((overwrite, json_file, threads)))

    assert CliRunner().invoke(show, []).output == "(False, None, 2)\n"
    given = CliRunner().invoke(show, ["--overwrite", "--json", "a.json", "--threads", "3"])
    assert given.output == f"{(True, Path('a.json'), 3)!r}\n"
    assert CliRunner().invoke(show, ["--threads", "0"]).exit_code == 2

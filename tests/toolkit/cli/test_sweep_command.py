"""`hemotk prune --sweep` as a user meets it, on networks and pictures that take no time."""

import json
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY, Mock

import pytest
from prunable_runs import SMALL, Prune, make_run, split_of_squares

from hemotk.artifacts import (
    RUN_CARD,
    SPLIT_FILE,
    SWEEP_FILE,
    SWEEP_PLOT,
    SWEEP_TABLE,
    BenchReport,
    PreprocessSpec,
    RunCard,
    SplitManifest,
    SweepReport,
)
from hemotk.benchmarks.config import BenchConfig
from hemotk.cli.main import run
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import CheckFailed, HemotkError
from hemotk.files import sha256_file
from hemotk.models.shape import CnnShape, densenet
from hemotk.progress import silent
from hemotk.sweep.choice import choose
from hemotk.sweep.job import Entry, Start, SweepJob, budget_name, read_start
from hemotk.sweep.making import Show, pruned_entries
from hemotk.sweep.run import _make
from hemotk.training.config import TrainConfig

pytest.importorskip("tf_keras")

SHOW = Show(silent, lambda line: None)

SIZE = 32
RECIPE = TrainConfig(arch="densenet-tiny", size=SIZE, epochs=1, batch=8)
QUICK = ("--importance", "magnitude", "--steps", "1", "--epochs", "1")
ONE = ("runs/first", "--sweep", "--budgets", "0.6")
SWEEP = ("runs/first", "--sweep", "--budgets", "0.6,0.4", "--with", "runs/narrow", "--references", "cnn", *QUICK)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images` and runs on them: `first`, `narrow` beside it, and some that do not fit."""
    folder = tmp_path_factory.mktemp("home")
    split = split_of_squares(folder / "images")
    spec = PreprocessSpec(SIZE)
    settings = {**json.loads(json.dumps(RECIPE.settings())), "seconds_in_epochs": 1.0}
    make_run(folder / "runs" / "first", split, SMALL, preprocess=spec, settings=settings)
    make_run(folder / "runs" / "narrow", split, densenet((1, 1), growth=8), preprocess=spec, source="imported")
    make_run(folder / "runs" / "small", split, densenet((1, 1), growth=8), preprocess=PreprocessSpec(16))
    given = {**settings, "arch": "densenet121", "weights": "imagenet"}
    make_run(folder / "runs" / "imagenet", split, SMALL, preprocess=spec, settings=given)
    make_run(folder / "runs" / "tiny", split, SMALL, preprocess=PreprocessSpec(16), settings={**settings, "size": 16})
    other = make_split(scan(folder / "images"), SplitConfig(seed=1))
    make_run(folder / "runs" / "elsewhere", other, densenet((1, 1), growth=8), preprocess=spec)
    return folder


@pytest.fixture(scope="module")
def stopped(home: Path) -> Path:
    """The folder of a sweep that fails before its bench, and was not allowed to see the test part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr("hemotk.benchmarks.bench.bench", _fail)
        assert run(["prune", *SWEEP, "--out", "sweeps/one"]) == 2
    assert not (home / "sweeps" / "one").exists()
    return home / "sweeps" / "one.partial"


def _fail(*_arguments: object) -> None:
    raise HemotkError("bench: is stopped; go on.")


@pytest.fixture(scope="module")
def swept(home: Path, stopped: Path) -> tuple[Path, dict[Path, str]]:
    """The finished sweep, and the checksums of the cards that were there when it was resumed."""
    before = {path.relative_to(stopped): sha256_file(path) for path in stopped.glob("*/*/*.json")}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        patch.setattr("hemotk.benchmarks.config.BenchConfig", lambda: BenchConfig(min_runs=3, min_seconds=0))
        assert run(["prune", *SWEEP, "--out", "sweeps/one", "--resume"]) == 0
    assert not stopped.exists()
    return home / "sweeps" / "one", before


def test_a_stopped_sweep_is_gone_on_with_only_if_asked(stopped: Path, prune: Prune) -> None:
    code, said = prune(*SWEEP, "--out", "sweeps/one")
    assert code == 2 and "an unfinished sweep lies there; add --resume" in said
    code, said = prune(*SWEEP, "--out", "sweeps/one", "--resume", "--batch", "8")
    assert code == 2 and "was trained with batch 16, now it is 8" in said
    assert {path.name for path in (stopped / "runs").iterdir()} == {"macs-0.6", "macs-0.4", "cnn"}


def test_a_network_whose_bundle_does_not_hold_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_bundle(_job: object, entry: Entry, _show: object) -> Path:
        if entry.name in refused:
            raise CheckFailed("export check: int8 is saturated.")
        return Path(entry.name)

    entries = [Entry(name, "reference", Path(), ANY) for name in ("first", "a", "b")]
    start = Start(entries[0], (entries[2],), SMALL, "", None)
    monkeypatch.setattr("hemotk.sweep.run.pruned_entries", lambda *_: [entries[1]])
    monkeypatch.setattr("hemotk.sweep.run.trained_entries", lambda *_: [])
    monkeypatch.setattr("hemotk.sweep.run.make_bundle", make_bundle)
    refused = ["a"]
    made = _make(SweepJob(Path("first"), Path("out"), (0.5,)), start, SHOW)
    assert list(made.bundles) == list(made.entries) == ["first", "b"]
    assert made.left_out == {"a": "export check: int8 is saturated."}
    refused = ["first"]
    with pytest.raises(CheckFailed):
        _make(SweepJob(Path("first"), Path("out"), (0.5,)), start, SHOW)


def test_a_budget_that_the_cut_before_overshot_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def shape(macs: int) -> Mock:
        return Mock(macs=lambda _: macs)

    def pruned(_job: object, _start: object, before: Entry, budget: float, **_: object) -> Entry:
        asked.append((before.name, budget))
        return replace(whole, name=budget_name(budget), network=Mock(shape=shape({0.5: 440, 0.3: 300}[budget])))

    asked: list[tuple[str, float]] = []
    whole = Entry("first", "unpruned", Path(), Mock(shape=shape(1000)))
    monkeypatch.setattr("hemotk.sweep.making._pruned", pruned)
    left_out: dict[str, str] = {}
    job = SweepJob(Path("first"), Path("out"), (0.5, 0.44, 0.3))
    found = pruned_entries(job, Start(whole, (), shape(1000), "", None), left_out, SHOW)
    assert [entry.name for entry in found] == ["macs-0.5", "macs-0.3"]
    assert asked == [("first", 0.5), ("macs-0.5", 0.3)]
    assert left_out == {"macs-0.44": "the same network as macs-0.5"}


def test_what_was_finished_is_not_made_again(swept: tuple[Path, dict[Path, str]]) -> None:
    out, before = swept
    bundles = {path.parts[1] for path in before if path.name == "bundle.json"}
    assert bundles == {point.name for point in read(out).points}
    assert {path: sha256_file(out / path) for path in before} == before


def read(out: Path) -> SweepReport:
    return SweepReport.read(out / SWEEP_FILE)


def test_the_points_are_what_the_bench_measured(swept: tuple[Path, dict[Path, str]], home: Path) -> None:
    out, _ = swept
    report, bench = read(out), BenchReport.read(out / "bench.json")
    kinds = [(point.name, point.kind, point.budget) for point in report.points]
    assert kinds == [
        ("first", "unpruned", None),
        ("macs-0.6", "pruned", 0.6),
        ("macs-0.4", "pruned", 0.4),
        ("narrow", "reference", None),
        ("cnn", "reference", None),
    ]
    for point in report.points:
        row = bench.variant("int8", point.name)
        assert row is not None and row.metrics is not None and row.latency is not None and row.paired is not None
        assert (point.int8.bytes, point.int8.loss, point.flips) == (row.bytes, row.metrics.loss, len(row.paired.flips))
        assert point.int8.accuracy == row.metrics.accuracy and point.int8.auc == row.metrics.auc
        assert point.int8.latency_ns == row.latency.p50_ns
        parent = bench.variants[0].latency
        assert parent is not None and point.int8.ratio.value == pytest.approx(row.latency.p50_ns / parent.p50_ns)
    whole = report.unpruned.macs
    assert whole == SMALL.macs(SIZE) and report.unpruned.run == sha256_file(home / "runs" / "first" / RUN_CARD)
    assert report.points[1].macs <= 0.6 * whole and report.points[2].macs <= 0.4 * whole


def test_every_budget_starts_from_the_one_before_with_the_unpruned_run_as_teacher(
    swept: tuple[Path, dict[Path, str]], home: Path
) -> None:
    runs = swept[0] / "runs"
    first, larger = sha256_file(home / "runs" / "first" / RUN_CARD), sha256_file(runs / "macs-0.6" / RUN_CARD)
    cards = [RunCard.read(runs / name / RUN_CARD) for name in ("macs-0.6", "macs-0.4")]
    assert [(card.parents["run"], card.parents["teacher"]) for card in cards] == [(first, first), (larger, first)]
    cnn = RunCard.read(runs / "cnn" / RUN_CARD).settings
    assert {**cnn, "seconds_in_epochs": 0} == {**RECIPE.settings(), "arch": "cnn", "seconds_in_epochs": 0}


def test_the_test_part_is_not_scored(swept: tuple[Path, dict[Path, str]], home: Path) -> None:
    out, _ = swept
    split = SplitManifest.read(home / "runs" / "first" / SPLIT_FILE)
    validation = {(item.path, item.label) for item in split.part("validation")}
    bench = BenchReport.read(out / "bench.json")
    assert {(image.id, image.label) for image in bench.images} == validation
    assert read(out).images == len(validation) and read(out).split == split.sha256()
    assert bench.folder == "sweeps/one/validation" and bench.bundles[1].folder == "sweeps/one/bundles/macs-0.6"
    for path in (out / "runs").glob("*/run.json"):
        assert set(RunCard.read(path).metrics) == {"train", "validation"}
    links = list((out / "validation").rglob("*.png"))
    assert len(links) == len(validation) and all(path.is_symlink() and path.exists() for path in links)


def test_the_outputs_say_what_was_chosen(swept: tuple[Path, dict[Path, str]], prune: Prune) -> None:
    out, _ = swept
    report = read(out)
    choice = choose(report.points)
    assert (report.chosen, report.why) == (choice.name, choice.why)
    text = (out / SWEEP_TABLE).read_text("utf-8")
    assert report.why in text and "| macs-0.4 int8 | pruned |" in text
    assert (out / SWEEP_PLOT).read_bytes().startswith(b"\x89PNG")
    assert report.settings["budgets"] == [0.6, 0.4] and report.environment["processor"]
    code, said = prune(*SWEEP, "--out", "sweeps/one")
    assert code == 2 and "--overwrite" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("runs/first", "--sweep", "--budgets", "0.4,0.6"), "--budgets 0.4,0.6: must be falling shares"),
        (("runs/first", "--sweep", "--budgets", "0.5,0.5"), "must be falling shares"),
        (("runs/first", "--sweep", "--budgets", "1,0.5"), "each above 0 and below 1"),
        (("runs/first", "--sweep", "--budgets", "0.5,0"), "each above 0 and below 1"),
        (("runs/first", "--sweep", "--budgets", "none"), "--budgets none: leaves nothing to compare; add --with"),
        (("runs/first", "--sweep", "--budgets", "half"), "--budgets half: is no list of numbers"),
        (("runs/first", "--sweep", "--budgets", "0.5,0.0001"), "cannot be reached"),
        (("runs/first", "--sweep", "--references", "alexnet"), "--references alexnet: is unknown"),
        (("runs/first", "--sweep", "--references", "cnn,cnn"), "cnn: 2 networks of the sweep would have this name"),
        (("runs/first", "--sweep", "--with", "runs/first"), "first: 2 networks of the sweep"),
        ((*ONE, "--with", "runs/macs-0.6"), "macs-0.6: 2 networks of the sweep would have this name"),
        (("runs/first", "--sweep", "--budgets", "0.50000001,0.5"), "macs-0.5: 2 networks of the sweep"),
        (("runs/imagenet", *ONE[1:], "--references", "densenet121,cnn"), "--references cnn: has no ImageNet weights"),
        (("runs/tiny", *ONE[1:], "--references", "resnet50"), "--references resnet50: needs pictures of 32 pixels"),
        ((*ONE, "--with", "runs/small"), "--with runs/small: takes pictures of 16 pixels"),
        ((*ONE, "--with", "runs/elsewhere"), "--with runs/elsewhere: was trained on another split"),
        ((*ONE, "--with", "runs/none"), "runs/none: no such folder; name a run, which"),
        ((*ONE, "--teacher", "runs/small"), "--teacher runs/small: takes pictures of 16×16"),
        (("runs/narrow", *ONE[1:], "--references", "cnn"), "does not say how it was trained (it is imported)"),
        (("runs/first", "--sweep", "--macs", "0.5"), "--macs 0.5: is one budget"),
        (("runs/first", "--sweep", "--epochs", "1"), "epochs"),
        (("runs/first", "--sweep", "--method", "magnitude"), "--sweep: is for --method channels"),
        (("runs/first", "--macs", "0.5", "--budgets", "0.5"), "--budgets 0.5: belongs to --sweep; add it"),
        (("runs/first", "--macs", "0.5", "--with", "runs/narrow"), "--with runs/narrow: belongs to --sweep"),
    ],
)
def test_wrong_use_is_one_sentence(prune: Prune, arguments: tuple[str, ...], says: str) -> None:
    code, said = prune(*arguments, "--out", "sweeps/refused")
    assert code == 2
    assert says in said and "Traceback" not in said
    assert not Path("sweeps/refused").exists() and not Path("sweeps/refused.partial").exists()


def test_what_something_else_left_is_not_adopted(home: Path, prune: Prune) -> None:
    keep = home / "sweeps" / "foreign.partial" / "step-1"
    keep.mkdir(parents=True)
    code, said = prune(*ONE, "--out", "sweeps/foreign", "--resume")
    assert code == 2 and "holds something else than a sweep (step-1)" in said and keep.exists()


@pytest.mark.parametrize("out", ["runs/first", "runs/narrow", "runs/small", "runs", "runs/narrow/sweep"])
def test_no_run_that_is_read_is_replaced(prune: Prune, out: str) -> None:
    inputs = ("--with", "runs/narrow", "--teacher", "runs/small")
    code, said = prune(*ONE, *inputs, "--out", out, "--overwrite")
    assert code == 2 and f"--out {out}: is runs/" in said
    assert all(Path("runs", name, RUN_CARD).exists() for name in ("first", "narrow", "small"))


def test_without_budgets_a_run_that_cannot_be_cut_is_compared(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    settings = {"multiple": 512}
    job = SweepJob(Path("runs/first"), Path("sweeps/none"), (), (Path("runs/narrow"),), settings=settings)
    assert [entry.name for entry in read_start(job).others] == ["narrow"]
    with pytest.raises(HemotkError, match="nothing to cut"):
        read_start(replace(job, budgets=(0.5,)))


def test_a_run_that_is_no_densenet(home: Path, prune: Prune) -> None:
    split = SplitManifest.read(home / "runs" / "first" / SPLIT_FILE)
    make_run(home / "runs" / "plain", split, CnnShape((4,), 4, SIZE), arch="cnn")
    code, said = prune("runs/plain", "--sweep")
    assert code == 2 and "is a run of cnn, and only the channels of a DenseNet can be pruned" in said

"""`hemotk prune` as a user meets it."""

import dataclasses
from pathlib import Path

import pytest
from cost_tables import cost_table
from prunable_runs import SIZE, SMALL, Prune, make_run, split_of_squares

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, CostTable, PreprocessSpec, RunCard
from hemotk.benchmarks.config import BenchConfig
from hemotk.cli import prune as command
from hemotk.files import sha256_file
from hemotk.models.shape import CnnShape, DenseNetShape, densenet
from hemotk.progress import Tell
from hemotk.sweep import part_costs
from hemotk.sweep.part_costs import Target

pytest.importorskip("tf_keras")
from hemotk.sweep.latency_ratio import LatencyRatio

QUICK = ("--importance", "magnitude", "--steps", "1", "--epochs", "1", "--teacher-share", "0")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`images` and the runs `first` and `cnn`, the older one, on them."""
    folder = tmp_path_factory.mktemp("home")
    split = split_of_squares(folder / "images")
    make_run(folder / "runs" / "first", split)
    older = "2025-01-01T00:00:00+00:00"
    make_run(folder / "runs" / "cnn", split, CnnShape((4,), 4, SIZE), arch="cnn", created=older)
    return folder


def test_the_newest_run_is_pruned_under_its_name(home: Path, prune: Prune) -> None:
    code, said = prune("--macs", "0.5", *QUICK)
    assert code == 0
    shape = DenseNetShape.read(home / "runs" / "first-pruned" / SHAPE_FILE)
    assert shape.macs(SIZE) <= 0.5 * SMALL.macs(SIZE)
    assert f"{SMALL.parameters():,} → {shape.parameters():,} parameters" in said
    assert all(f"\n{part} " in f"\n{said}" for part in ("train", "validation", "test"))
    assert "pruning 1/1" in said and "wrote runs/first-pruned" in said
    assert RunCard.read(home / "runs" / "first-pruned" / RUN_CARD).settings["macs"] == 0.5
    code, said = prune("runs/first", "--macs", "0.5", *QUICK)
    assert code == 2 and "--overwrite" in said


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("runs/first",), "give either --macs"),
        (("runs/first", "--macs", "0.5", "--target-latency-ratio", "0.5"), "target-latency-ratio 0.5: are two budgets"),
        (("runs/first", "--macs", "0.0001"), "cannot be reached"),
        (("runs/first", "--macs", "1"), "nothing to cut"),
        (("runs/cnn", "--macs", "0.5"), "only the channels of a DenseNet can be pruned"),
        (("runs/none", "--macs", "0.5"), "runs/none: no such folder; name a run, which"),
        (("runs/first", "--macs", "0.5", "--teacher", "images"), "images: is not a run: it holds no run.json"),
        (("runs/first", "--macs", "0.5", "--teacher-share", "2"), "share"),
        (("runs/first", "--macs", "0.5", "--epochs", "3"), "epochs"),
        (("runs/first", "--macs", "0.5", "--method", "magic"), "magic"),
    ],
)
def test_wrong_use_is_one_sentence(prune: Prune, arguments: tuple[str, ...], says: str) -> None:
    code, said = prune(*arguments, "--out", "runs/refused")
    assert code == 2
    assert says in said and "Traceback" not in said
    assert not Path("runs/refused").exists() and not Path("runs/refused.partial").exists()


def test_pruning_by_what_parts_take_here(home: Path, prune: Prune) -> None:
    times = cost_table(SIZE, 2, lambda part, side, out: (1e6, 0.0) if part == "handover" else (1.0, 1.0))
    times.write(home / "costs.json")
    asked = ("runs/first", "--macs", "0.9", "--drop-layers", "--costs", "costs.json", "--out", "runs/quick")
    code, said = prune(*asked, *QUICK)
    assert (
        code == 0 and sha256_file(home / "costs.json") in RunCard.read(home / "runs/quick" / RUN_CARD).parents["costs"]
    )
    assert [len(block) for block in DenseNetShape.read(home / "runs/quick" / SHAPE_FILE).blocks] in ([0, 1], [1, 0])
    assert "4.00 → 3.00 ms by that table, whose sums were 0.0% from a whole network's." in " ".join(said.split())


def test_pruning_by_counted_instructions_of_another_processor(home: Path, prune: Prune) -> None:
    """The budget is met by the table too: what it was counted for cannot be timed here."""
    counts = cost_table(SIZE, 2, lambda part, side, out: (1e6, 0.0) if part == "handover" else (1.0, 1.0))
    dataclasses.replace(counts, unit="instructions", processor="cortex-a76", runtime="other 1").write(home / "arm.json")
    asked = ("runs/first", "--target-latency-ratio", "0.8", "--drop-layers", "--costs", "arm.json", "--out", "runs/arm")
    code, said = prune(*asked, *QUICK)
    words = " ".join(said.split())
    assert code == 0 and "4.00 → 3.00 million instructions by that table" in words, said
    assert "Instructions as int8, by that table: 0.750 of those of first." in words and "latency:" not in words


def test_a_table_of_costs_that_does_not_fit_is_one_sentence(home: Path, prune: Prune) -> None:
    cost_table(SIZE, 2, processor="Another 9000").write(home / "elsewhere.json")
    (home / "broken.json").write_text("{")
    for name, says in (
        ("elsewhere.json", "was measured on another machine, Another 9000"),
        ("broken.json", "broken.json"),
        ("images", "images"),
    ):
        for more in (("--macs", "0.5"), ("--sweep", "--budgets", "0.5")):
            code, said = prune("runs/first", *more, "--costs", name, "--out", "runs/refused")
            assert code == 2 and says in said and "Traceback" not in said
            assert not Path("runs/refused").exists() and not Path("runs/refused.partial").exists()
    code, said = prune("runs/first", "--method", "magnitude", "--costs", "costs.json")
    assert code == 2 and "--costs costs.json: belongs to --method channels, not magnitude" in said


def test_a_table_of_costs_is_measured_once(home: Path, prune: Prune, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def measured(target: Target, size: int, blocks: int, tell: Tell) -> CostTable:
        assert target.unit == "ns"
        asked.append(size)
        return cost_table(size, blocks)

    monkeypatch.setattr(part_costs, "measure_costs", measured)
    code, _ = prune("runs/first", "--macs", "0.00001", "--costs", "new.json", "--out", "runs/one")
    assert code == 2 and not asked  # what cannot be done is said before a minute is spent
    for out in ("runs/one", "runs/two"):
        code, _ = prune("runs/first", "--macs", "0.5", "--costs", "new.json", "--out", out, *QUICK)
        assert code == 0 and asked == [SIZE] and CostTable.read(home / "new.json") == cost_table(SIZE, 2)


@pytest.mark.parametrize("method", [("--macs", "0.5"), ("--method", "magnitude")])
@pytest.mark.parametrize("out", [".", "/"])
def test_an_output_without_a_name(prune: Prune, out: str, method: tuple[str, ...]) -> None:
    code, said = prune("runs/first", *method, "--out", out, "--overwrite")
    assert code == 2 and f"--out {out}: has no name of its own" in said


@pytest.mark.parametrize("out", ["runs/first", "runs/cnn", "runs/first/small"])
def test_the_run_and_its_teacher_are_not_replaced(prune: Prune, out: str) -> None:
    code, said = prune("runs/first", "--macs", "0.5", "--teacher", "runs/cnn", "--out", out, "--overwrite")
    assert code == 2 and f"--out {out}: is runs/" in said
    assert all(Path("runs", name, RUN_CARD).exists() for name in ("first", "cnn"))


def test_options_of_another_method_are_refused(prune: Prune, monkeypatch: pytest.MonkeyPatch) -> None:
    own = {"channels": ("macs", "epochs"), "other": ("importance", "epochs")}
    monkeypatch.setattr(command, "OWN_OPTIONS", own)
    code, said = prune("runs/first", "--macs", "0.5", "--epochs", "4", "--importance", "taylor")
    assert code == 2
    assert "--importance taylor: belongs to --method other, not channels; leave it out" in said


def test_images_that_are_elsewhere(home: Path, prune: Prune) -> None:
    (home / "images").rename(home / "moved")
    try:
        code, said = prune("runs/first", "--macs", "0.5", "--out", "runs/elsewhere", *QUICK)
        assert code == 2 and "--data" in said
        code, _ = prune("runs/first", "--macs", "0.5", "--out", "runs/elsewhere", "--data", "moved", *QUICK)
        assert code == 0
    finally:
        (home / "moved").rename(home / "images")


def test_the_latency_ratio_is_that_of_the_models_it_times() -> None:
    wide, narrow = densenet((2, 2), growth=32), densenet((2, 2), growth=4)
    ratio = LatencyRatio(wide, PreprocessSpec(96), BenchConfig(min_runs=20, min_seconds=0))
    assert ratio(narrow) < 0.5 < ratio(wide) < 2

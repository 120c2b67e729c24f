"""What parts take, measured: small tables, and a real one of few widths."""

from pathlib import Path

import pytest
from cost_tables import cost_table

from hemotk.artifacts import CostTable
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.models.shape import densenet
from hemotk.progress import silent
from hemotk.pruning.channels.job import read_costs
from hemotk.sweep import part_costs
from hemotk.sweep.part_costs import Sample, Timing


def test_a_part_is_a_straight_line_over_its_channels() -> None:
    samples = [Sample("reduce", 4, 8, channels, 100.0 + 5 * channels) for channels in (10, 20, 40)]
    samples += [Sample("expand", 4, 8, channels, 1000.0 - channels) for channels in (10, 20)]  # noise: less for more
    samples += [Sample("pool", 4, 0, 30, 60.0), Sample("handover", 4, 0, 0, 70.0)]
    found = {part.part: (part.fixed, part.per_channel) for part in part_costs._fitted(samples)}
    assert found["reduce"] == pytest.approx((100, 5))
    assert found["expand"] == pytest.approx((985, 0))
    assert found["pool"] == (0, 2) and found["handover"] == (70, 0)


def test_a_profile_is_divided_at_its_preactivations() -> None:
    names = ["QUANTIZE", "Convolution", "MAXIMUM", "Fully Connected", "Clamp (NC)", "Mean"]
    found = part_costs._segments([Timing(name, 1.0) for name in names], 3)
    assert [[timing.name for timing in segment] for segment in found] == [names[:2], names[2:4], names[4:]]
    with pytest.raises(HemotkError, match="shows 2 pre-activations where the network has 3; this runtime"):
        part_costs._segments([Timing(name, 1.0) for name in names], 4)


def test_a_table_that_is_there_is_not_measured_again(tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    cost_table(32, 1).write(path)
    before = sha256_file(path)
    part_costs.keep_costs(path, densenet((1, 1)), 64, silent)
    assert sha256_file(path) == before


def test_a_table_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tf_keras")
    for name, few in (("BOTTLENECKS", (8, 32)), ("GROWTHS", (8, 16)), ("STEMS", (8, 16)), ("RUNS", 20)):
        monkeypatch.setattr(part_costs, name, few)
    path, shape, told = tmp_path / "new" / "costs.json", densenet((1, 1), growth=8), []
    part_costs.keep_costs(path, shape, 24, lambda what, done, total, note="": told.append((done, total)))
    table = read_costs(path, shape, 24)
    assert table == CostTable.read(path) and told[-1] == (4, 5)
    widths = {part.out for part in table.parts if part.part == "reduce"}
    assert widths == {8, 32} and {part.side for part in table.parts if part.part == "act"} == {6, 3}
    assert sum(part.fixed + part.per_channel for part in table.parts) > 0
    assert table.error < 5  # a loaded machine may be far off, but not by what a wrong unit would be

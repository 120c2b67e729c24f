import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.measure import latency
from hemotk.benchmarks.measure.runners import Loaded, RunnerFailed
from hemotk.progress import silent


class Machine:
    """A clock, and variants that take a fixed time for each inference."""

    def __init__(self, **milliseconds):
        self.now = 0.0
        self.log = []
        self.turns = {kind: self.turn(kind, value) for kind, value in milliseconds.items()}

    def turn(self, kind, milliseconds):
        def run(runs):
            self.log.append(kind)
            self.now += (runs + 1) * milliseconds / 1e3
            return (int(milliseconds * 1e6),) * runs

        return run

    def measure(self, config, tell=silent):
        return latency.measure(self.turns, config, tell, lambda: self.now)


@given(
    st.lists(st.sampled_from([0.5, 8.0, 110.0, 3000.0]), min_size=1, max_size=4),
    st.integers(1, 100),
    st.sampled_from([0.0, 2.0, 5.0]),
)
def test_every_variant_reaches_the_minimum_count_and_the_minimum_duration(times, runs, seconds):
    machine = Machine(**{str(index): value for index, value in enumerate(times)})
    found = machine.measure(BenchConfig(min_runs=runs, min_seconds=seconds))
    for timings in found.values():
        assert sum(map(len, timings.rounds)) >= runs
        assert timings.seconds >= seconds
    assert len({len(timings.rounds) for timings in found.values()}) == 1


def test_measuring_stops_in_the_first_round_that_reaches_both():
    found = Machine(a=100.0).measure(BenchConfig(min_runs=16, min_seconds=0.0))["a"]
    assert [len(samples) for samples in found.rounds] == [3] * 6
    found = Machine(a=100.0).measure(BenchConfig(min_runs=1, min_seconds=2.7))["a"]
    assert [len(samples) for samples in found.rounds] == [3] * 7  # an untimed run of 0.1 s belongs to each


def test_there_are_enough_rounds_for_an_interval():
    found = Machine(a=100.0, b=0.01).measure(BenchConfig(min_runs=1, min_seconds=0.0))
    assert {len(timings.rounds) for timings in found.values()} == {latency.MIN_ROUNDS}
    assert latency.summarize(Loaded(7, 8, None), found["b"], found["a"]).ratio.low is not None


def test_variants_take_turns_and_the_first_one_changes():
    machine = Machine(a=300.0, b=300.0, c=300.0)
    machine.measure(BenchConfig(min_runs=6, min_seconds=0.0))
    assert "".join(machine.log) == "abc" + "abc" + "bca" + "cab" + "abc" + "bca" + "cab"


def test_the_warm_up_round_is_kept_apart():
    found = Machine(a=100.0).measure(BenchConfig(min_runs=1, min_seconds=0.0))["a"]
    assert found.warmup == (100_000_000,) * latency.WARMUP_RUNS
    assert set(found.rounds) == {(100_000_000,) * 3}


@pytest.mark.parametrize("ok_turns", [0, 1, 3])
def test_a_variant_that_fails_drops_out_and_keeps_what_it_had(ok_turns):
    machine = Machine(a=100.0, b=100.0)
    sound, left = machine.turns["b"], iter(range(ok_turns))

    def dying(runs):
        if next(left, None) is None:
            raise RunnerFailed("it died")
        return sound(runs)

    machine.turns["b"] = dying
    found = machine.measure(BenchConfig(min_runs=30, min_seconds=0.0))
    assert found["b"].failure == "it died"
    assert len(found["b"].rounds) == max(0, ok_turns - 1)
    assert not found["a"].failure
    assert len(found["a"].rounds) == 10


def test_progress_rises_to_one():
    seen = []
    config = BenchConfig(min_runs=20, min_seconds=1.0)
    Machine(a=100.0, b=10.0).measure(config, lambda what, done, total, note="": seen.append(done / total))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_nothing_to_measure_is_no_error():
    assert latency.measure({}, BenchConfig()) == {}


@given(st.floats(0, 1e13))
def test_a_turn_has_at_least_one_run_and_a_bounded_number(nanoseconds):
    runs = latency.Timings(warmup=(int(nanoseconds),)).runs_a_turn()
    assert 1 <= runs <= latency.MAX_RUNS_A_TURN
    assert runs == 1 or runs * nanoseconds <= latency.TURN_NS * 1.01


def test_the_summary_has_percentiles_of_all_samples_and_the_ratio_to_the_parent():
    parent = latency.Timings(rounds=[(100, 100), (100, 100)])
    found = latency.summarize(Loaded(7, 8, None), latency.Timings((5,), [(50, 60), (70, 80)], failure="later"), parent)
    assert (found.load_ns, found.first_ns, found.warmup_ns) == (7, 8, (5,))
    assert (found.p50_ns, found.p90_ns, found.p99_ns) == pytest.approx((65, 77, 79.7))
    assert found.ratio.value == 0.65
    assert found.rounds_ns == ((50, 60), (70, 80))


def test_without_a_timed_parent_there_is_no_ratio():
    found = latency.summarize(Loaded(7, 8, None), latency.Timings((5,), [(50,)]), latency.Timings())
    assert found.ratio.value is None
    assert "not timed" in found.ratio.why
    assert latency.summarize(Loaded(7, 8, None), latency.Timings(), None) is None


@pytest.mark.parametrize(
    "wrong",
    [{"threads": 0}, {"min_runs": 0}, {"min_seconds": -1.0}, {"min_seconds": float("nan")}, {"cpus": (-1,)}],
)
def test_options_out_of_range_are_refused(wrong):
    from hemotk.errors import HemotkError

    with pytest.raises(HemotkError, match="must be"):
        dataclasses.replace(BenchConfig(), **wrong)

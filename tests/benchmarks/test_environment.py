import os

import pytest

from hemotk.artifacts import Estimate, Latency, VariantResult
from hemotk.benchmarks import environment
from hemotk.benchmarks.environment import Snapshot
from hemotk.errors import HemotkError
from hemotk.runtime import Runtime

QUIET = Snapshot(0.1, 2600.0)


def timed(kind, p50, p90):
    latency = Latency(1, 1, (1,), ((1,),), p50, p90, p90, Estimate(1.0))
    return VariantResult(kind, f"{kind}.tflite", "0", 1, "", (), None, None, None, latency, None, None)


@pytest.mark.parametrize(
    ("before", "after", "variants", "threads", "words"),
    [
        (QUIET, QUIET, [timed("int8", 100.0, 110.0)], 1, []),
        (Snapshot(None, None), Snapshot(None, None), [], 2, []),
        (Snapshot(0.5, None), QUIET, [], 1, []),
        (Snapshot(1.3, None), QUIET, [], 1, ["2 cores already had a load of 1.3"]),
        (QUIET, Snapshot(9.0, 2600.0), [], 1, []),
        (QUIET, Snapshot(0.1, 1800.0), [], 1, ["from 2600 to 1800 MHz"]),
        (QUIET, QUIET, [timed("int8", 100.0, 150.0)], 1, ["runs of int8 took 1.50 times"]),
        (QUIET, QUIET, [], 3, ["3 threads share 2 cores"]),
        (Snapshot(4.0, 1.0), QUIET, [timed("fp16", 1.0, 9.0)], 4, ["load of 4.0", "MHz", "fp16", "4 threads"]),
    ],
)
def test_noise_is_called_noise(before, after, variants, threads, words):
    found = environment.warnings(before, after, variants, 2, threads)
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert word in sentence


def test_the_facts_name_machine_runtime_and_versions():
    found = environment.surroundings(Runtime("ai_edge_litert", "9.9", None), QUIET, [], 1).facts
    assert (found["runtime"], found["runtime_version"]) == ("ai_edge_litert", "9.9")
    assert found["before"] == {"load": 0.1, "mhz": 2600.0}
    assert {"hemotk", "python", "numpy"} <= set(found["versions"])


def test_the_clock_rate_is_the_mean_of_what_the_cores_say(tmp_path, monkeypatch):
    for core, kilohertz in enumerate((2_000_000, 3_000_000)):
        folder = tmp_path / f"cpu{core}" / "cpufreq"
        folder.mkdir(parents=True)
        (folder / "scaling_cur_freq").write_text(f"{kilohertz}\n")
    monkeypatch.setattr(environment, "CPU_FOLDER", tmp_path)
    assert environment.snapshot().mhz == 2500.0


def test_a_system_that_says_nothing_gives_none(monkeypatch):
    def unknown():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", unknown)
    monkeypatch.setattr(environment, "_mhz", lambda: None)
    assert environment.snapshot() == Snapshot(None, None)


def test_a_system_that_cannot_pin_says_so(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    environment.check_cpus(())
    with pytest.raises(HemotkError, match="cannot pin"):
        environment.check_cpus((0,))

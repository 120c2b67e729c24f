import os
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from hemotk.artifacts import HERE, Device, Estimate, Latency, RowSource, VariantResult
from hemotk.benchmarks.measure import machine as environment
from hemotk.benchmarks.measure.machine import Room, Snapshot
from hemotk.errors import HemotkError
from hemotk.tflite.runtime import Runtime

QUIET = Snapshot(load=0.1, mhz=2600.0, celsius=50.0, throttled=7, busy=100.0, own=20.0, clock=1000.0)
LATER = replace(QUIET, busy=115.0, own=34.0, clock=1020.0)  # 15 s of work, 14 of them ours, in 20 s
SILENT = Snapshot()


def timed(kind, p50, p90, rounds=((100,),), bundle="one"):
    latency = Latency(1, 1, (1,), rounds, p50, p90, p90, Estimate(1.0))
    return VariantResult(bundle, HERE, kind, f"{kind}.tflite", "0", 1, latency=latency)


DRIFTING = tuple((90 + 4 * number,) for number in range(9))


@pytest.mark.parametrize(
    ("before", "after", "variants", "threads", "words"),
    [
        (QUIET, LATER, [timed("int8", 100.0, 110.0)], 1, []),
        (SILENT, SILENT, [], 2, []),
        (Snapshot(load=0.5), SILENT, [], 1, []),
        (Snapshot(load=1.3), SILENT, [], 1, ["2 cores already had a load of 1.3"]),
        (SILENT, Snapshot(load=9.0), [], 1, []),
        (replace(QUIET, load=9.0), LATER, [], 1, []),
        (QUIET, replace(LATER, busy=120.0), [], 1, ["other processes used 0.3 of 2 cores"]),
        (QUIET, replace(LATER, busy=None), [], 1, []),
        (QUIET, replace(LATER, mhz=1800.0), [], 1, ["from 2600 to 1800 MHz"]),
        (QUIET, replace(LATER, celsius=91.4), [], 1, ["shows 91 °C"]),
        (QUIET, replace(LATER, throttled=9), [], 1, ["throttled 2 times"]),
        (QUIET, LATER, [timed("int8", 100.0, 150.0)], 1, ["runs of int8 took 1.50 times"]),
        (
            QUIET,
            LATER,
            [timed("int8", 106.0, 120.0, DRIFTING)],
            1,
            ["rounds of int8 differ: their medians"],
        ),
        (QUIET, LATER, [timed("int8", 106.0, 120.0, DRIFTING[:4])], 1, []),
        (QUIET, LATER, [timed("int8", 100.0, 101.0, ((100,),) * 9 + ((200,),))], 1, []),
        (QUIET, LATER, [timed("int8", 1.0, 2.0), timed("int8", 1.0, 1.0, bundle="b")], 1, ["runs of one int8 took"]),
        (QUIET, LATER, [], 3, ["3 threads share 2 cores"]),
        (Snapshot(load=4.0, mhz=1.0), QUIET, [timed("fp16", 1.0, 9.0)], 4, ["load", "MHz", "fp16", "4 threads"]),
    ],
)
def test_noise_is_called_noise(before, after, variants, threads, words):
    found = environment.warnings(before, after, variants, Room(2, 2, threads))
    assert len(found) == len(words)
    for sentence, word in zip(found, words, strict=True):
        assert word in sentence


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (None, None, []),
        (0, 0, []),
        (1, 1, []),
        (1, 0, []),
        (None, 1, []),
        (0, 1, ["the thermal status of Phone went from none to light"]),
        (2, 2, ["the thermal status of Phone was moderate"]),
        (3, 1, ["the thermal status of Phone was severe"]),
        (None, 2, ["the thermal status of Phone was moderate"]),
    ],
)
def test_a_hot_device_is_called_hot(before, after, words):
    device = Device("Maker", "Phone", "", "Android 14", "arm64-v8a", 8, before, after)
    assert list(environment.device_warnings([RowSource("Phone", {}, device)], [])) == words


def test_noise_of_a_device_is_called_noise_with_its_name():
    device = RowSource("Phone", {}, Device("Maker", "Phone", "", "Android 14", "arm64-v8a", 8))
    noisy = timed("int8", 106.0, 120.0, DRIFTING)
    (found,) = environment.device_warnings([RowSource(HERE, {}), device], [noisy, replace(noisy, source="Phone")])
    assert found.startswith("the rounds of one int8 on Phone differ")


def test_threads_are_held_against_the_cores_that_workers_are_pinned_to():
    runtime = Runtime("ai_edge_litert", "9.9", None)
    assert "2 threads share 1 cores" in environment.surroundings(runtime, SILENT, [], 2, cpus=(0,)).warnings


def test_what_others_use_is_what_is_neither_ours_nor_idle():
    assert environment.others(QUIET, LATER) == pytest.approx(1 / 20)
    assert environment.others(QUIET, replace(LATER, own=40.0)) == 0.0
    assert environment.others(QUIET, QUIET) is None
    assert environment.others(SILENT, LATER) is None


def test_the_facts_name_machine_runtime_and_versions():
    found = environment.surroundings(Runtime("ai_edge_litert", "9.9", None), QUIET, [], 1).facts
    assert (found["runtime"], found["runtime_version"]) == ("ai_edge_litert", "9.9")
    assert found["before"] == asdict(QUIET)
    assert {"hemotk", "python", "numpy"} <= set(found["versions"])
    assert found["after"]["clock"] > 0


@pytest.fixture
def system(tmp_path, monkeypatch):
    """Write files of the system by their names."""
    monkeypatch.setattr(environment, "CPU_FOLDER", tmp_path / "cpu")
    monkeypatch.setattr(environment, "THERMAL_FOLDER", tmp_path / "thermal")
    monkeypatch.setattr(environment, "GROUP_FILES", (tmp_path / "group",))
    monkeypatch.setattr(environment, "PROCESSORS", tmp_path / "stat")

    def write(**files):
        for name, content in files.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)

    return write


def test_the_clock_rate_is_that_of_the_fastest_core(system):
    system(cpu__cpu0__cpufreq__scaling_cur_freq="2000000\n", cpu__cpu1__cpufreq__scaling_cur_freq="3000000\n")
    assert environment.snapshot().mhz == 3000.0


def test_the_temperature_is_that_of_the_warmest_sensor_that_works(system):
    assert environment.snapshot().celsius is None
    system(thermal__thermal_zone0__temp="41000", thermal__thermal_zone1__temp="67500\n")
    system(thermal__thermal_zone2__temp="-273000", thermal__thermal_zone3__temp="broken")
    assert environment.snapshot().celsius == 67.5


def test_throttling_is_counted_for_heat_and_for_quotas(system):
    assert environment.snapshot().throttled is None
    system(cpu__cpu0__thermal_throttle__core_throttle_count="2", cpu__cpu1__thermal_throttle__core_throttle_count="3")
    assert environment.snapshot().throttled == 5
    system(group="usage_usec 12\nnr_periods 4\nnr_throttled 40\n")
    assert environment.snapshot().throttled == 45


def test_work_is_that_of_the_usable_cores_without_idling(system, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 2}, raising=False)
    monkeypatch.setattr(os, "sysconf", lambda name: 100)
    rows = ["cpu  9 9 9 9 9 9 9 9 9 9", *(f"cpu{core} 100 20 30 5000 400 1 2 47 90 9" for core in range(3)), "intr 7"]
    system(stat="\n".join(rows))
    assert environment.snapshot().busy == 2 * (100 + 20 + 30 + 1 + 2 + 47) / 100


def test_the_work_of_ended_processes_is_our_own():
    before = environment.snapshot()
    subprocess.run([sys.executable, "-c", "import time\nwhile time.process_time() < 0.3: pass"], check=True)
    assert environment.snapshot().own - before.own > 0.3


def test_a_system_that_says_nothing_gives_none(system, monkeypatch):
    def unknown():
        raise OSError

    monkeypatch.setattr(os, "getloadavg", unknown)
    monkeypatch.setattr(environment, "_mhz", lambda: None)
    found = environment.snapshot()
    assert (found.load, found.mhz, found.celsius, found.throttled, found.busy) == (None,) * 5


def test_a_system_that_cannot_pin_says_so(monkeypatch):
    monkeypatch.delattr(os, "sched_setaffinity", raising=False)
    environment.check_cpus(())
    with pytest.raises(HemotkError, match="cannot pin"):
        environment.check_cpus((0,))

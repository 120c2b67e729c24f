"""A bench on a phone, with an `adb` that answers as recorded ones do and keeps the phone's files in a folder."""

import dataclasses
import json
import os
import sys
from typing import Any

import pytest
from names_search import found_names
from written_artefacts import write_bundle

from hemotk.artifacts import BUNDLE_CARD, TESTSET_CARD, BundleCard, CalibrationItem, TestItem, TestSetCard
from hemotk.benchmarks.measure.adb import AdbConfig, bench_on_phone
from hemotk.cli.main import run
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.store.bundle import open_with_testset

FAKE = '''#!{python} -IS
"""What a phone's adb does with the commands of a bench; PHONE holds its files, CALLS gets every command."""
import glob, json, os, pathlib, shutil, sys

phone, answers = pathlib.Path(os.environ["PHONE"]), json.loads(os.environ["ANSWERS"])
arguments = sys.argv[1:]
with open(os.environ["CALLS"], "a") as calls:
    calls.write(json.dumps(arguments) + "\\n")
if arguments[0] == "-s":
    arguments = arguments[2:]


def at(path):
    return phone / path.lstrip("/")


def start(words):
    extras = {{words[i + 1]: words[i + 2] for i, word in enumerate(words) if word in ("--ei", "--es", "--ef")}}
    folder = at("/sdcard/Android/data/org.hemotk.app/files")
    folder.mkdir(parents=True, exist_ok=True)
    pushed = at(extras["bundle"])
    assert (pushed / "bundle/bundle.json").is_file() and (pushed / "testset/images.npy").is_file()
    (phone / "listing.json").write_text(json.dumps(sorted(str(p.relative_to(pushed)) for p in pushed.rglob("*.*"))))
    shutil.copytree(pushed, phone.with_name("seen"), dirs_exist_ok=True)
    for ending, text in answers["results"].items():
        if "alone" in extras and ending == "json" and answers["alone"]:
            name = extras["alone"]
            model = {{**answers["alone"]["models"][0], "file": name, "peak_memory_bytes": len(name)}}
            text = json.dumps({{**answers["alone"], "models": [model]}})
        (folder / f"bench-{{extras['token']}}.{{ending}}").write_text(text)
    print(answers["start"])


match arguments:
    case ["devices"]:
        print("List of devices attached")
        for line in answers["devices"]:
            print(line)
    case ["push", source, target]:
        if answers["full"]:
            sys.exit("adb: error: failed to copy: No space left on device")
        shutil.copyfile(source, at(target))
    case ["pull", source, target]:
        shutil.copyfile(at(source), target)
    case ["shell", "pm", "path", _]:
        print(answers["app"])
        sys.exit(not answers["app"])
    case ["shell", "mkdir", "-p", *folders]:
        for folder in folders:
            at(folder).mkdir(parents=True)
    case ["shell", "chmod", *_]:
        pass
    case ["shell", "am", "force-stop", _]:
        pass
    case ["shell", "am", "start", *words]:
        start(words)
    case ["shell", "ls", pattern]:
        found = glob.glob(str(at(pattern)))
        print(*("/" + str(pathlib.Path(path).relative_to(phone)) for path in found), sep="\\n")
        sys.exit(not found)
    case ["shell", "cat", path]:
        print(at(path).read_text())
    case ["shell", "rm", "-rf", folder]:
        shutil.rmtree(at(folder), ignore_errors=True)
    case ["shell", "rm", "-f", *files]:
        for file in files:
            at(file).unlink(missing_ok=True)
    case _:
        sys.exit(f"adb: unknown command {{arguments[0]}}")
'''

RESULT: dict[str, Any] = {
    "schema": "hemotk.device-bench/1",
    "created": "2026-01-01T00:00:00+00:00",
    "app": "org.hemotk.app 1",
    "device": {"maker": "a", "model": "b", "soc": "", "system": "Android 14 (API 34)", "abi": "arm64-v8a", "cores": 8},
    "runtime": "org.tensorflow.lite.Interpreter",
    "runtime_version": "2.3.0",
    "delegate": "xnnpack",
    "threads": 2,
    "models": [
        {
            "file": "int8.tflite", "sha256": "0" * 64, "failure": "", "load_ns": 1, "first_ns": 2, "warmup_ns": [3],
            "rounds_ns": [[4, 5]], "peak_memory_bytes": None, "images": [],
        }
    ],
}  # fmt: skip
GOOD = {
    "devices": ["0123ABC\tdevice"],
    "app": "package:/data/app/org.hemotk.app/base.apk",
    "start": "Starting: Intent { cmp=org.hemotk.app/.BenchActivity (has extras) }\nStatus: ok",
    "full": False,
    "alone": RESULT,
    "results": {"json": json.dumps(RESULT)},
}


@pytest.fixture
def bundle(tmp_path):
    return write_bundle(tmp_path / "bundles/first")


@pytest.fixture
def phone(tmp_path, monkeypatch):
    """A connected phone: call it with changed answers."""
    tools, folder = tmp_path / "tools", tmp_path / "phone"
    tools.mkdir()
    folder.mkdir()
    (tools / "adb").write_text(FAKE.format(python=sys.executable))
    (tools / "adb").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PHONE", str(folder))
    monkeypatch.setenv("CALLS", str(tmp_path / "calls"))

    def answer(**changes):
        monkeypatch.setenv("ANSWERS", json.dumps({**GOOD, **changes}))
        return folder

    answer()
    return answer


def calls(tmp_path):
    return [json.loads(line) for line in (tmp_path / "calls").read_text().splitlines()]


def started(tmp_path):
    """The commands that started the app, in their order."""
    return [call for call in calls(tmp_path) if call[:3] == ["shell", "am", "start"]]


def left(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "listing.json"]


def test_pushes_starts_waits_pulls_and_tidies_up(bundle, phone, tmp_path):
    found = bench_on_phone(open_with_testset(bundle), AdbConfig(warmup=3, runs=20, threads=2))
    assert found.device.system == "Android 14 (API 34)"
    assert found.models[0].rounds_ns == ((4, 5),)
    pushed = json.loads((phone() / "listing.json").read_text())
    models = ["bundle/float32.tflite", "bundle/int8.tflite"]
    assert pushed == ["bundle/bundle.json", *models, "testset/images.npy", "testset/testset.json"]
    *_, start = started(tmp_path)
    assert start[6:15] == ["--ei", "warmup", "3", "--ei", "runs", "20", "--ei", "threads", "2"]
    assert not {"alone", "seconds"} & {*start}
    assert left(phone()) == []


def test_each_model_runs_once_in_a_process_of_its_own_for_its_memory(bundle, phone, tmp_path):
    found = bench_on_phone(open_with_testset(bundle), AdbConfig(warmup=3, runs=20, seconds=1e-9))
    assert [model.peak_memory_bytes for model in found.models] == [len("int8.tflite")]
    steps = [call[2] for call in calls(tmp_path) if call[:2] == ["shell", "am"]]
    assert steps == ["force-stop", "start"] * 3
    alone = [start[start.index("alone") + 1] for start in started(tmp_path)[:2]]
    assert alone == ["float32.tflite", "int8.tflite"]
    assert all(start[6:12] == ["--ei", "warmup", "0", "--ei", "runs", "1"] for start in started(tmp_path)[:2])
    assert started(tmp_path)[2][-3:] == ["--ef", "seconds", "1e-09"]


def test_an_app_that_knows_nothing_of_memory_gives_none(bundle, phone):
    phone(alone=None)
    assert bench_on_phone(open_with_testset(bundle)).models[0].peak_memory_bytes is None


def test_an_app_that_does_not_time_as_long_as_asked_is_refused(bundle, phone):
    with pytest.raises(HemotkError, match=r"int8.tflite for 0.0 s where min_seconds asks for 2; its app is older"):
        bench_on_phone(open_with_testset(bundle), AdbConfig(seconds=2.0))
    with pytest.raises(HemotkError, match="at most 3600 s"):
        AdbConfig(seconds=4000.0)


def test_what_is_pushed_names_no_picture_and_no_label(bundle, phone, tmp_path):
    testset = bundle.with_name("first.testset")
    items = tuple(TestItem(f"Mueller_Annegret/{row}.png", row % 2, "Annegret") for row in range(5))
    dataclasses.replace(TestSetCard.read(testset / TESTSET_CARD), items=items).write(testset / TESTSET_CARD)
    named = (CalibrationItem("Kemal/1.png", "a" * 64, 1),)
    card = dataclasses.replace(BundleCard.read(bundle / BUNDLE_CARD), calibration=named)
    dataclasses.replace(card, testset=sha256_file(testset / TESTSET_CARD)).write(bundle / BUNDLE_CARD)
    names = ("Mueller", "Annegret", "Kemal", tmp_path.name)
    assert found_names(bundle.parent, names) == {"Mueller", "Annegret", "Kemal"}
    bench_on_phone(open_with_testset(bundle))
    assert found_names(tmp_path / "seen", names) == set()
    pushed = json.loads((tmp_path / "seen/testset" / TESTSET_CARD).read_text())
    assert pushed["items"] == [{"id": str(row)} for row in range(5)]
    card = BundleCard.read(tmp_path / "seen/bundle" / BUNDLE_CARD)
    assert card.testset == sha256_file(tmp_path / "seen/testset" / TESTSET_CARD)
    assert card.calibrated.sha256 == ("a" * 64,)


def test_a_phone_can_be_named(bundle, phone, tmp_path):
    phone(devices=["0123ABC\tdevice", "emulator-5554\tdevice"])
    bench_on_phone(open_with_testset(bundle), AdbConfig(serial="emulator-5554"))
    assert all(call[:2] == ["-s", "emulator-5554"] for call in calls(tmp_path))


def test_waits_until_the_file_is_there(bundle, phone, tmp_path):
    folder = phone(results={})
    waits = []

    def sleep(seconds):
        waits.append(seconds)
        if len(waits) == 3:
            (start, *_) = started(tmp_path)
            token = start[start.index("token") + 1]
            results = folder / "sdcard/Android/data/org.hemotk.app/files"
            (results / f"bench-{token}.json").write_text(json.dumps(RESULT))

    with pytest.raises(HemotkError, match="was not done after 5 s"):  # the second model's file never comes
        bench_on_phone(open_with_testset(bundle), AdbConfig(poll=0.5, patience=5.0), sleep)
    assert waits == [0.5] * 13


@pytest.mark.parametrize(
    ("answers", "config", "sentence"),
    [
        ({"devices": []}, {}, "there is no phone; connect it"),
        ({"devices": ["a\tdevice", "b\tdevice"]}, {}, "there are several phones (a, b); name one with serial"),
        ({}, {"serial": "other"}, "there is no phone 'other'"),
        ({"devices": ["a\tunauthorized"]}, {}, "the phone a is unauthorized; unlock it"),
        ({"app": ""}, {}, "the app org.hemotk.app is not on the phone"),
        ({"full": True}, {}, "adb push: adb: error: failed to copy: No space left on device"),
        ({"start": "Starting: …\nError type 3\nError: no such class.", "results": {}}, {}, "bench did not start"),
        ({"results": {"error": "images.npy is not the recorded one.\n"}}, {}, "images.npy is not the recorded one; "),
        ({"results": {"json": "{"}}, {}, "is no JSON"),
        ({"results": {}}, {"patience": 4.0}, "the bench was not done after 4 s"),
    ],
)
def test_what_goes_wrong_is_said_and_nothing_stays_on_the_phone(bundle, phone, answers, config, sentence):
    folder = phone(**answers)
    with pytest.raises(HemotkError) as error:
        bench_on_phone(open_with_testset(bundle), AdbConfig(**config), sleep=lambda _: None)
    assert sentence in str(error.value)
    assert left(folder) == []


def test_without_adb_it_says_what_to_install(bundle, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(HemotkError, match="adb: is not on the PATH"):
        bench_on_phone(open_with_testset(bundle))


def test_the_command_puts_the_phone_beside_this_machine(bundle, phone, tmp_path, capsys):
    sha256 = open_with_testset(bundle).card.variant("int8").sha256
    result = {**RESULT, "models": [{**RESULT["models"][0], "sha256": sha256, "failure": "it grew too hot"}]}
    phone(results={"json": json.dumps(result)})
    options = ["--min-runs", "7", "--min-seconds", "0", "--threads", "2"]
    assert run(["bench", str(bundle), "--device", "adb", *options, "--json", str(tmp_path / "bench.json")]) == 1
    report = json.loads((tmp_path / "bench.json").read_text())
    assert [source["name"] for source in report["sources"]][1:] == ["a b"]
    assert "it grew too hot" in [row["failure"] for row in report["variants"]]
    *_, start = started(tmp_path)
    assert start[9:15] == ["--ei", "runs", "7", "--ei", "threads", "2"]


@pytest.mark.parametrize("options", [["--serial", "a"], ["--device", "adb", "--images", "."]])
def test_options_that_do_not_go_together(bundle, options, capsys):
    assert run(["bench", str(bundle), *options]) == 2
    assert options[0] in capsys.readouterr().err

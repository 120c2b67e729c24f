"""A bench on a phone that is connected by adb: push a bundle, start the app's bench, wait, pull the result."""

import re
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from hemotk.artifacts import BUNDLE_CARD, TESTSET_CARD, TESTSET_IMAGES, DeviceBench, DeviceModel, require
from hemotk.errors import HemotkError
from hemotk.store.bundle import StoredBundle
from hemotk.store.cards import card_of_testset

APP = "org.hemotk.app"
# Its classes keep their names, whatever the app's id.
_ACTIVITY = "org.hemotk.app.BenchActivity"
# An app may read here, and only the shell may write.
PUSHED = "/data/local/tmp"
# The app can run models whose input is of this type.
RUNS = ("uint8", "float32")
# The app takes no longer for one model.
MOST_SECONDS = 3600.0

_COMMAND_SECONDS = 600.0


@dataclass(frozen=True)
class AdbConfig:
    """The settings for benching on a phone: untimed inferences, timed ones, threads; and seconds to wait for the end.

    A model is timed `runs` times and `seconds` seconds, whichever is longer.

    `application_id` is the app's, as `hemotk android` was told it. `serial` names the phone, as `adb devices` lists it;
    None is for the only one.
    """

    serial: str | None = None
    warmup: int = 10
    runs: int = 50
    seconds: float = 0.0
    threads: int = 1
    patience: float = 1800.0
    poll: float = 2.0
    application_id: str = APP

    @property
    def results(self) -> str:
        """The folder on the phone where the app writes."""
        return f"/sdcard/Android/data/{self.application_id}/files"

    def __post_init__(self) -> None:
        require(self.warmup >= 0, "warmup", "at least 0")
        require(self.runs >= 1, "runs", "at least 1")
        require(self.threads >= 1, "threads", "at least 1")
        if not 0 <= self.seconds <= MOST_SECONDS:
            raise HemotkError(
                f"‹min_seconds› {self.seconds:g}: a phone times a model for at most {MOST_SECONDS:.0f} s; ask for less."
            )


def bench_on_phone(
    bundle: StoredBundle, config: AdbConfig | None = None, sleep: Callable[[float], None] = time.sleep
) -> DeviceBench:
    """Bench every model of `bundle` that the app can run, on the phone, on the test split.

    Before that each model runs once in a process of its own, for its memory: the app is stopped for it. The pushed
    files are removed from the phone in any case.

    Raises:
        HemotkError: no adb, no phone or several, no app on it, the app refused or did not come to an end, its file
            cannot be read, or it did not time as long as asked.
    """
    config = AdbConfig() if config is None else config
    adb = _Adb(config.serial)
    adb.check_phone()
    adb.check_app(config.application_id)
    files = _files(bundle)
    patient = replace(config, patience=config.patience + 2 * len(files) * config.seconds)
    with _pushed(adb, bundle, secrets.token_hex(8)) as place:
        memory = {file: _memory(adb, place, file, config, sleep) for file in files}
        adb.stop(config.application_id)
        found = _benched(adb, place, patient, sleep)
    _check_seconds(found, config)
    return replace(found, models=tuple(replace(each, peak_memory_bytes=memory.get(each.file)) for each in found.models))


def _files(bundle: StoredBundle) -> list[str]:
    """The names of the models that the app can run."""
    return [variant.file for variant in bundle.card.variants if variant.input.dtype in RUNS]


def _benched(
    adb: "_Adb", place: str, config: AdbConfig, sleep: Callable[[float], None], alone: str = ""
) -> DeviceBench:
    """One bench of the app, of what lies at `place`; with the name of a model, of this one alone and without scores."""
    token = secrets.token_hex(8)
    adb.start(place, token, config, alone)
    return _result(adb, token, config, sleep)


def _memory(adb: "_Adb", place: str, file: str, config: AdbConfig, sleep: Callable[[float], None]) -> int | None:
    """The most memory that a process of the app held which ran this model alone, once; None where it does not say."""
    adb.stop(config.application_id)
    once = replace(config, warmup=0, runs=1, seconds=0.0)
    models = _benched(adb, place, once, sleep, file).models
    # An app from before this was asked for benches all models, and its process held them all.
    return models[0].peak_memory_bytes if [model.file for model in models] == [file] else None


def _check_seconds(found: DeviceBench, config: AdbConfig) -> None:
    """Refuse times of an app that does not know how long it was to time."""
    for model in found.models:
        timed = _timed(model)
        if not model.failure and timed < config.seconds:
            raise HemotkError(
                f"the phone: timed {model.file} for {timed:.1f} s where ‹min_seconds› asks for {config.seconds:g}; "
                "its app is older than this: make it again with `hemotk android`, or set ‹min_seconds› to 0."
            )


def _timed(model: DeviceModel) -> float:
    """Seconds of timed inferences."""
    return sum(time for samples in model.rounds_ns for time in samples) / 1e9


class _Adb:
    """The `adb` of the PATH, talking to one phone."""

    def __init__(self, serial: str | None) -> None:
        program = shutil.which("adb")
        if program is None:
            raise HemotkError("adb: is not on the PATH; install Android's platform tools.")
        self._command = [program, *(() if serial is None else ("-s", serial))]
        self._serial = serial

    def __call__(self, *arguments: str) -> str:
        """Run adb and return its output.

        Raises:
            HemotkError: it failed, or took longer than ten minutes.
        """
        code, output = self.attempt(*arguments)
        if code:
            raise HemotkError(f"adb {arguments[0]}: {_last_line(output)}; check the cable and the phone's screen.")
        return output

    def attempt(self, *arguments: str) -> tuple[int, str]:
        """Exit code and all output."""
        try:
            done = subprocess.run(
                [*self._command, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                timeout=_COMMAND_SECONDS,
                check=False,
            )
        except (subprocess.TimeoutExpired, OSError) as error:
            raise HemotkError(f"adb {arguments[0]}: gives no answer; unplug the phone and plug it in again.") from error
        return done.returncode, done.stdout

    def check_phone(self) -> None:
        """Refuse to guess where there is not exactly one phone that lets us in."""
        lines = [line.split("\t") for line in self("devices").splitlines() if "\t" in line]
        phones = {line[0]: line[1].strip() for line in lines}
        if self._serial is None and len(phones) > 1:
            raise HemotkError(f"adb: there are several phones ({', '.join(sorted(phones))}); name one with ‹serial›.")
        wanted = self._serial if self._serial is not None else next(iter(phones), "")
        state = phones.get(wanted)
        if state is None:
            named = f" '{wanted}'" if wanted else ""
            raise HemotkError(f"adb: there is no phone{named}; connect it and allow USB debugging.")
        if state != "device":
            raise HemotkError(f"adb: the phone {wanted} is {state}; unlock it and allow USB debugging.")

    def check_app(self, app: str) -> None:
        """The app must be on the phone already."""
        code, output = self.attempt("shell", "pm", "path", app)
        if code or not output.startswith("package:"):
            raise HemotkError(
                f"adb: the app {app} is not on the phone; make it with `hemotk android` and run `adb install`."
            )

    def stop(self, app: str) -> None:
        """End the app's process: the next start begins a new one."""
        self("shell", "am", "force-stop", app)

    def start(self, place: str, token: str, config: AdbConfig, alone: str = "") -> None:
        """Start the app's bench, of all models or of the one `alone`."""
        extras = ["--ei", "warmup", str(config.warmup), "--ei", "runs", str(config.runs)]
        extras += ["--ei", "threads", str(config.threads), "--es", "bundle", place, "--es", "token", token]
        extras += ["--ef", "seconds", f"{config.seconds:g}"] if config.seconds else []
        extras += ["--es", "alone", alone] if alone else []
        output = self("shell", "am", "start", "-W", "-n", f"{config.application_id}/{_ACTIVITY}", *extras)
        # `am` ends with 0 whatever happens.
        if re.search(r"^Error", output, re.MULTILINE):
            raise HemotkError(f"adb: the bench did not start ({_last_line(output)}); install the app again.")


@contextmanager
def _pushed(adb: _Adb, bundle: StoredBundle, token: str) -> Iterator[str]:
    """Lay bundle and test split on the phone: the folder's path there. No card on it names a file or a person."""
    place = f"{PUSHED}/hemotk-{token}"
    files = {
        bundle.path(variant): f"bundle/{variant.file}"
        for variant in bundle.card.variants
        if variant.input.dtype in RUNS
    }
    files[bundle.images] = f"testset/{TESTSET_IMAGES}"
    testset = card_of_testset(bundle.images.parent).nameless()
    card = replace(bundle.card.nameless(), testset=testset.sha256())
    try:
        adb("shell", "mkdir", "-p", f"{place}/bundle", f"{place}/testset")
        with tempfile.TemporaryDirectory() as folder:
            cards = Path(folder)
            card.write(cards / BUNDLE_CARD)
            testset.write(cards / TESTSET_CARD)
            files |= {cards / BUNDLE_CARD: f"bundle/{BUNDLE_CARD}", cards / TESTSET_CARD: f"testset/{TESTSET_CARD}"}
            for path, name in files.items():
                adb("push", str(path), f"{place}/{name}")
        adb("shell", "chmod", "-R", "a+rX", place)
        yield place
    finally:
        adb.attempt("shell", "rm", "-rf", place)


def _result(adb: _Adb, token: str, config: AdbConfig, sleep: Callable[[float], None]) -> DeviceBench:
    """Wait for the app's file, which appears whole, and read it."""
    done, failed = f"{config.results}/bench-{token}.json", f"{config.results}/bench-{token}.error"
    waited = 0.0
    try:
        while True:
            # The pattern is the phone's shell's to fill; no file at all is no error here.
            present = adb.attempt("shell", "ls", f"{config.results}/bench-{token}.*")[1].split()
            if failed in present:
                raise HemotkError(
                    f"the phone: {adb('shell', 'cat', failed).strip().rstrip('.')}; see the app's screen."
                )
            if done in present:
                return _pull(adb, done)
            if waited >= config.patience:
                raise HemotkError(
                    f"the phone: the bench was not done after {config.patience:.0f} s; keep the screen on, or ask for "
                    "fewer runs."
                )
            sleep(config.poll)
            waited += config.poll
    finally:
        adb.attempt("shell", "rm", "-f", done, failed)


def _pull(adb: _Adb, path: str) -> DeviceBench:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "device.json"
        adb("pull", path, str(file))
        return DeviceBench.read(file)


def _last_line(output: str) -> str:
    lines = output.strip().splitlines()
    return lines[-1].strip().rstrip(".") if lines else "failed without a word"

"""`device.json`: a bench of some models on a device, written there, for `hemotk bench --import`."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from hemotk.artifacts.codec import Artifact, require

# The meaning of Android's PowerManager.getCurrentThermalStatus(), by its value.
THERMAL = ("none", "light", "moderate", "severe", "critical", "emergency", "shutdown")
_DIGITS = frozenset("0123456789abcdef")


@dataclass(frozen=True)
class Device:
    """The device, as it says of itself.

    Attributes:
        maker: who made it (Android: Build.MANUFACTURER), never empty.
        model: which one it is (Build.MODEL), never empty.
        soc: its system on a chip (Build.SOC_MANUFACTURER and Build.SOC_MODEL), empty where unknown.
        system: operating system and its version, such as "Android 14 (API 34)".
        abi: the instruction set that the interpreter was built for, such as "arm64-v8a".
        cores: processors that the system shows (Runtime.availableProcessors()).
        thermal_before: thermal status when the bench began, a place in `THERMAL`; None where the system does not say.
        thermal_after: the same when it ended.
        foreground: whether the app was in the foreground whenever it looked during the bench; None where unknown.
        power_save: whether power saving was on at the beginning or at the end; None where unknown.
        charging: whether the device was charging, or full on a charger, at the end; None where unknown.
    """

    LATER: ClassVar[tuple[str, ...]] = ("foreground", "power_save", "charging")

    maker: str
    model: str
    soc: str
    system: str
    abi: str
    cores: int
    thermal_before: int | None = None
    thermal_after: int | None = None
    foreground: bool | None = None
    power_save: bool | None = None
    charging: bool | None = None

    def __post_init__(self) -> None:
        require(bool(self.maker.strip()), "maker", "not empty")
        require(bool(self.model.strip()), "model", "not empty")
        require(self.cores >= 1, "cores", "at least 1")
        for field in ("thermal_before", "thermal_after"):
            status = getattr(self, field)
            require(status is None or 0 <= status < len(THERMAL), field, f"0 to {len(THERMAL) - 1}, or null")


@dataclass(frozen=True)
class DeviceImage:
    """The outputs of one model for one image.

    Attributes:
        id: the number of the image, its row in images.npy, in decimal digits: the file names nobody. In older files
            it may be the image's id in the test split's card (field `items` of testset.json).
        input_sha256: SHA-256 of the size·size pixel bytes (uint8, row by row) that the network saw, 64 lower-case
            hexadecimal digits: that row of images.npy, before any conversion to the input's type.
        logit: the bytes of the output `logit` as the tensor holds them, little-endian, in lower-case hexadecimal
            digits: 2 digits for uint8 and int8, 4 for int16, 8 for float32.
        probability: the same of the output `probability`.
    """

    id: str
    input_sha256: str
    logit: str
    probability: str

    def __post_init__(self) -> None:
        require(_hexadecimal(self.input_sha256, 64), "input_sha256", "64 lower-case hexadecimal digits")
        for field in ("logit", "probability"):
            digits = getattr(self, field)
            require(_hexadecimal(digits, 2, 4, 8), field, "2, 4 or 8 lower-case hexadecimal digits")


@dataclass(frozen=True)
class DeviceModel:
    """One .tflite on the device; batch 1, times in nanoseconds of a monotonic clock (System.nanoTime()).

    Attributes:
        file: its file name, for the reader; the model is known by its checksum.
        sha256: SHA-256 of the file that was run, 64 lower-case hexadecimal digits.
        failure: why it could not be run to the end, one sentence without full stop; empty if it could.
        load_ns: from opening the file until the interpreter is ready (tensors allocated), None if it did not get there.
        first_ns: the first inference, None if it did not get there.
        warmup_ns: every inference after the first one and before the timed ones.
        rounds_ns: every timed inference, without conversion of the input: one list per round where the models take
            turns (the n-th round of each model is then near in time to that of the others), else one list in all.
        peak_memory_bytes: the most memory that a process held which ran this model alone, None where unknown.
        images: what it said about each image, in any order, each image once.
    """

    file: str
    sha256: str
    failure: str
    load_ns: int | None
    first_ns: int | None
    warmup_ns: tuple[int, ...]
    rounds_ns: tuple[tuple[int, ...], ...]
    peak_memory_bytes: int | None
    images: tuple[DeviceImage, ...]

    def __post_init__(self) -> None:
        require(_hexadecimal(self.sha256, 64), "sha256", "64 lower-case hexadecimal digits")
        times = [time for samples in (self.warmup_ns, *self.rounds_ns) for time in samples]
        times += [time for time in (self.load_ns, self.first_ns) if time is not None]
        require(all(time > 0 for time in times), "rounds_ns", "times above 0")
        ids = [image.id for image in self.images]
        require(len(set(ids)) == len(ids), "images", "a list in which each id stands once")


@dataclass(frozen=True)
class TriedAccelerator:
    """What became of an accelerator on the device, on the first model of the file.

    Attributes:
        delegate: its name, such as "gpu".
        outcome: "passed" (it gave the recorded results, and ran the model), "not passed", "failed", "not asked" (it is
            off there), or "ended the app" (an earlier try did, so it was not tried again).
        reason: its greatest differences, or what it failed with; one sentence without full stop, or empty.
    """

    delegate: str
    outcome: Literal["passed", "not passed", "failed", "not asked", "ended the app"]
    reason: str

    def __post_init__(self) -> None:
        require(bool(self.delegate.strip()), "delegate", "not empty")


@dataclass(frozen=True)
class DeviceBench(Artifact):
    """A bench of some models of one bundle on one device.

    Attributes:
        created: when it ended, ISO 8601 with its offset.
        app: what wrote the file, with its version.
        device: the device.
        runtime: the interpreter, such as "org.tensorflow:tensorflow-lite".
        runtime_version: its version, as it says itself.
        delegate: what ran the network: "xnnpack", "none", "gpu", "nnapi" or another delegate's name.
        threads: threads given to the interpreter.
        models: one entry per .tflite, the float parent among them if a latency ratio is to be had.
        accelerators: the accelerators that a self-check thought of, the one that ran the model among them; None where
            none was thought of, as in a bench.
    """

    SCHEMA: ClassVar[str] = "hemotk.device-bench/1"
    LATER: ClassVar[tuple[str, ...]] = ("accelerators",)

    created: str
    app: str
    device: Device
    runtime: str
    runtime_version: str
    delegate: str
    threads: int
    models: tuple[DeviceModel, ...]
    accelerators: tuple[TriedAccelerator, ...] | None = None

    def __post_init__(self) -> None:
        require(self.threads >= 1, "threads", "at least 1")
        require(bool(self.models), "models", "non-empty")
        checksums = [model.sha256 for model in self.models]
        require(len(set(checksums)) == len(checksums), "models", "a list in which each sha256 stands once")


def _hexadecimal(text: str, *lengths: int) -> bool:
    return len(text) in lengths and set(text) <= _DIGITS

"""Measurements of a device, as rows beside those measured here."""

import io
import math
import struct
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hemotk.artifacts import (
    GOLDEN_FILE,
    DeviceBench,
    DeviceImage,
    DeviceModel,
    DrawnCheck,
    RowSource,
    TensorSpec,
    Variant,
)
from hemotk.benchmarks.measure.latency import Timings
from hemotk.benchmarks.measure.rows import Row
from hemotk.benchmarks.measure.runners import Loaded
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes
from hemotk.store.bundle import StoredBundle, read_image
from hemotk.tflite.scorer import Scores

# Outputs as bundle cards name their types, little-endian.
_FORMATS = {"float32": "<f", "uint8": "<B", "int8": "<b", "int16": "<h"}


def import_devices(paths: Sequence[Path], bundles: Sequence[StoredBundle]) -> tuple[tuple[RowSource, ...], list[Row]]:
    """The devices that wrote the files `paths`, and a row for each model in them.

    Raises:
        HemotkError: a file cannot be read, has a model that is in none of the `bundles`, or has neither every image of
            the test split with the same pixel bytes nor drawn pictures of the bundle alone.
    """
    benches = [(path, DeviceBench.read(path)) for path in paths]
    names = _names(benches)
    sources = tuple(_source(name, bench) for name, (_, bench) in zip(names, benches, strict=True))
    rows = []
    for source, (path, bench) in zip(sources, benches, strict=True):
        likely = _by_models(bundles, bench)
        rows += [_row(path, model, source.name, likely) for model in bench.models]
    return sources, rows


def _by_models(bundles: Sequence[StoredBundle], bench: DeviceBench) -> list[StoredBundle]:
    """The bundle that has most of the device's models first: bundles may share a file, and a file has one parent."""
    measured = {model.sha256 for model in bench.models}
    return sorted(bundles, key=lambda bundle: -sum(variant.sha256 in measured for variant in bundle.card.variants))


def _names(benches: Sequence[tuple[Path, DeviceBench]]) -> list[str]:
    """Maker and model, and the file where one device wrote several: by its name if no other has it, else its path."""
    plain = [f"{bench.device.maker} {bench.device.model}" for _, bench in benches]
    counts, files = Counter(plain), Counter((name, path.name) for name, (path, _) in zip(plain, benches, strict=True))
    names = []
    for name, (path, _) in zip(plain, benches, strict=True):
        file = path.name if files[name, path.name] == 1 else path
        names.append(name if counts[name] == 1 else f"{name} ({file})")
    for name, count in Counter(names).items():
        if count > 1:
            raise HemotkError(f"‹imported›: the same file is given {count} times for {name}; name each file once.")
    return names


def _source(name: str, bench: DeviceBench) -> RowSource:
    facts = {
        "created": bench.created,
        "app": bench.app,
        "runtime": bench.runtime,
        "runtime_version": bench.runtime_version,
        "delegate": bench.delegate,
        "threads": bench.threads,
    }
    if bench.accelerators:
        facts["accelerators"] = ", ".join(f"{each.delegate} {each.outcome}" for each in bench.accelerators)
    return RowSource(name, facts, bench.device)


def _row(path: Path, model: DeviceModel, source: str, bundles: Sequence[StoredBundle]) -> Row:
    bundle, variant = _variant(path, model, bundles)
    loaded = None
    if model.load_ns is not None and model.first_ns is not None:
        loaded = Loaded(model.load_ns, model.first_ns, None)
    drawn = None if model.failure else _drawn(path, model, bundle, variant)
    return Row(
        bundle=bundle,
        variant=variant,
        source=source,
        loaded=loaded,
        scores=[] if model.failure or drawn else _scores(path, model, bundle, variant),
        drawn=drawn,
        timings=Timings(warmup=model.warmup_ns, rounds=[samples for samples in model.rounds_ns if samples]),
        peak_bytes=model.peak_memory_bytes,
        failure=model.failure,
    )


def _variant(path: Path, model: DeviceModel, bundles: Sequence[StoredBundle]) -> tuple[StoredBundle, Variant]:
    for bundle in bundles:
        for variant in bundle.card.variants:
            if variant.sha256 == model.sha256:
                return bundle, variant
    names = ", ".join(str(bundle.folder) for bundle in bundles)
    raise HemotkError(
        f"{path}: model '{model.file}' (SHA-256 {model.sha256[:12]}…) is none of {names}; name the bundle that the "
        "device has, or measure this one there."
    )


def _drawn(path: Path, model: DeviceModel, bundle: StoredBundle, variant: Variant) -> DrawnCheck | None:
    """What the device says of the bundle's drawn pictures; None where it ran others."""
    golden = bundle.folder / GOLDEN_FILE
    if GOLDEN_FILE not in bundle.card.files:
        return None
    arrays = np.load(io.BytesIO(golden.read_bytes()))
    places = {sha256_bytes(picture.tobytes()): place for place, picture in enumerate(arrays["pixels"])}
    if not model.images or any(image.input_sha256 not in places for image in model.images):
        return None
    wanted = arrays[f"{variant.kind}_logit"]
    outputs = {output.name: output for output in variant.outputs}
    where = f"{path}: model '{model.file}'"
    off = [
        abs(_decoded(where, image, outputs).logit - float(wanted[places[image.input_sha256]])) for image in model.images
    ]
    largest = max(off) if all(map(math.isfinite, off)) else None
    return DrawnCheck(len(off), largest, bundle.card.tolerance(variant.kind) or 0.0)


def _scores(path: Path, model: DeviceModel, bundle: StoredBundle, variant: Variant) -> list[Scores]:
    """The device's scores in the order of the test split."""
    where = f"{path}: model '{model.file}'"
    _check_pictures(where, model, bundle)
    by_id = {image.id: image for image in model.images}
    outputs = {output.name: output for output in variant.outputs}
    scores = []
    for row, item in enumerate(bundle.items):
        # Files from before pictures were numbered have their names, which may be numbers too.
        likely = [by_id[name] for name in (str(row), item.id) if name in by_id]
        if not likely:
            raise HemotkError(
                f"{where}: has no scores for image '{item.id}' of the test split ({len(model.images)} for "
                f"{len(bundle.items)} images); run all of them on the device."
            )
        pixels = sha256_bytes(read_image(bundle.images, row).tobytes())
        image = next((image for image in likely if image.input_sha256 == pixels), None)
        if image is None:
            raise HemotkError(
                f"{where}: saw other pixel bytes for image '{item.id}' than the test split has; hand the bytes of "
                "images.npy to the model unchanged, and measure again."
            )
        scores.append(_decoded(where, image, outputs))
    return scores


def _check_pictures(where: str, model: DeviceModel, bundle: StoredBundle) -> None:
    """Refuse a device that ran other pictures: their numbers alone would make them seem changed."""
    ours = {sha256_bytes(read_image(bundle.images, row).tobytes()) for row in range(len(bundle.items))}
    if model.images and ours.isdisjoint(image.input_sha256 for image in model.images):
        raise HemotkError(
            f"{where}: was run on {len(model.images)} other pictures: none is in the test split of {bundle.folder}, "
            "and they are not all its drawn ones; give the device this bundle's test set, or make its app again from "
            "this bundle."
        )


def _decoded(where: str, image: DeviceImage, outputs: Mapping[str, TensorSpec]) -> Scores:
    return Scores(
        _value(where, image.id, "logit", image.logit, outputs["logit"]),
        _value(where, image.id, "probability", image.probability, outputs["probability"]),
    )


def _value(where: str, image: str, field: str, digits: str, output: TensorSpec) -> float:
    """The real value of an output's stored bytes; computed as `Scorer.read` does, so that equal bytes are equal."""
    raw = bytes.fromhex(digits)
    if output.dtype not in _FORMATS or len(raw) != struct.calcsize(_FORMATS[output.dtype]):
        raise HemotkError(
            f"{where}, image '{image}': field '{field}' has {len(raw)} bytes where the output is {output.dtype}; write "
            "the output tensor's bytes as they are."
        )
    (stored,) = struct.unpack(_FORMATS[output.dtype], raw)
    return float(stored) if output.dtype == "float32" else output.scale * (float(stored) - output.zero_point)

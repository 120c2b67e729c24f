"""Writes what a device would have measured of a tiny bundle, from what its models say here."""

import dataclasses
import struct

import numpy as np
from converted_bundles import SPEC, draw_images

from hemotk.artifacts import Device, DeviceBench, DeviceImage, DeviceModel
from hemotk.files import sha256_bytes
from hemotk.store.bundle import open_with_testset
from hemotk.tflite.scorer import Scorer

PHONE = Device("Google", "Pixel 7", "Tensor G2", "Android 14 (API 34)", "arm64-v8a", 8, 0, 1)


def stored(value, output):
    """The bytes of an output that reads as `value`."""
    if output.dtype == "float32":
        return struct.pack("<f", value).hex()
    return struct.pack("<B", round(value / output.scale) + output.zero_point).hex()


def device_model(bundle, variant, time=1000):
    """What the device says of one variant; each of three rounds has samples of `time`, `time` + 1, `time` + 2 ns."""
    scorer, outputs = Scorer(bundle.path(variant), SPEC), {output.name: output for output in variant.outputs}
    images = []
    for row, pixels in enumerate(draw_images()[: len(bundle.items)]):
        found = scorer.score(pixels)
        logit, probability = stored(found.logit, outputs["logit"]), stored(found.probability, outputs["probability"])
        images.append(DeviceImage(str(row), sha256_bytes(np.ascontiguousarray(pixels).tobytes()), logit, probability))
    rounds = ((time, time + 1, time + 2),) * 3
    return DeviceModel(variant.file, variant.sha256, "", 5000, 2000, (1500,), rounds, 10_000_000, tuple(images))


def device_bench(folder, times=(1000, 500), kinds=("float32", "int8"), **changes):
    """A device's bench of the bundle in `folder`."""
    bundle = open_with_testset(folder)
    models = tuple(
        device_model(bundle, bundle.card.variant(kind), time) for kind, time in zip(kinds, times, strict=True)
    )
    plain = DeviceBench(
        created="2026-01-01T00:00:00+00:00",
        app="test 1",
        device=PHONE,
        runtime="org.tensorflow:tensorflow-lite",
        runtime_version="2.16.1",
        delegate="xnnpack",
        threads=1,
        models=models,
    )
    return dataclasses.replace(plain, **changes)


def edit(bench, model=0, image=None, **changes):
    """`bench` with other fields in one model, or in one image of it."""
    models = list(bench.models)
    if image is None:
        models[model] = dataclasses.replace(models[model], **changes)
    else:
        images = list(models[model].images)
        images[image] = dataclasses.replace(images[image], **changes)
        models[model] = dataclasses.replace(models[model], images=tuple(images))
    return dataclasses.replace(bench, models=tuple(models))

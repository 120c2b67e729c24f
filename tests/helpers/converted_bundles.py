"""Makes a tiny bundle with its test split: a converted float32 network, its int8 form, and spoiled ones."""

import dataclasses
import warnings

import numpy as np

from hemotk.artifacts import (
    BUNDLE_CARD,
    LABELS_FILE,
    TESTSET_CARD,
    BundleCard,
    PreprocessSpec,
    TensorSpec,
    TestItem,
    TestSetCard,
    Variant,
)
from hemotk.benchmarks.config import BenchConfig
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes, sha256_file
from hemotk.store.publish import beside_bundle, publish_bundle, publish_testset
from hemotk.tflite.facts import read_facts

SIZE = 32
COUNT = 12
SPEC = PreprocessSpec(size=SIZE)
QUICK = BenchConfig(min_runs=5, min_seconds=0.0, patience=30.0)


def draw_images():
    """Noise; every second one has a bright square, which is what the network looks for."""
    random = np.random.default_rng(1)
    images = random.integers(0, 120, (COUNT, SIZE, SIZE)).astype(np.uint8)
    for row in range(1, COUNT, 2):
        images[row, 8:20, 8:20] = random.integers(180, 256, (12, 12))
    return images


def convert():
    """name → bytes of a .tflite: convolution, mean, dense. `int8` takes and gives uint8, the others are float32.

    `shifted`, `constant` and `nan` are the float32 network with a last operation that spoils its logit.
    """
    import tensorflow as tf

    class Network(tf.Module):
        def __init__(self, spoil):
            super().__init__()
            self.spoil = spoil

        @tf.function(input_signature=[tf.TensorSpec([1, SIZE, SIZE, 1], tf.float32, name="pixels")])
        def serve(self, pixels):
            kernel = tf.constant(np.full((3, 3, 1, 4), 1 / 9), tf.float32)
            bright = tf.nn.relu(tf.nn.conv2d(pixels, kernel, 2, "SAME") - 0.5)
            logit = self.spoil(tf.reduce_mean(bright, [1, 2]) @ tf.fill((4, 1), 16.0) - 3.0)
            return {"probability": tf.sigmoid(logit), "logit": logit}

    def converter(spoil=lambda logit: logit):
        network = Network(spoil)
        return tf.lite.TFLiteConverter.from_concrete_functions([network.serve.get_concrete_function()], network)

    def calibration():
        values = (SPEC.scale * (np.arange(256) - SPEC.zero_point)).astype(np.float32)
        for image in [np.arange(SIZE * SIZE).reshape(SIZE, SIZE) % 256, *draw_images()]:
            yield {"pixels": values[image].reshape(1, SIZE, SIZE, 1)}

    quantizing = converter()
    quantizing.optimizations = [tf.lite.Optimize.DEFAULT]
    quantizing.representative_dataset = calibration
    quantizing.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    quantizing.inference_input_type = quantizing.inference_output_type = tf.uint8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TensorFlow's own interpreter, which calibrates, announces its end
        int8 = quantizing.convert()
    return {
        "float32": converter().convert(),
        "int8": int8,
        "shifted": converter(lambda logit: logit - 10.0).convert(),
        "constant": converter(lambda logit: logit * 0.0).convert(),
        "nan": converter(lambda logit: tf.sqrt(-1.0 - tf.square(logit))).convert(),
    }


def variant(kind, path):
    """A card entry for the model at `path`; one that cannot be read is said to be of float32."""
    content = path.read_bytes()
    try:
        facts = read_facts(path)
        tensors = {tensor.name: spec(tensor) for tensor in (*facts.inputs, *facts.outputs)}
    except HemotkError:
        tensors = {name: TensorSpec(name, "float32", (1, 1)) for name in ("pixels", "probability", "logit")}
    outputs = (tensors["probability"], tensors["logit"])
    return Variant(kind, path.name, sha256_bytes(content), len(content), tensors["pixels"], outputs)


def spec(tensor):
    return TensorSpec(tensor.name, tensor.dtype, tensor.shape, tensor.scale, tensor.zero_point)


def write_bundle(folder, models, images, labels):
    """A bundle of `models` (kind → bytes) in `folder`, and the test split beside it."""
    items = tuple(TestItem(f"class{label}/{row}.png", label, str(row)) for row, label in enumerate(labels))
    created = "2026-01-01T00:00:00+00:00"
    testset = publish_testset(
        beside_bundle(folder),
        lambda path: np.save(path, images),
        lambda sha256: TestSetCard(created, "0" * 64, SPEC, sha256, items),
    )
    variants = []

    def fill(aside):
        (aside / LABELS_FILE).write_text("normal\nhemorrhage\n")
        for kind, content in models.items():
            (aside / f"{kind}.tflite").write_bytes(content)
            variants.append(variant(kind, aside / f"{kind}.tflite"))

    def card(files):
        return BundleCard(
            name=folder.name,
            created=created,
            arch="tiny",
            labels=("normal", "hemorrhage"),
            preprocess=SPEC,
            threshold=0.5,
            temperature=1.0,
            variants=tuple(variants),
            files={LABELS_FILE: files[LABELS_FILE]},
            parents={},
            testset=testset.sha256(),
            recipe={},
            calibration=(),
            metrics={},
            versions={},
            seconds=0.0,
        )

    publish_bundle(folder, fill, card)
    return folder


def edit_card(folder, **changes):
    """Rewrite the bundle card with `changes`."""
    card = BundleCard.read(folder / BUNDLE_CARD)
    dataclasses.replace(card, **changes).write(folder / BUNDLE_CARD)


def edit_testset(bundle, images=None, **changes):
    """Rewrite the test split with right checksums, but wrong content."""
    if images is not None:
        np.save(beside_bundle(bundle) / "images.npy", images)
    card = TestSetCard.read(beside_bundle(bundle) / TESTSET_CARD)
    changes = {"images": sha256_file(beside_bundle(bundle) / "images.npy"), **changes}
    dataclasses.replace(card, **changes).write(beside_bundle(bundle) / TESTSET_CARD)
    edit_card(bundle, testset=sha256_file(beside_bundle(bundle) / TESTSET_CARD))

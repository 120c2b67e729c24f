"""The stock path: TFLiteConverter.from_keras_model and its full-integer quantization. Prints one JSON line.

python studies/stock.py RUN DATA OUT.tflite [--calibration 100]
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def main() -> None:
    """Convert and quantize as the TensorFlow guide says, uint8 in and out, both outputs kept."""
    started = time.monotonic()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--calibration", type=int, default=100)
    parser.add_argument("--float", action="store_true", help="float32 instead of int8")
    asked = parser.parse_args()

    import tensorflow as tf
    import tf_keras as keras
    from common import calibration_pixels, finish, keras_network

    from hemotk.artifacts import RUN_CARD, RunCard
    from hemotk.data.read.preprocess import normalize

    spec = RunCard.read(asked.run / RUN_CARD).preprocess
    network = keras_network(asked.run)
    # One picture at a time, as on a phone; the outputs get the names that every variant of a bundle has (an Activation
    # that does nothing names them, and leaves no operator).
    pixels = keras.Input((spec.size, spec.size, 1), batch_size=1, name="pixels")
    logit, probability = network(pixels)
    named = [keras.layers.Activation("linear", name=n)(x) for n, x in (("logit", logit), ("probability", probability))]
    model = keras.Model(pixels, named)
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if not asked.float:
        images = calibration_pixels(asked.run, asked.data, asked.calibration)
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: ([normalize(i, spec)[None, ..., None]] for i in images)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = converter.inference_output_type = tf.uint8
    asked.out.write_bytes(converter.convert())
    finish(started, bytes=asked.out.stat().st_size)


if __name__ == "__main__":
    main()

"""Whether `--weights imagenet` reads files of the official layout, in full size: `python studies/imagenet_study.py`.

The official files are random weights of `tf_keras.applications` here, saved by Keras itself under the official names,
with and without the classifier, and served from a folder with their own checksums. Each is loaded by way of the
download (without classifier) or by its path, and compared with what Keras has: every array, and the features of
pictures.
"""

import argparse
import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import tf_keras as keras

from hemotk.models import pretrained
from hemotk.models.build import build_model, set_arrays
from hemotk.models.families import named_shape

SIZE = 224


def official(arch: str, top: bool) -> keras.Model:
    """The network of `keras.applications` with random weights and statistics."""
    make = {"densenet121": keras.applications.DenseNet121, "densenet201": keras.applications.DenseNet201}[arch]
    network = make(weights=None, include_top=top, input_shape=(SIZE, SIZE, 3), pooling=None if top else "avg")
    rng = np.random.default_rng(0)
    for variable in network.variables:
        if variable.name.endswith(("gamma:0", "variance:0")):
            variable.assign(rng.uniform(0.5, 1.5, variable.shape))
    return network


def features(network: keras.Model, pictures: np.ndarray) -> np.ndarray:
    """The pooled features [n, channels] of the network."""
    return keras.Model(network.input, network.get_layer("avg_pool").output)(pictures).numpy()


def rows(arch: str, folder: Path) -> Iterator[str]:
    """A line of the table for the file without, and for that with the classifier."""
    shape = named_shape(arch, SIZE)
    pictures = np.random.default_rng(1).normal(size=(2, SIZE, SIZE, 1)).astype(np.float32)
    for top in (False, True):
        network = official(arch, top)
        known = pretrained._IMAGENET[arch]
        path = folder / (known.file.replace("_notop", "") if top else known.file)
        network.save_weights(path)
        md5 = hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()
        changed = replace(known, **{"md5_with_top" if top else "md5": md5})
        pretrained._IMAGENET = {**pretrained._IMAGENET, arch: changed}
        started = time.monotonic()
        found = pretrained.load_pretrained(str(path) if top else "imagenet", arch, shape)
        seconds = time.monotonic() - started
        own = {variable.name.removesuffix(":0"): variable.numpy() for variable in network.variables}
        equal = sum(np.array_equal(array, own[name]) for name, array in found.items())
        ours = build_model(shape)
        set_arrays(ours, found)
        wanted = features(network, np.repeat(pictures, 3, -1))
        error = float(np.abs(features(ours, pictures) - wanted).max() / np.abs(wanted).max())
        yield (
            f"| {arch} | {'with' if top else 'without'} | {path.stat().st_size / 1e6:.1f} MB | {len(found)} of "
            f"{len(own)} | {equal} | {error:.1e} | {seconds:.1f} s |"
        )


def main() -> None:
    """Print the table."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    print("| network | classifier | file | arrays taken | equal to Keras's | features differ by | read in |")
    print("|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HOME"] = os.environ["USERPROFILE"] = folder  # no file downloaded before is found there
        pretrained._ADDRESS = Path(folder).as_uri()
        for arch in ("densenet121", "densenet201"):
            for line in rows(arch, Path(folder)):
                print(line, flush=True)


if __name__ == "__main__":
    main()

"""Training on several replicas: what one gives, and what is left when a worker dies."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from prunable_runs import split_of_squares

from hemotk.artifacts import RUN_CARD, RunCard, SplitManifest
from hemotk.errors import HemotkError

pytest.importorskip("tf_keras")
import tensorflow as tf
import tf_keras as keras

from hemotk.models.applications import build_application
from hemotk.models.build import get_arrays
from hemotk.training.config import from_recipe
from hemotk.training.history import HISTORY_FILE, read_history
from hemotk.training.loop import TrainJob, train
from hemotk.training.strategy import GlobalBatchNorm, Replicas

PROGRAMS = Path(__file__).parents[2] / "helpers"
SETTINGS = ["--arch", "densenet-tiny", "--size", "32", "--batch", "8", "--epochs", "3", "--learning-rate", "0.0001"]


def two_workers(*command: str) -> list[tuple[int, str]]:
    """Exit code and stderr of two workers over loopback."""
    with socket.socket() as one, socket.socket() as two:
        for each in (one, two):
            each.bind(("127.0.0.1", 0))
        cluster = {"worker": [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, two)]}
    workers = []
    for index in range(2):
        tf_config = json.dumps({"cluster": cluster, "task": {"type": "worker", "index": index}})
        env = {**os.environ, "TF_CONFIG": tf_config, "OMP_NUM_THREADS": "1"}
        workers.append(subprocess.Popen([sys.executable, *command], env=env, stderr=subprocess.PIPE, text=True))
    said = [worker.communicate()[1] for worker in workers]
    return [(worker.returncode, text) for worker, text in zip(workers, said, strict=True)]


@pytest.mark.slow
def test_two_workers_of_which_one_dies_give_what_one_process_gives(tmp_path: Path) -> None:
    split = split_of_squares(tmp_path / "pictures")
    split_file, out = tmp_path / "split.json", tmp_path / "two"
    split.write(split_file)
    (code, said), (killed, _) = two_workers(str(PROGRAMS / "dying_worker.py"), str(split_file), str(out))
    assert killed == -signal.SIGTERM
    assert code == 2 and said.splitlines()[-1].startswith("worker 0 of 2: lost another worker; "), said
    left = read_history(tmp_path / "two.partial" / HISTORY_FILE)
    assert len(left) == 1

    command = ["train", str(split_file), "--out", str(out), *SETTINGS, "--strategy", "multiworker", "--resume"]
    ended = two_workers("-m", "hemotk", *command)
    assert [code for code, _ in ended] == [0, 0], ended
    assert not list(tmp_path.glob("two.partial")) and not list(tmp_path.glob(".two*"))
    together = read_history(out / HISTORY_FILE)
    assert together[0] == left[0]

    config = from_recipe("hemotk", arch="densenet-tiny", size=32, batch=8, epochs=3, learning_rate=1e-4)
    single = train(TrainJob(SplitManifest.read(split_file), tmp_path / "one"), config)
    card = RunCard.read(out / RUN_CARD)
    assert "Each batch was shared among 2 replicas." in card.notes
    for part, metrics in single.metrics.items():
        assert card.metrics[part].loss == pytest.approx(metrics.loss, abs=1e-5)
    for one, two in zip(read_history(tmp_path / "one" / HISTORY_FILE), together, strict=True):
        assert (two.loss, two.validation_loss) == pytest.approx((one.loss, one.validation_loss), abs=1e-4)
        assert two.accuracy == one.accuracy and two.learning_rate == one.learning_rate


def test_steps_on_two_devices_are_those_on_one() -> None:
    program = [sys.executable, str(PROGRAMS / "two_devices.py")]
    found = json.loads(subprocess.run(program, check=True, capture_output=True, text=True).stdout)
    one, two = found["one"], found["two"]
    np.testing.assert_allclose(two["steps"], one["steps"], rtol=1e-4)
    np.testing.assert_allclose(two["logits"], one["logits"], rtol=1e-3, atol=1e-4)
    assert len(one["weights"]) == 12
    for name, values in one["weights"].items():
        np.testing.assert_allclose(two["weights"][name], values, rtol=1e-3, atol=1e-4, err_msg=name)


def test_a_network_of_the_library_gets_global_statistics_too() -> None:
    model = build_application("mobilenetv3small", 32)
    replicas = Replicas(tf.distribute.MirroredStrategy(["cpu:0"]))
    assert replicas.notes == ("There was one device to train on, so no batch was shared.",)
    held = replicas.hold(model)
    norms = [layer for layer in held.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(norms) == 34 and all(isinstance(layer, GlobalBatchNorm) for layer in norms)
    before, after = get_arrays(model), get_arrays(held)
    assert list(before) == list(after)
    for name, values in before.items():
        np.testing.assert_array_equal(after[name], values)
    picture = np.linspace(0, 1, 32 * 32, dtype=np.float32).reshape(1, 32, 32, 1)
    np.testing.assert_allclose(held(picture), model(picture), rtol=1e-5)


def test_a_replica_without_a_picture() -> None:
    Replicas().check_batches(9, 1)
    with pytest.raises(HemotkError, match="batch 1: gives batches of 1"):
        _Three().check_batches(9, 1)
    with pytest.raises(HemotkError, match="batch 4: gives batches of 2 of the 5 training pictures, which 3 replicas"):
        _Three().check_batches(5, 4)
    _Three().check_batches(6, 4)


class _Three(Replicas):
    @property
    def count(self) -> int:
        return 3

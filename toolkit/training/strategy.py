"""One training on several devices or machines at once, through `tf.distribute`: same batches, same result.

Each replica learns from its part of every batch and all end each step with the same weights. The mean
loss and BatchNorm's statistics need the whole batch: they are summed over all replicas.
"""

import hashlib
import io
import json
import math
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import tensorflow as tf
import tf_keras as keras

from hemotk.errors import HemotkError
from hemotk.files import write_bytes
from hemotk.models.build import get_arrays, set_arrays
from hemotk.training.cluster import Cluster, StrategyName, read_cluster

T = TypeVar("T")
# The errors that TensorFlow raises where another worker does not answer.
_GONE = (
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.InternalError,
    tf.errors.UnavailableError,
)


class Replicas:
    """The copies of a network that learn together, one on each device; a single one if not told otherwise."""

    def __init__(self, strategy: tf.distribute.Strategy | None = None, cluster: Cluster | None = None) -> None:
        self.alone = strategy is None
        self.strategy = strategy or tf.distribute.get_strategy()
        self.cluster = cluster

    @property
    def count(self) -> int:
        """The number of devices, on all machines."""
        return int(self.strategy.num_replicas_in_sync)

    @property
    def chief(self) -> bool:
        """Whether this process writes what the training gives."""
        return self.cluster is None or self.cluster.chief

    def folder_beside(self, out: Path) -> Path:
        """The folder where a worker other than the chief writes what goes to `out` on the chief."""
        return out.with_name(f".{out.name}.worker-{self.cluster.rank if self.cluster else 0}")

    @property
    def notes(self) -> tuple[str, ...]:
        """Notes on the devices for a run's card."""
        if self.alone:
            return ()
        if self.count == 1:
            return ("There was one device to train on, so no batch was shared.",)
        return (f"Each batch was shared among {self.count} replicas.",)

    def hold(self, model: keras.Model) -> keras.Model:
        """The chief's `model` on every device, with BatchNorms that see the whole batch; itself if it is alone."""
        if self.alone:
            return model
        with self.strategy.scope():
            held = keras.models.clone_model(model, clone_function=_synchronized)
        stream = io.BytesIO()
        arrays: dict[str, Any] = dict(get_arrays(model))
        np.savez(stream, **arrays)
        with np.load(io.BytesIO(self._from_chief(stream.getvalue())), allow_pickle=False) as weights:
            set_arrays(held, dict(weights))
        return held

    def chief_first(self, path: Path, work: Callable[[], T]) -> T:
        """`work` of the chief; then that of the other workers, which begin with its file at `path`, if it has one."""
        if self.cluster is None:
            return work()
        if self.chief:
            result = work()
            self._from_chief(path.read_bytes() if path.exists() else b"")
            return result
        if data := self._from_chief(b""):
            write_bytes(path, data)
        return work()

    def check_batches(self, pictures: int, batch: int) -> None:
        """Check that every replica has a part of every batch of the training `pictures`.

        Raises:
            HemotkError: it has not.
        """
        smallest = pictures // math.ceil(pictures / batch)
        if smallest < self.count:
            raise HemotkError(
                f"‹batch› {batch}: gives batches of {smallest} of the {pictures} training pictures, which {self.count} "
                "replicas cannot share; take a larger batch, or fewer devices."
            )

    def check_equal(self, identity: Mapping[str, Any]) -> None:
        """Check that this worker trains what the chief trains.

        Raises:
            HemotkError: it does not.
        """
        own = hashlib.sha256(json.dumps(dict(identity), sort_keys=True).encode()).digest()
        if self.cluster is not None and self._from_chief(own) != own:
            raise HemotkError(
                f"worker {self.cluster.rank}: was started with other settings or another split than the chief; start "
                "all workers with the same command."
            )

    def _from_chief(self, data: bytes) -> bytes:
        """Send the chief's `data` to every worker: a sum with zeros is exact."""
        if self.cluster is None:
            return data
        size = int(self._sum(np.array(len(data) if self.chief else 0)))
        if not size:  # TensorFlow crashes on the sum of empty arrays
            return b""
        mine = np.zeros(-(-size // 4), np.int32)
        if self.chief:
            mine = np.frombuffer(data.ljust(4 * len(mine), b"\0"), np.int32)
        return self._sum(mine).tobytes()[:size]

    def _sum(self, value: np.ndarray) -> np.ndarray:
        """The sum over all workers."""
        total: np.ndarray = self.strategy.reduce(tf.distribute.ReduceOp.SUM, tf.constant(value), axis=None).numpy()
        return total

    def together(self) -> AbstractContextManager[None]:
        """Say in a sentence that another worker has gone.

        Raises:
            HemotkError: in place of what TensorFlow raises.
        """
        return nullcontext() if self.cluster is None else _together(self.cluster)


def make_replicas(name: StrategyName) -> Replicas:
    """The replicas of `--strategy name`; that of several workers must be made before TensorFlow does anything else.

    It waits until all workers are there.

    Raises:
        HemotkError: TF_CONFIG does not describe the workers, or they cannot be connected.
    """
    if name == "mirrored":
        return Replicas(tf.distribute.MirroredStrategy())
    if name == "multiworker":
        cluster = read_cluster()
        try:
            with _stoppable():
                return Replicas(tf.distribute.MultiWorkerMirroredStrategy(), cluster)
        except tf.errors.OpError as error:
            raise HemotkError(
                f"TF_CONFIG: worker {cluster.rank} cannot be {cluster.workers[cluster.rank]} or meet the others "
                f"({error.message.splitlines()[0]}); check the addresses and that no other program has its port."
            ) from error
    return Replicas()


@contextmanager
def _stoppable() -> Iterator[None]:
    """Let Ctrl-C end the process while TensorFlow waits, and `kill` afterwards, which TensorFlow would catch."""
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


@contextmanager
def _together(cluster: Cluster) -> Iterator[None]:
    try:
        yield
    except _GONE as error:
        raise HemotkError(
            f"worker {cluster.rank} of {len(cluster.workers)}: lost another worker; see what that one said, then start "
            "all of them again with ‹resume›."
        ) from error


class GlobalBatchNorm(keras.layers.BatchNormalization):
    """BatchNorm over the last axis with the mean and variance of all replicas' pictures in training.

    As in the fused operation that a single replica uses, the moving variance has Bessel's correction; Keras's
    `synchronized=True` leaves it out and takes the variance from a difference of two large sums.
    """

    def add_weight(self, *args: Any, **kwargs: Any) -> Any:
        """Add a weight as Keras does, but read averages that are equal everywhere in place, without asking others."""
        if kwargs.get("synchronization") == tf.VariableSynchronization.ON_READ:
            kwargs["aggregation"] = tf.VariableAggregation.ONLY_FIRST_REPLICA
        return super().add_weight(*args, **kwargs)

    def call(self, inputs: tf.Tensor, training: bool | None = None) -> tf.Tensor:
        """Normalized `inputs`, [n, …, channels], of the same type."""
        x = tf.cast(inputs, tf.float32)
        mean, variance = self.moving_mean, self.moving_variance
        if training and self.trainable:
            mean, variance, count = _moments(x)
            keep = self.momentum
            self.moving_mean.assign(self.moving_mean * keep + mean * (1 - keep))
            corrected = variance * (count / tf.maximum(count - 1, 1))
            self.moving_variance.assign(self.moving_variance * keep + corrected * (1 - keep))
        result = tf.nn.batch_normalization(x, mean, variance, self.beta, self.gamma, self.epsilon)
        return tf.cast(result, inputs.dtype)


def _moments(x: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Mean and variance, float32 [channels], of the values of all replicas, and how many each is of."""
    axes = list(range(len(x.shape) - 1))
    count, total = _sum([tf.cast(tf.size(x) / tf.shape(x)[-1], tf.float32), tf.reduce_sum(x, axes)])
    mean = total / count
    return mean, _sum(tf.reduce_sum(tf.square(x - mean), axes)) / count, count


def _sum(values: Any) -> Any:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, values)


def _synchronized(layer: keras.layers.Layer) -> keras.layers.Layer:
    kind = GlobalBatchNorm if isinstance(layer, keras.layers.BatchNormalization) else type(layer)
    return kind.from_config(layer.get_config())

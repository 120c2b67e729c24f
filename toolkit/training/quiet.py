"""TensorFlow's start without its banner."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from hemotk.errors import HemotkError


def import_tensorflow(*, first_tensor: bool = True) -> None:
    """Import TensorFlow with its start-up messages held back (set TF_CPP_MIN_LOG_LEVEL to see them).

    Without a `first_tensor` it can still be told of other workers; its last messages are then seen.

    Raises:
        HemotkError: it is not installed.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:  # someone wants to see them
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
    try:
        with _no_stderr():
            import tensorflow
            import tf_keras  # noqa: F401

            if first_tensor:
                tensorflow.zeros(())  # the last messages come with it
    except ModuleNotFoundError as error:
        raise HemotkError(f"{error.name}: is not installed; run `pip install 'hemotk[train]'`.") from error


@contextmanager
def _no_stderr() -> Iterator[None]:
    """Send file descriptor 2 to nowhere: the messages come from C++."""
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)

"""Holding back what other libraries print, unless someone wants to see it."""

import contextlib
import io
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator

from hemotk.errors import HemotkError
from hemotk.progress import VERBOSE, talk


@contextlib.contextmanager
def held_back(passes: Callable[[bytes], bool] = lambda line: False) -> Iterator[None]:
    """Hold back what native code writes to stderr; lines that `passes` are written when the block ends."""
    if talk() == VERBOSE:
        yield
        return
    sys.stderr.flush()
    kept = os.dup(2)
    with tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            said.seek(0)
            for line in said:
                if passes(line):
                    os.write(2, line)


def without_remarks() -> contextlib.AbstractContextManager[None]:
    """Hold back what native code says as INFO; warnings and errors are passed on."""
    return held_back(lambda line: not line.startswith(b"INFO:"))


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Hold back what Python code logs, warns and prints to stderr; what goes wrong comes as an exception."""
    if talk() == VERBOSE:
        yield
        return
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        logging.disable(before)


def import_tensorflow(*, first_tensor: bool = True) -> None:
    """Import TensorFlow with its start-up messages held back (set TF_CPP_MIN_LOG_LEVEL to see them).

    Without a `first_tensor` it can still be told of other workers; its last messages are then seen.

    Raises:
        HemotkError: it is not installed.
    """
    if "TF_CPP_MIN_LOG_LEVEL" in os.environ:  # someone wants to see them
        return
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "0" if talk() == VERBOSE else "2"
    try:
        with held_back():
            import tensorflow
            import tf_keras  # noqa: F401

            if first_tensor:
                tensorflow.zeros(())  # the last messages come with it
    except ModuleNotFoundError as error:
        raise HemotkError(f"{error.name}: is not installed; run `pip install 'hemotk[train]'`.") from error

"""The state of an unfinished training: one file, written after every epoch, whole or not at all."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.errors import HemotkError
from hemotk.files import unpacked_size, write_bytes
from hemotk.models.build import named_variables
from hemotk.store.unfinished import CHECKPOINT_FILE, check_identity
from hemotk.training.config import EARLIER
from hemotk.training.history import Epoch
from hemotk.training.steps import Trainer

_MOST_ABOUT = 64_000_000  # bytes of settings and history
_HEADER = 4096  # of each array


def save_checkpoint(folder: Path, trainer: Trainer, history: Sequence[Epoch], identity: Mapping[str, Any]) -> None:
    """Keep weights, optimizer state and history; `identity` is what a resumed training must be equal in.

    Raises:
        HemotkError: the file cannot be written.
    """
    arrays = {f"model/{name}": variable.numpy() for name, variable in named_variables(trainer.model).items()}
    arrays |= {f"optimizer/{i}": variable.numpy() for i, variable in enumerate(trainer.optimizer.variables)}
    about = {"identity": dict(identity), "history": [asdict(epoch) for epoch in history]}
    stream = io.BytesIO()
    np.savez(stream, about=np.frombuffer(json.dumps(about).encode(), np.uint8), **arrays)
    write_bytes(folder / CHECKPOINT_FILE, stream.getvalue())


def load_checkpoint(folder: Path, trainer: Trainer, identity: Mapping[str, Any]) -> list[Epoch]:
    """Put a kept state back into `trainer` and return the history so far.

    Raises:
        HemotkError: the file is cut short, or belongs to a training with other settings or data.
    """
    path = folder / CHECKPOINT_FILE
    try:
        with np.load(path, allow_pickle=False) as file:
            if unpacked_size(file.zip) > _most_bytes(trainer):
                raise HemotkError(_damaged(folder))
            about = json.loads(file["about"].tobytes())
            check_identity(path, about["identity"], identity, EARLIER)
            for name, variable in named_variables(trainer.model).items():
                variable.assign(file[f"model/{name}"])
            for i, variable in enumerate(trainer.optimizer.variables):
                variable.assign(file[f"optimizer/{i}"])
        return [Epoch(**epoch) for epoch in about["history"]]
    except HemotkError:
        raise
    except Exception as error:  # a damaged zip raises many kinds
        raise HemotkError(_damaged(folder)) from error


def _most_bytes(trainer: Trainer) -> int:
    """The largest size of the state of `trainer`, in bytes."""
    variables = [*named_variables(trainer.model).values(), *trainer.optimizer.variables]
    return _MOST_ABOUT + sum(variable.numpy().nbytes + _HEADER for variable in variables)


def _damaged(folder: Path) -> str:
    return f"{folder / CHECKPOINT_FILE}: is damaged; remove {folder} and train again."

"""A worker that trains on SPLIT into OUT; number 1 ends itself in the second epoch."""

import os
import signal
import sys
from pathlib import Path

from hemotk.artifacts import SplitManifest
from hemotk.errors import HemotkError
from hemotk.training.config import from_recipe
from hemotk.training.listener import Listener
from hemotk.training.loop import TrainJob, train
from hemotk.training.strategy import make_replicas


class Dying(Listener):
    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        if (epoch, done) == (2, 1):
            os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    split, out = map(Path, sys.argv[1:])
    replicas = make_replicas("multiworker")
    config = from_recipe("hemotk", arch="densenet-tiny", size=32, batch=8, epochs=3, learning_rate=1e-4)
    try:
        job = TrainJob(SplitManifest.read(split), out, replicas=replicas)
        train(job, config, Listener() if replicas.chief else Dying())
    except HemotkError as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)

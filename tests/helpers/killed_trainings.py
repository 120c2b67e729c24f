"""Trainings that are killed on the way."""

from hemotk.training.history import Epoch
from hemotk.training.listener import Listener


class Killed(BaseException):
    """Stands for a kill: nothing in the training catches it."""


class KillAfter(Listener):
    """Kills in the epoch after so many more."""

    def __init__(self, epochs: int) -> None:
        self.left = epochs
        self.resumed_after = -1

    def resumed(self, epoch: int) -> None:
        self.resumed_after = epoch

    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        if self.left == 0 and done == 2:
            raise Killed

    def epoch(self, epoch: Epoch) -> None:
        self.left -= 1

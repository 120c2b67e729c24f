"""Listeners that a training reports to while it goes on."""

from hemotk.progress import Tell
from hemotk.training.history import Epoch


class Listener:
    """Receives what a training reports while it goes on; a subclass shows it."""

    def loading(self, done: int, total: int) -> None:
        """`done` of `total` images are in memory."""

    def doing(self, what: str) -> None:
        """Something besides the epochs that takes a while has begun."""

    def resumed(self, epoch: int) -> None:
        """The training goes on after `epoch` whole epochs."""

    def features(self, done: int, total: int) -> None:
        """`done` of `total` pictures have gone through the frozen backbone, every view counted."""

    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        """`done` of the `total` steps of `epoch`; figures are means over the epoch so far."""

    def epoch(self, epoch: Epoch) -> None:
        """An epoch has ended."""


class TellingListener(Listener):
    """Hands on what a training tells to `tell`, as epochs of `what`, `total` in all."""

    def __init__(self, tell: Tell, what: str, total: int) -> None:
        self._tell = tell
        self._what = what
        self._total = total
        self._done = 0

    def _say(self, note: str) -> None:
        self._tell(self._what, self._done, self._total, note)

    def doing(self, what: str) -> None:
        """Something besides the epochs that takes a while has begun."""
        self._say(what)

    def resumed(self, epoch: int) -> None:
        """The training goes on after `epoch` whole epochs."""
        self._done += epoch
        self._say(f"resumed after epoch {epoch}")

    def features(self, done: int, total: int) -> None:
        """`done` of `total` pictures have gone through the frozen backbone, every view counted."""
        self._say(f"features {done}/{total}")

    def step(self, epoch: int, done: int, total: int, loss: float, accuracy: float) -> None:
        """`done` of the `total` steps of `epoch`; figures are means over the epoch so far."""
        self._say(f"epoch {epoch} step {done}/{total} loss {loss:.3f} accuracy {accuracy:.3f}")

    def epoch(self, epoch: Epoch) -> None:
        """An epoch has ended."""
        self._done += 1
        learned = "the head learned: " if epoch.phase == "head" else ""
        self._say(
            f"{learned}loss {epoch.loss:.3f} accuracy {epoch.accuracy:.3f} | "
            f"validation loss {epoch.validation_loss:.3f} accuracy {epoch.validation_accuracy:.3f}"
        )

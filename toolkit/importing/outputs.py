"""Find the number of a network's output that is the logit of hemorrhage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hemotk.errors import HemotkError
from hemotk.importing.layers import KerasLayer, LayerGraph

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Output:
    """The end of a network: `width` numbers out of `layer`, then `activation` (sigmoid, softmax, or linear)."""

    graph: LayerGraph
    layer: KerasLayer
    activation: str
    width: int

    def pick(self, positive_class: int, number: int | None) -> Array:
        """The map float64 [width, 1] from the numbers before the activation to the logit.

        z of one number, z₁ − z₀ of a softmax over two, negated where `positive_class` is 0; of several sigmoids, or
        several numbers without an activation, the one that `number` says.

        Raises:
            HemotkError: the output is no single logit, or there is no such number.
        """
        sign = 1.0 if positive_class == 1 else -1.0
        if number is not None:
            self._check(number)
            return sign * np.eye(self.width)[:, number : number + 1]
        if self.width == 1 and self.activation != "softmax":
            return np.array([[sign]])
        if self.width == 2 and self.activation != "sigmoid":
            return np.array([[-sign], [sign]])
        raise self.refused()

    def notes(self, number: int | None) -> tuple[str, ...]:
        """Assumptions that were made, for the run card."""
        if self.activation != "linear":
            return ()
        if number is not None or self.width == 1:
            return ("The model ends without a sigmoid: its output is taken for the logit, before a sigmoid.",)
        return ("The model ends without a softmax: its two outputs are taken for logits, before a softmax.",)

    def refused(self) -> HemotkError:
        """The error that says why this is no logit."""
        what = f"ends in a {self.activation} over {self.width} numbers"
        if self.activation == "linear":
            what = f"ends the network without a sigmoid or softmax, in {self.width} numbers"
        if self.activation == "softmax" and self.width > 2:
            what += ", in which the logit of one class depends on all numbers and is no linear map of them"
        elif self.width > 1:
            what += f", and which of them is hemorrhage must be said (output 0 to {self.width - 1})"
        return self.graph.refuse(self.layer, what)

    def _check(self, number: int) -> None:
        if self.activation == "softmax":
            raise HemotkError(
                f"output {number}: {self.graph.where} ends in a softmax over {self.width} numbers, and only one of "
                "several sigmoids can be chosen; leave it out, and say which class is positive."
            )
        if not 0 <= number < self.width:
            raise HemotkError(
                f"output {number}: {self.graph.where} has {self.width} outputs, numbered from 0; choose one of them."
            )

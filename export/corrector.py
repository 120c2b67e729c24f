"""Quantizing, and taking off what calibration images show to be wrong with the logit on average."""

from dataclasses import replace
from functools import cached_property

import numpy as np

from hemotk.artifacts import PreprocessSpec
from hemotk.errors import HemotkError
from hemotk.exporting.integer.logit_bias import FEWEST, logits_of, shift_logit
from hemotk.exporting.variants import Candidate
from hemotk.progress import Tell


class Corrector:
    """Quantizes, and takes the logit's mean error on the calibration images off its bias; `taken_off` keeps how much.

    `parent` is the float32 variant, `pixels` uint8 [n, size, size] the calibration images.
    """

    def __init__(self, parent: bytes, pixels: np.ndarray, spec: PreprocessSpec, tell: Tell) -> None:
        self.taken_off: dict[str, float] = {}
        self._parent = parent
        self._pixels = pixels
        self._spec = spec
        self._tell = tell

    @cached_property
    def _wanted(self) -> np.ndarray:
        return logits_of(self._parent, self._pixels, self._spec, self._tell)

    def quantized(self, candidate: Candidate) -> bytes:
        """The .tflite; as it is where its recipe says so, there are few images, or nothing is gained.

        Raises:
            HemotkError: as for `quantize`, or the network gives all calibration images the same logit.
        """
        made = candidate.quantized()
        recipe = candidate.recipe
        if not (recipe.does("logit-bias") and len(self._pixels) >= FEWEST):
            return made
        if np.ptp(self._wanted) == 0:
            raise HemotkError(
                f"{recipe.kind}: the network gives all {len(self._pixels)} calibration images the same logit, so it "
                "tells nothing apart; look at the images with `hemotk data audit`, or train again."
            )
        errors = self._errors(made)
        bias = float(errors.mean())
        shifted = replace(candidate, content=shift_logit(candidate.content, -bias)).quantized()
        if np.square(self._errors(shifted)).mean() >= np.square(errors).mean():
            return made
        self.taken_off[recipe.kind] = bias
        return shifted

    def _errors(self, content: bytes) -> np.ndarray:
        return logits_of(content, self._pixels, self._spec, self._tell) - self._wanted

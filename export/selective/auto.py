"""The layers that int8 keeps in float32, found on the validation part."""

import numpy as np

from hemotk.artifacts import PreprocessSpec
from hemotk.exporting.selective.layers import Layers
from hemotk.exporting.selective.sensitivity import Logits, Reference, Selection, Tolerance, select
from hemotk.exporting.source import Source
from hemotk.exporting.variants import Candidate
from hemotk.exporting.verify import Decision
from hemotk.progress import Tell
from hemotk.tflite.runtime import find_runtime
from hemotk.tflite.scorer import Scorer


def select_layers(
    source: Source,
    layers: Layers,
    parent: bytes,
    int8: Candidate,
    *,
    tolerance: Tolerance,
    tell: Tell,
    finished: bytes | None = None,
) -> Selection:
    """Find those of the `layers` of `int8` to keep in float32; `parent` is the float32 variant.

    If `finished`, int8 with everything fitted, is within the tolerance, no layer needs to be kept. Only the validation
    part is looked at.

    Raises:
        CheckFailed: no choice of layers is within the tolerance.
        HemotkError: an image is missing or changed.
    """
    items = source.split.part("validation")
    pixels = source.pixels(items)
    card = source.card
    labels = np.array([item.label for item in items])
    decision = Decision(card.threshold, card.temperature)
    reference = Reference(labels, _logits(parent, pixels, int8.spec), decision)

    if finished is not None:
        plain = reference.cost(_logits(finished, pixels, int8.spec))
        if plain.within(tolerance):
            return Selection(tolerance, (), (), (plain,))

    def score(keep: tuple[str, ...]) -> Logits:
        return _logits(int8.keeping(layers.of(keep)).quantized(), pixels, int8.spec)

    return select(layers.names, score, reference, tolerance, tell)


def _logits(content: bytes, pixels: np.ndarray, spec: PreprocessSpec) -> Logits:
    scorer = Scorer(content, spec, runtime=find_runtime())
    return np.array([scorer.score(image).logit for image in pixels])

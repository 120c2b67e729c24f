"""Why an import scores otherwise than its author did: the usual causes, tried one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hemotk.artifacts import PreprocessSpec
from hemotk.data.read.other_resizes import RESIZERS
from hemotk.data.read.preprocess import load_gray
from hemotk.errors import HemotkError
from hemotk.importing.config import ImportConfig, ImportedNetwork
from hemotk.importing.expected import Array, Comparison, compare
from hemotk.importing.scoring import Scorer, make_scorer
from hemotk.progress import Tell, silent

MOST_PICTURES = 24
_MODES = ("torch", "unit", "tf", "raw", "xrv", "0.406,0.456,0.485/0.225,0.224,0.229")
_NAMES = {"0.406,0.456,0.485/0.225,0.224,0.229": "the channels of torch in the order blue, green, red"}
_MOST_OUTPUTS = 20
Reader = Callable[[ImportConfig], ImportedNetwork]
NONE = (
    "none of the usual causes explains it (normalization, channel order, resizing, scaling of each picture, class "
    "order, outputs); compare the arrays that enter both networks for one picture."
)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Pictures at `paths`, the logits float64 [n] that they had elsewhere, and the difference that is let pass."""

    paths: Sequence[Path]
    logits: Array
    limit: float


def likely_cause(read: Reader, config: ImportConfig, evidence: Evidence, tell: Tell = silent) -> str:
    """In words, what makes the pictures' scores those expected, and what to do; or that nothing does.

    `read` opens the network as a configuration says. A cause is named only if with it the scores agree.
    """
    spec = read(config).preprocess
    grays = [load_gray(path, spec.window, spec.hu_offset) for path in evidence.paths]
    choices = list(_choices(read, config))
    for number, (said, other, scale) in enumerate(choices):
        tell("looking for the cause", number, len(choices))
        try:
            scorer = make_scorer(read(other))
        except HemotkError:
            continue
        found = _fitting(scorer, _shown(grays, spec, scale), evidence)
        if found is None:
            continue
        shown, turned, comparison = found
        parts = [part for part in (said, shown, _turned(config) if turned else "") if part]
        if not parts:
            continue
        figure = f"{comparison.greatest:.2g} in probability, over {len(grays)} of the pictures"
        return f"with {' and '.join(parts)} the greatest difference is {figure}; {_remedy(shown, scale)}."
    return NONE


def worst(differences: Array) -> NDArray[np.int64]:
    """Places of the pictures to look for the cause on: the worst, and others evenly from the rest."""
    order = np.argsort(-differences)
    half = MOST_PICTURES // 2
    rest = order[half:]
    spread = np.linspace(0, len(rest) - 1, min(len(rest), MOST_PICTURES - half)).astype(int)
    return np.concatenate([order[:half], rest[spread]]) if len(rest) else order


def _choices(read: Reader, config: ImportConfig) -> Iterator[tuple[str, ImportConfig, bool]]:
    """What might be said instead, in words and as a configuration, and whether each picture was scaled by itself."""
    yield "", config, False
    for output in range(_MOST_OUTPUTS):
        other = replace(config, output=output, head=None)
        try:
            read(other)
        except HemotkError:
            break
        if output != config.output:
            yield f"‹output› {output}", other, False
    if config.output is not None:
        yield "no ‹output›", replace(config, output=None), False
    for mode in _MODES:
        if mode != config.normalization:
            named = f" ({_NAMES[mode]})" if mode in _NAMES else ""
            yield f"‹normalization› {mode}{named}", replace(config, normalization=mode), False
    yield "each picture brought to mean 0 and deviation 1 by itself", replace(config, normalization="raw"), True


def _shown(grays: list[NDArray[np.uint8]], spec: PreprocessSpec, scale: bool) -> dict[str, NDArray[np.float64]]:
    """The pictures [n, size, size] as each usual way of resizing shows them, hemotk's own first, under its name."""
    shown: dict[str, NDArray[np.float64]] = {}
    for name, resize in RESIZERS.items():
        pixels = np.stack([resize(gray, spec.size) for gray in grays]).astype(np.float64)
        if scale:
            mean, deviation = pixels.mean(axis=(1, 2), keepdims=True), pixels.std(axis=(1, 2), keepdims=True)
            pixels = (pixels - mean) / np.maximum(deviation, 1e-6)
        if not any(np.array_equal(pixels, other) for other in shown.values()):
            shown[name] = pixels
    if not scale:
        own = shown[""]
        low, high = own.min(axis=(1, 2), keepdims=True), own.max(axis=(1, 2), keepdims=True)
        shown[_BY_ITSELF] = 255 * (own - low) / np.maximum(high - low, 1)
    return shown


def _fitting(
    scorer: Scorer, shown: Mapping[str, NDArray[np.float64]], evidence: Evidence
) -> tuple[str, bool, Comparison] | None:
    for name, pixels in shown.items():
        logits = scorer(pixels)
        for turned in (False, True):
            comparison = compare(-logits if turned else logits, evidence.logits, evidence.limit)
            if comparison.good:
                return name, turned, comparison
    return None


def _turned(config: ImportConfig) -> str:
    return f"‹positive_class› {1 - config.positive_class}"


def _remedy(shown: str, scale: bool) -> str:
    if scale or shown == _BY_ITSELF:
        return "a picture that is scaled by its own values has no fixed normalization, so train with a fixed one"
    if shown:
        return "hemotk resizes otherwise, so let that pipeline save its pictures in the network's size, and use those"
    return "import it with that"


_BY_ITSELF = "each picture stretched from its least value to its greatest by itself"

"""Why an import scores otherwise than its author did: the usual causes, tried one after the other."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import PreprocessSpec
from hemotk.data.read.preprocess import load_gray, to_pixels
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
    for name, resize in _RESIZERS.items():
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


def _plain(resampling: Image.Resampling) -> Callable[[NDArray[np.uint8], int], NDArray[np.uint8]]:
    return lambda gray, size: np.asarray(Image.fromarray(gray).resize((size, size), resampling))


def _cornered(gray: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """With all black to the right or below."""
    side = max(gray.shape)
    square = np.zeros((side, side), np.uint8)
    square[: gray.shape[0], : gray.shape[1]] = gray
    return to_pixels(square, size)


def _cropped(gray: NDArray[np.uint8], size: int, shorter: float = 256 / 224) -> NDArray[np.uint8]:
    """As torchvision's usual Resize(256) and CenterCrop(224), in proportion."""
    height, width = gray.shape
    factor = round(size * shorter) / min(height, width)
    picture = Image.fromarray(gray).resize((round(width * factor), round(height * factor)), Image.Resampling.BILINEAR)
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return np.asarray(picture.crop((left, top, left + size, top + size)))


def _pointed(gray: NDArray[np.uint8], size: int) -> NDArray[np.float64]:
    """Bilinear between the four nearest pixels, as OpenCV does it also where it makes pictures smaller."""
    rows, columns = (np.clip((np.arange(size) + 0.5) * side / size - 0.5, 0, side - 1) for side in gray.shape)
    top, left = rows.astype(int), columns.astype(int)
    bottom, right = np.minimum(top + 1, gray.shape[0] - 1), np.minimum(left + 1, gray.shape[1] - 1)
    down, along = (rows - top)[:, None], columns - left
    upper = gray[top][:, left] * (1 - along) + gray[top][:, right] * along
    lower = gray[bottom][:, left] * (1 - along) + gray[bottom][:, right] * along
    return np.round(upper * (1 - down) + lower * down)


_BY_ITSELF = "each picture stretched from its least value to its greatest by itself"
_RESIZERS: Mapping[str, Callable[[NDArray[np.uint8], int], NDArray[np.generic]]] = {
    "": to_pixels,
    "pictures stretched to a square without padding": _plain(Image.Resampling.BILINEAR),
    "pictures resized without antialiasing (as OpenCV and torch.nn.functional.interpolate do)": _pointed,
    "pictures resized by bicubic interpolation": _plain(Image.Resampling.BICUBIC),
    "pictures resized by nearest neighbours": _plain(Image.Resampling.NEAREST),
    "the shorter side resized to 256/224 of the size and the centre cut out": _cropped,
    "the shorter side resized to the size and the centre cut out": lambda gray, size: _cropped(gray, size, 1.0),
    "pictures padded on the right or below alone": _cornered,
}

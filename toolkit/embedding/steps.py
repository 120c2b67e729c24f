"""The way from a picture to a verdict in steps: the right one, and for each step the usual wrong ones."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import BundleCard, Variant
from hemotk.data.read.other_resizes import RESIZERS
from hemotk.data.read.preprocess import to_pixels
from hemotk.embedding.feeding import Feeding, logit_of, stored
from hemotk.embedding.golden import gray_of
from hemotk.tflite.scorer import Scorer

# What an app may hand over after each step; the picture itself comes before.
STEPS = ("gray", "pixels", "tensor", "logit", "probability", "verdict")

Way = Callable[[Any], Any]
_FILTERS = {"averages of boxes (area)": Image.Resampling.BOX, "Lanczos' filter": Image.Resampling.LANCZOS}


@dataclass(frozen=True)
class Wrong:
    """A usual mistake: what was done instead, in words that go on after "as if", and what to do."""

    step: str
    what: str
    remedy: str
    way: Way


class Steps:
    """The six steps of one model of a bundle: `right` has the way of each, `wrongs` gives its usual mistakes."""

    def __init__(self, folder: Path, card: BundleCard, variant: Variant) -> None:
        self.feeding = Feeding.of(card)
        self.variant = variant
        self._folder, self._card = folder, card
        self._spec = card.preprocess
        self._scorer = Scorer(folder / variant.file, self._spec)
        self.right: Mapping[str, Way] = {
            "gray": _gray,
            "pixels": lambda gray: to_pixels(gray, self._spec.size),
            "tensor": lambda pixels: stored(variant, self._spec, pixels),
            "logit": lambda tensor: self._scores(tensor)[0],
            "probability": self.feeding.probability,
            "verdict": lambda probability: int(probability >= card.threshold),
        }

    def run(self, value: Any, since: str | None, until: str, wrong: Wrong | None = None) -> Any:
        """What comes out of step `until` for `value`, which came out of step `since` (None: the picture)."""
        first = 0 if since is None else STEPS.index(since) + 1
        for step in STEPS[first : STEPS.index(until) + 1]:
            value = (wrong.way if wrong is not None and wrong.step == step else self.right[step])(value)
        return value

    def wrongs(self, step: str) -> Iterator[Wrong]:
        """The usual mistakes in a step."""
        found: Mapping[str, Callable[[], Iterator[tuple[str, str, Way]]]] = {
            "gray": _wrong_gray,
            "pixels": self._wrong_pixels,
            "tensor": self._wrong_tensor,
            "logit": self._wrong_logit,
            "probability": self._wrong_probability,
            "verdict": self._wrong_verdict,
        }
        for what, remedy, way in found[step]():
            yield Wrong(step, what, remedy, way)

    def _scores(self, tensor: NDArray[Any]) -> tuple[float, float]:
        """The outputs `logit` and `probability`."""
        self._scorer.feed_stored(np.ascontiguousarray(tensor))
        self._scorer.invoke()
        found = self._scorer.read()
        return found.logit, found.probability

    def _wrong_pixels(self) -> Iterator[tuple[str, str, Way]]:
        size = self._spec.size
        exact = "take the resize of `hemotk snippet`"
        for what, way in list(RESIZERS.items())[1:]:
            if what.startswith("pictures resized"):
                yield f"with {what}", exact, partial(_resized, way=way, size=size, padded=True)
                yield f"with {what}, and without padding", exact, partial(_resized, way=way, size=size)
            else:
                yield f"with {what}", exact, partial(_resized, way=way, size=size)
        for name, filter_ in _FILTERS.items():
            yield f"with pictures resized by {name}", exact, partial(_filtered, filter_=filter_, size=size)
        padding = "pad with black, 0"
        yield "padded with white", padding, lambda gray: to_pixels(_square(gray, 255), size)
        mean = self._spec.zero_point
        yield f"padded with {mean}, not with black", padding, lambda gray: to_pixels(_square(gray, mean), size)
        odd = "when the padding is odd, the extra pixel goes to the right or below"
        yield "padded with the odd pixel on the left or above", odd, lambda gray: to_pixels(_square(gray, odd=1), size)
        yield "mirrored", "keep left and right", lambda gray: to_pixels(gray, size)[:, ::-1]
        yield "upside down", "the first row is the top one", lambda gray: to_pixels(gray, size)[::-1]
        yield "stored columns first", "store rows first", lambda gray: to_pixels(gray, size).T

    def _wrong_tensor(self) -> Iterator[tuple[str, str, Way]]:
        spec, dtype = self._spec, self.variant.input.dtype
        remedy = "README.md of the bundle says what the tensor holds"
        if dtype != "float32":
            store = partial(stored, self.variant, spec)
            yield "with 128 taken from each byte (int8)", remedy, lambda pixels: store(pixels ^ 128)
            yield "with bytes divided by 255", remedy, lambda pixels: store(pixels // 255)
            yield "inverted, black for white", remedy, lambda pixels: store(255 - pixels)
            shift = f"with {spec.zero_point} taken from each byte"
            yield shift, remedy, lambda pixels: store((pixels.astype(int) - spec.zero_point).astype(np.uint8))
            return
        ways: Mapping[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
            "with bytes that were not scaled at all": lambda p: p,
            "with bytes divided by 255": lambda p: p / 255,
            "scaled to −1 to 1": lambda p: p / 127.5 - 1,
            "scaled with ImageNet's mean and deviation of red": lambda p: (p / 255 - 0.485) / 0.229,
            f"without taking {spec.zero_point} from each byte": lambda p: p * spec.scale,
            "without the scale": lambda p: p - spec.zero_point,
            "with each picture brought to mean 0 and deviation 1": lambda p: (p - p.mean()) / max(p.std(), 1e-9),
            "inverted, black for white": lambda p: (255 - p - spec.zero_point) * spec.scale,
        }
        for what, way in ways.items():
            yield what, remedy, partial(_scaled, way=way)
        swap = "store numbers in the byte order of the device"
        yield "with the bytes of each number in reverse", swap, lambda p: stored(self.variant, spec, p).byteswap()

    def _wrong_logit(self) -> Iterator[tuple[str, str, Way]]:
        said = logit_of(self.variant)
        named = "read the output that is called 'logit'"
        yield "with the output 'probability' read instead", named, lambda tensor: self._scores(tensor)[1]
        turned = f"a high logit means '{self._card.labels[1]}'"
        yield "with its sign turned (the classes swapped)", turned, lambda tensor: -self._scores(tensor)[0]
        once = "divide by the temperature once, for the probability"
        temperature = self._card.temperature
        yield "divided by the temperature", once, lambda tensor: self._scores(tensor)[0] / temperature
        if said.scale > 0:
            real = f"logit = {said.scale:.9g} · (byte − {said.zero_point})"
            byte = lambda tensor: self._scores(tensor)[0] / said.scale + said.zero_point  # noqa: E731
            yield "read as the byte itself", real, lambda tensor: round(byte(tensor))
            yield "read without the zero point", real, lambda tensor: byte(tensor) * said.scale
            yield "read without the scale", real, lambda tensor: byte(tensor) - said.zero_point
        for other in self._card.variants:
            if other.kind != self.variant.kind and other.input.dtype == self.variant.input.dtype:
                scorer = Scorer(self._folder / other.file, self._spec)
                load = f"load {self.variant.file}"
                yield f"from {other.file}", load, partial(_logit_by, scorer)

    def _wrong_probability(self) -> Iterator[tuple[str, str, Way]]:
        temperature = self._card.temperature
        formula = f"probability = 1 / (1 + exp(−logit / {temperature!r}))"
        plain = partial(_sigmoid, temperature=1.0)
        yield "without the temperature", formula, plain
        yield "multiplied by the temperature", formula, partial(_sigmoid, temperature=1 / temperature)
        swapped = f"it is that of '{self._card.labels[1]}'"
        other = f"that of '{self._card.labels[0]}' (the classes swapped)"
        yield other, swapped, lambda logit: _sigmoid(-logit, temperature)
        yield "the logit itself", formula, lambda logit: logit
        yield "with the sigmoid taken twice", formula, lambda logit: _sigmoid(plain(logit), temperature)

    def _wrong_verdict(self) -> Iterator[tuple[str, str, Way]]:
        threshold, temperature = self._card.threshold, self._card.temperature
        at = f"'{self._card.labels[1]}' if the probability is {threshold!r} or more"
        yield "with the labels swapped", at, lambda p: int(p < threshold)
        if threshold != 0.5:
            yield "with the threshold 0.5", at, lambda p: int(p >= 0.5)
        raw = "divide the logit by the temperature first"
        yield "without the temperature", raw, lambda p: int(_sigmoid(_logit(p, temperature), 1.0) >= threshold)
        yield "with the threshold held against the logit", at, lambda p: int(_logit(p, temperature) >= threshold)
        yield "always the same", at, lambda p: 0
        yield "always the same", at, lambda p: 1


def _gray(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 2 else gray_of(picture)


def _wrong_gray() -> Iterator[tuple[str, str, Way]]:
    order, weights = "red comes first", "take ITU-R 601-2 in integers (README.md of the bundle, step 2)"
    yield "with red and blue swapped (channel order)", order, lambda picture: _gray(_swapped(picture))
    yield "with the mean of red, green and blue", weights, partial(_weighed, weights=(1 / 3, 1 / 3, 1 / 3))
    yield "by ITU-R 709", weights, partial(_weighed, weights=(0.2126, 0.7152, 0.0722))
    for place, colour in enumerate(("red", "green", "blue")):
        yield f"with {colour} alone", weights, partial(_weighed, weights=tuple(float(at == place) for at in range(3)))
    yield "inverted, black for white", "0 is black", lambda picture: 255 - _gray(picture)
    gamma = "decode without gamma and colour profile"
    yield "with gamma applied", gamma, lambda picture: _bytes(255 * (_gray(picture) / 255) ** 2.2)
    yield "with gamma taken away", gamma, lambda picture: _bytes(255 * (_gray(picture) / 255) ** (1 / 2.2))
    yield "stored columns first", "store rows first", lambda picture: np.ascontiguousarray(_gray(picture).T)


def _swapped(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 2 else np.ascontiguousarray(picture[..., ::-1])


def _weighed(picture: NDArray[np.uint8], weights: tuple[float, ...]) -> NDArray[np.uint8]:
    return picture if picture.ndim == 2 else _bytes(picture @ np.array(weights))


def _resized(
    gray: NDArray[np.uint8],
    way: Callable[[NDArray[np.uint8], int], NDArray[np.generic]],
    size: int,
    padded: bool = False,
) -> NDArray[np.uint8]:
    return _bytes(way(_square(gray) if padded else gray, size))


def _filtered(gray: NDArray[np.uint8], filter_: Image.Resampling, size: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(_square(gray)).resize((size, size), filter_))


def _scaled(pixels: NDArray[np.uint8], way: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[Any]:
    return way(pixels.astype(np.float64)).astype("<f4")


def _logit_by(scorer: Scorer, tensor: NDArray[Any]) -> float:
    scorer.feed_stored(np.ascontiguousarray(tensor))
    scorer.invoke()
    return scorer.read().logit


def _bytes(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _square(gray: NDArray[np.uint8], byte: int = 0, odd: int = 0) -> NDArray[np.uint8]:
    """Padded with `byte` to a square; with `odd` 1 the odd pixel goes to the left or above."""
    height, width = gray.shape
    side = max(height, width)
    square = np.full((side, side), byte, np.uint8)
    top, left = (side - height + odd) // 2, (side - width + odd) // 2
    square[top : top + height, left : left + width] = gray
    return square


def _sigmoid(logit: float, temperature: float) -> float:
    small = float(np.exp(-abs(logit) / temperature))
    return (1.0 if logit >= 0 else small) / (1.0 + small)


def _logit(probability: float, temperature: float) -> float:
    inside = min(max(probability, 1e-300), 1 - 1e-16)
    return float(temperature * (np.log(inside) - np.log1p(-inside)))

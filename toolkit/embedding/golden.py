"""`golden.json` and its PNG files, drawn pictures that show nobody: what any language can read to check an app by."""

import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from hemotk.artifacts import Variant
from hemotk.artifacts.golden import GOLDEN_JSON, GoldenInput, GoldenModel, GoldenScore, GoldenSet
from hemotk.data.read.preprocess import load_gray, to_pixels
from hemotk.embedding.feeding import Feeding, logit_of, stored
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, sha256_bytes
from hemotk.store.cards import bundle_card
from hemotk.tflite.scorer import Scorer
from hemotk.tflite.tolerance import drawn_tolerance

Gray = NDArray[np.uint8]


def golden_files(feeding: Feeding, models: Mapping[str, bytes], pictures: Sequence[Gray]) -> dict[str, bytes]:
    """The files by name: a PNG of each picture, one of what the network sees of it, and `golden.json`.

    `pictures` are uint8 [height, width]. A last one is made of the last of them: wide, and in colours that differ.
    """
    shown: list[NDArray[np.uint8]] = [*pictures, coloured(pictures[-1])]
    grays = [each if each.ndim == 2 else gray_of(each) for each in shown]
    seen = [to_pixels(gray, feeding.preprocess.size) for gray in grays]
    files: dict[str, bytes] = {}
    inputs = []
    for index, (picture, gray, pixels) in enumerate(zip(shown, grays, seen, strict=True)):
        file, name = f"golden_{index}.png", f"golden_{index}_input.png"
        files |= {file: _png(picture), name: _png(pixels)}
        height, width = gray.shape
        inputs.append(GoldenInput(file, name, width, height, _sha256(gray), _sha256(pixels)))
    said = tuple(_said(feeding, variant, models[variant.kind], seen) for variant in feeding.variants)
    spec = feeding.preprocess
    found = GoldenSet(spec.size, feeding.threshold, feeding.temperature, feeding.labels, tuple(inputs), said)
    return {**files, GOLDEN_JSON: found.to_json()}


def coloured(gray: Gray) -> NDArray[np.uint8]:
    """A wide picture uint8 [height, width, 3] in two colours, which no order of channels leaves as it is."""
    wide = gray.T[: gray.shape[1] - (1 - (gray.shape[0] - gray.shape[1]) % 2)]
    shares = np.array([[255, 170, 60], [40, 200, 255]])
    halves = shares[(np.arange(wide.shape[1]) >= wide.shape[1] // 2).astype(int)]
    return (wide[..., None].astype(int) * halves // 255).astype(np.uint8)


def gray_of(colours: NDArray[np.uint8]) -> Gray:
    """Gray uint8 [height, width] of colours uint8 [height, width, 3], by the pixel contract."""
    return np.asarray(Image.fromarray(colours).convert("L"))


def read_golden(folder: Path) -> GoldenSet:
    """The golden set of the bundle in `folder`, whose files are the recorded ones.

    Raises:
        HemotkError: the bundle is older than golden.json, or a file is not the recorded one.
    """
    recorded = bundle_card(folder).files
    if GOLDEN_JSON not in recorded:
        raise HemotkError(f"{folder}: has no {GOLDEN_JSON}: an older hemotk made this bundle; export its run again.")
    check_sha256(folder / GOLDEN_JSON, recorded[GOLDEN_JSON])
    found = GoldenSet.read(folder / GOLDEN_JSON)
    for name in (name for picture in found.pictures for name in (picture.file, picture.input)):
        check_sha256(folder / name, recorded.get(name, ""))
    return found


def grays(folder: Path, golden: GoldenSet) -> list[Gray]:
    """The golden pictures as gray, uint8 [height, width] each."""
    return [load_gray(folder / picture.file) for picture in golden.pictures]


def _said(feeding: Feeding, variant: Variant, content: bytes, seen: Sequence[Gray]) -> GoldenModel:
    scorer = Scorer(content, feeding.preprocess)
    logits = [scorer.score(pixels).logit for pixels in seen]
    own = drawn_tolerance(logit_of(variant), logits)
    # The card's tolerance holds for real pictures; on drawn ones it must not hide a fault.
    tolerance = min(own, feeding.tolerances.get(variant.kind, own))
    scores = tuple(_scores(feeding, variant, tolerance, seen, logits))
    return GoldenModel(variant.kind, variant.file, sha256_bytes(content), scorer.position("logit"), tolerance, scores)


def _scores(
    feeding: Feeding, variant: Variant, tolerance: float, seen: Sequence[Gray], logits: Sequence[float]
) -> Iterator[GoldenScore]:
    for pixels, logit in zip(seen, logits, strict=True):
        label = feeding.label(logit)
        yield GoldenScore(
            tensor_sha256=_sha256(stored(variant, feeding.preprocess, pixels)),
            logit=logit,
            probability=feeding.probability(logit),
            label=label,
            verdict=feeding.labels[label],
            near=abs(logit - feeding.logit_at_threshold) <= tolerance,
        )


def _sha256(values: NDArray[Any]) -> str:
    return sha256_bytes(values.tobytes())


def _png(pixels: NDArray[np.uint8]) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
    return stream.getvalue()

"""Which model of a bundle a page may run: one that export checked, whose files are the recorded ones."""

import json
from pathlib import Path

from hemotk.artifacts import BUNDLE_CARD, GOLDEN_FILE, BundleCard, TensorSpec, Variant
from hemotk.errors import HemotkError
from hemotk.files import check_sha256
from hemotk.store.cards import bundle_card
from hemotk.tflite.facts import ModelTensor, read_facts

KIND = "int8"
CHECKS_FILE = "checks.json"
_INPUTS = ("uint8",)
_OUTPUTS = ("uint8", "float32")


def checked_bundle(folder: Path) -> tuple[BundleCard, Variant]:
    """The card of the bundle in `folder` and its int8 variant.

    Raises:
        HemotkError: there is no int8 model that takes the picture's bytes, gives uint8 or float32 in static shapes and
            was checked on export, or a file is not the recorded one.
    """
    card = bundle_card(folder)
    model = card.variant(KIND)
    if model is None:
        kinds = ", ".join(variant.kind for variant in card.variants)
        raise HemotkError(f"{folder}: has no {KIND} model (only {kinds}); run `hemotk export --quantize {KIND}`.")
    for name in (GOLDEN_FILE, CHECKS_FILE):
        if name not in card.files:
            raise HemotkError(f"{folder / BUNDLE_CARD}: field 'files' has no '{name}'; export the run again.")
        check_sha256(folder / name, card.files[name])
    check_sha256(folder / model.file, model.sha256)
    if not _was_checked(folder / CHECKS_FILE):
        raise HemotkError(f"{folder / CHECKS_FILE}: has no check of the {KIND} model; export the run again.")
    _check_tensors(folder / model.file, card, model)
    return card, model


def _was_checked(path: Path) -> bool:
    try:
        checks = json.loads(path.read_text(encoding="utf-8"))
        return any(check["kind"] == KIND for check in checks)
    except (ValueError, TypeError, KeyError):
        return False


def _check_tensors(path: Path, card: BundleCard, model: Variant) -> None:
    """Hold the model itself, not only its card, against what the page expects."""
    facts = read_facts(path)
    size = card.preprocess.size
    pixels = (1, size, size, 1)
    if [tensor.shape for tensor in facts.inputs] != [pixels]:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in facts.inputs)
        raise _unusable(path, f"takes {shapes} instead of {list(pixels)}")
    for tensors, kinds in ((facts.inputs, _INPUTS), (facts.outputs, _OUTPUTS)):
        for tensor in tensors:
            if tensor.dtype not in kinds:
                raise _unusable(path, f"'{tensor.name}' is {tensor.dtype} instead of {' or '.join(kinds)}")
            if min(tensor.shape, default=1) < 1:
                raise _unusable(path, f"'{tensor.name}' has no static shape")
    recorded = [_essence(tensor) for tensor in (model.input, *model.outputs)]
    found = [_essence(tensor) for tensor in (*facts.inputs, *facts.outputs)]
    if sorted(recorded) != sorted(found):
        raise _unusable(path, f"its inputs and outputs are not those in the {BUNDLE_CARD}")
    if facts.inputs[0].zero_point != card.preprocess.zero_point:
        raise _unusable(path, "its input is not the picture's bytes")


def _essence(tensor: TensorSpec | ModelTensor) -> tuple[str, tuple[int, ...], float, int]:
    return tensor.name, tensor.shape, tensor.scale, tensor.zero_point


def _unusable(path: Path, reason: str) -> HemotkError:
    return HemotkError(f"{path}: cannot be used in a page, as {reason}; export the run again with ‹quantize› {KIND}.")

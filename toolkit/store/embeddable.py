"""Which model of a bundle an app or a page may run: one that export checked, whose files are the recorded ones."""

import json
from collections.abc import Sequence
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


def checked_int8(folder: Path, where: str, files: Sequence[str] = ()) -> tuple[BundleCard, Variant]:
    """The card of the bundle in `folder` and its int8 variant, to be used `where`, such as "in the app".

    The golden outputs, the checks of the export and `files` must be in the bundle.

    Raises:
        HemotkError: there is no int8 model that takes the picture's bytes, gives uint8 or float32 in static shapes and
            was checked on export, or a file is not the recorded one.
    """
    card = bundle_card(folder)
    model = card.variant(KIND)
    if model is None:
        kinds = ", ".join(variant.kind for variant in card.variants)
        raise HemotkError(f"{folder}: has no {KIND} model (only {kinds}); run `hemotk export --quantize {KIND}`.")
    for name in (*files, GOLDEN_FILE, CHECKS_FILE):
        if name not in card.files:
            raise HemotkError(f"{folder / BUNDLE_CARD}: field 'files' has no '{name}'; export the run again.")
        check_sha256(folder / name, card.files[name])
    check_sha256(folder / model.file, model.sha256)
    if not _was_checked(folder / CHECKS_FILE):
        raise HemotkError(f"{folder / CHECKS_FILE}: has no check of the {KIND} model; export the run again.")
    if fault := _fault(folder / model.file, card, model):
        raise HemotkError(
            f"{folder / model.file}: cannot be used {where}, as {fault}; export the run again with ‹quantize› {KIND}."
        )
    return card, model


def _was_checked(path: Path) -> bool:
    try:
        checks = json.loads(path.read_text(encoding="utf-8"))
        return any(check["kind"] == KIND for check in checks)
    except (ValueError, TypeError, KeyError):
        return False


def _fault(path: Path, card: BundleCard, model: Variant) -> str:
    """What keeps the model itself, not only its card, from being used; empty where nothing does."""
    facts = read_facts(path)
    size = card.preprocess.size
    pixels = (1, size, size, 1)
    if [tensor.shape for tensor in facts.inputs] != [pixels]:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in facts.inputs)
        return f"takes {shapes} instead of {list(pixels)}"
    for tensors, kinds in ((facts.inputs, _INPUTS), (facts.outputs, _OUTPUTS)):
        for tensor in tensors:
            if tensor.dtype not in kinds:
                return f"'{tensor.name}' is {tensor.dtype} instead of {' or '.join(kinds)}"
            if min(tensor.shape, default=1) < 1:
                return f"'{tensor.name}' has no static shape"
    recorded = [_essence(tensor) for tensor in (model.input, *model.outputs)]
    tensors_of_file = [_essence(tensor) for tensor in (*facts.inputs, *facts.outputs)]
    if sorted(recorded) != sorted(tensors_of_file):
        return f"its inputs and outputs are not those in the {BUNDLE_CARD}"
    return "its input is not the picture's bytes" if facts.inputs[0].zero_point != card.preprocess.zero_point else ""


def _essence(tensor: TensorSpec | ModelTensor) -> tuple[str, tuple[int, ...], float, int]:
    return tensor.name, tensor.shape, tensor.scale, tensor.zero_point

"""Files and models that are no saved classifier of Keras or PyTorch, but known: what each is, and what to do."""

import re
from collections.abc import Mapping
from pathlib import Path

from hemotk.errors import HemotkError

_TFMOT = "of tensorflow-model-optimization"
_PRUNING = f"is a wrapper for pruning {_TFMOT}; save what `tfmot.sparsity.keras.strip_pruning(model)` returns"
_CLUSTERING = (
    f"is a wrapper for clustering {_TFMOT}; save what `tfmot.clustering.keras.strip_clustering(model)` returns"
)
_QUANTIZING = (
    f"is a wrapper for quantization-aware training {_TFMOT}; save the model from before `quantize_model` or "
    "`quantize_annotate_model`, because hemotk quantizes by itself"
)
_WRAPPERS: Mapping[str, str] = {
    "PruneLowMagnitude": _PRUNING,
    "ClusterWeights": _CLUSTERING,
    **dict.fromkeys(("QuantizeAnnotate", "QuantizeLayer", "QuantizeWrapper", "QuantizeWrapperV2"), _QUANTIZING),
}
# An ONNX file is a protocol buffer: its version of the format, then the producer's name, the domain, or the graph.
_ONNX = re.compile(rb"\x08[\x01-\x1f][\x12\x1a\x22\x3a]")


def refuse_wrapper(where: Path, name: str, kind: str) -> None:
    """Raise if a layer's class is one that tensorflow-model-optimization puts around others.

    Raises:
        HemotkError: with what to call before saving.
    """
    if (told := _WRAPPERS.get(kind.rpartition(">")[2])) is not None:
        raise HemotkError(f"{where}: layer '{name}' ({kind}) {told}.")


def subclassed(where: Path, kind: str) -> HemotkError:
    """The error for a model that is a class of its own: its file has weights, and no layers in order."""
    return HemotkError(
        f"{where}: is a subclassed model ({kind}), and its file does not say in which order its layers are called; in "
        "Python make a functional one of it and save that: `x = keras.Input((224, 224, 3)); "
        "keras.Model(x, model.call(x)).save('model.keras')`, with the size and channels of your pictures."
    )


def refuse_known(path: Path) -> None:
    """Raise if a file is an ONNX network or a .tflite.

    Raises:
        HemotkError: with what to do instead.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
    except OSError:
        return
    if head[4:8] == b"TFL3":
        raise HemotkError(
            f"{path}: is a .tflite, which needs no import: `hemotk predict` and `hemotk bench` take it as it is; to "
            "prune or quantize the network, import the model that it was made from."
        )
    if _ONNX.match(head):
        raise HemotkError(
            f"{path}: is an ONNX network, and hemotk imports from where it was trained; save that, in PyTorch with "
            "`torch.save(model.state_dict(), 'model.pt')`, in Keras with `model.save('model.keras')`."
        )

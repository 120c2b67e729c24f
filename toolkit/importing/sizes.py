"""The size of the picture on its way to the network: a model's own resizing, which hemotk's takes the place of."""

from dataclasses import dataclass

from hemotk.importing.layers import KerasLayer, LayerGraph

RESIZERS = frozenset({"Resizing", "CenterCrop", "RandomCrop"})


@dataclass(frozen=True)
class PictureSize:
    """Width and height of the picture, None for any; `resized` says whether a layer of the model brings it there."""

    side: int | None
    resized: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """Differences from the model, for the run card."""
        if not self.resized:
            return ()
        return (
            f"The model resizes pictures to {self.side}×{self.side} by a layer of its own. Here hemotk does it, by its "
            "own filter and after padding to a square, so scores of pictures of another size differ from the model's.",
        )


def first_size(graph: LayerGraph) -> PictureSize:
    """The size that the model's input says.

    Raises:
        HemotkError: it is no square.
    """
    _, height, width, _ = graph.shape
    if height != width:
        raise graph.refuse(graph.layers[0], f"takes pictures of {height}×{width}, and only squares are supported")
    return PictureSize(height)


def after_resizer(size: PictureSize, graph: LayerGraph, layer: KerasLayer) -> PictureSize:
    """The size behind `layer`, one of `RESIZERS`.

    Raises:
        HemotkError: no square, or a crop that takes something away.
    """
    height, width = layer.config["height"], layer.config["width"]
    if layer.config.get("data_format") not in (None, "channels_last"):
        raise graph.refuse(layer, f"has data_format {layer.config['data_format']} where channels_last is expected")
    if height != width:
        raise graph.refuse(layer, f"makes pictures of {height}×{width}, and only squares are supported")
    if height == size.side:
        return size
    if layer.kind != "Resizing":
        of = "any size" if size.side is None else f"{size.side}×{size.side}"
        raise graph.refuse(layer, f"cuts {height}×{width} out of pictures of {of}, and hemotk shows whole ones")
    return PictureSize(height, resized=True)

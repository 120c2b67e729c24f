"""Make the logit before the global average instead of behind it: what is averaged is a class-activation map."""

from dataclasses import replace

from hemotk.errors import HemotkError
from hemotk.exporting.graph.ir import Graph


def cam_head(graph: Graph) -> Graph:
    """The same network with the logit's weights as a 1×1 convolution, whose mean is the logit and which is an output.

    Exact: the average of a linear function is the function of the average.

    Raises:
        HemotkError: there are hidden layers between average and logit.
    """
    if graph.head.hidden:
        raise HemotkError(
            "cam_head: the network has hidden layers behind its global average, so there is no class-activation map; "
            "export without ‹cam›."
        )
    return replace(graph, head=replace(graph.head, cam=True))

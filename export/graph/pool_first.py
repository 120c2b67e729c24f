"""Pool before a transition's 1×1 convolution: the two commute, and the convolution costs a quarter."""

from dataclasses import replace

from hemotk.exporting.graph.ir import Graph


def pool_first(graph: Graph) -> Graph:
    """The same network with `pool_first` set in every transition. Exact: both are linear, and neither pads."""
    transitions = tuple(replace(transition, pool_first=True) for transition in graph.transitions)
    return replace(graph, transitions=transitions)

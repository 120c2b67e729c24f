"""The time of one inference, operator by operator."""

from dataclasses import dataclass


@dataclass(frozen=True)
class OperatorTime:
    """One type of operator: how often an inference runs it, and its time per inference in nanoseconds.

    `share` is its part of the sum over all operators, a fraction.
    """

    operator: str
    calls: int
    total_ns: float
    share: float


@dataclass(frozen=True)
class NodeTime:
    """One node of the graph: its index and name where the runtime gives them, its time per inference, its share."""

    node: int | None
    name: str
    operator: str
    total_ns: float
    share: float


@dataclass(frozen=True)
class LeftOutNode:
    """One node that the delegate left to the interpreter's own kernels."""

    node: int
    name: str
    operator: str


@dataclass(frozen=True)
class Profile:
    """Time per operator type and the slowest nodes, both longest first, over `runs` profiled inferences.

    `method` names what measured it. `why` says why there are no times (empty if there are), `why_left_out` why it is
    not known which nodes the delegate left out (empty if it is known: `left_out` empty then means none).
    """

    method: str
    runs: int
    operators: tuple[OperatorTime, ...] = ()
    slowest: tuple[NodeTime, ...] = ()
    why: str = ""
    left_out: tuple[LeftOutNode, ...] = ()
    why_left_out: str = ""

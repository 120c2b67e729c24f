"""The worker processes that train together, as the environment variable TF_CONFIG names them."""

import json
import os
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from hemotk.errors import HemotkError

StrategyName: TypeAlias = Literal["none", "mirrored", "multiworker"]
VARIABLE = "TF_CONFIG"
_EXAMPLE = (
    '{"cluster": {"worker": ["HOST:PORT", "HOST:PORT"]}, "task": {"type": "worker", "index": 0}}, '
    "with another index for each worker"
)


@dataclass(frozen=True)
class Cluster:
    """The addresses of all workers, as HOST:PORT, and which of them this process is (`rank`, from 0, the chief)."""

    workers: tuple[str, ...]
    rank: int

    @property
    def chief(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0


def read_cluster(text: str | None = None) -> Cluster:
    """The cluster that `text`, or the environment, describes.

    The chief is the task of type 'chief', or worker 0 where there is none.

    Raises:
        HemotkError: not set, no JSON, an address that is there twice, or a task that is none of the cluster's.
    """
    text = os.environ.get(VARIABLE) if text is None else text
    if not text:
        raise HemotkError(f"{VARIABLE}: is not set, as ‹strategy› multiworker needs it; set it to {_EXAMPLE}.")
    try:
        config = json.loads(text)
        cluster, task = config["cluster"], config["task"]
        jobs = {job: _addresses(cluster, job) for job in ("chief", "worker")}
        kind, index = str(task["type"]), int(task["index"])
        others = sorted(set(cluster) - set(jobs))
    except (KeyError, OverflowError, TypeError, ValueError) as error:
        raise HemotkError(f"{VARIABLE}: is no description of workers; set it to {_EXAMPLE}.") from error
    if others or len(jobs["chief"]) > 1:
        raise HemotkError(
            f"{VARIABLE}: names {others[0] if others else 'more than one chief'}; only workers and one chief train."
        )
    if kind not in jobs or not 0 <= index < len(jobs[kind]):
        raise HemotkError(
            f"{VARIABLE}: task {kind} {index} is none of the cluster's {len(jobs['chief'] + jobs['worker'])}; "
            "count each type from 0."
        )
    workers = jobs["chief"] + jobs["worker"]
    if twice := [address for address, count in Counter(workers).items() if count > 1]:
        raise HemotkError(f"{VARIABLE}: names {twice[0]} more than once; give each worker an address of its own.")
    return Cluster(workers, index + (len(jobs["chief"]) if kind == "worker" else 0))


def _addresses(cluster: Any, job: str) -> tuple[str, ...]:
    addresses = cluster.get(job, []) if isinstance(cluster, dict) else None
    if not isinstance(addresses, list) or not all(
        isinstance(one, str) and one.rpartition(":")[2].isdigit() for one in addresses
    ):
        raise ValueError(job)
    return tuple(addresses)

"""What channels are chosen by, and what is lost: the same cost by one table, chosen by MACs and by each table.

    python studies/chosen_by.py RUN TARGET.json [OTHER.json …]

For each share of what RUN takes by TARGET, the largest network within it: its multiply-accumulates, and the share of
the channels' importance, by the weights alone, that it lost. Nothing is trained.
"""

from collections.abc import Callable
from pathlib import Path

import click

from hemotk.artifacts import RUN_CARD, SHAPE_FILE, WEIGHTS_FILE, CostTable, RunCard
from hemotk.errors import HemotkError
from hemotk.models.shape import DenseNetShape
from hemotk.models.weights import read_weights
from hemotk.pruning.channels.budget import choose
from hemotk.pruning.channels.cost import table_total
from hemotk.pruning.channels.importance import ChannelScores, magnitude
from hemotk.pruning.channels.keep import KeepSet
from hemotk.pruning.channels.surgery import cut_shape

SHARES = (0.7, 0.5, 0.35)
HALVINGS = 12


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("tables", type=click.Path(path_type=Path), nargs=-1, required=True)
def main(run: Path, tables: tuple[Path, ...]) -> None:
    """Choose and print."""
    shape, size = DenseNetShape.read(run / SHAPE_FILE), RunCard.read(run / RUN_CARD).preprocess.size
    scores = magnitude(shape, read_weights(run / WEIGHTS_FILE, shape))
    target = CostTable.read(tables[0])
    ways = {"MACs": None, **{str(path): CostTable.read(path) for path in tables}}
    click.echo(f"{'share':>6} {'MACs':>7} {'lost':>7}  chosen by")
    for share in SHARES:
        for name, table in ways.items():

            def kept(macs: float, table: CostTable | None = table) -> KeepSet:
                return choose(shape, scores, size, macs, table=table)

            keep = largest(kept, lambda keep: table_total(target, cut_shape(shape, keep)), share, shape, target)
            if keep is not None:
                macs = cut_shape(shape, keep).macs(size) / shape.macs(size)
                click.echo(f"{share:6g} {macs:7.3f} {lost(scores, keep):7.4f}  {name}")


def largest(
    kept: Callable[[float], KeepSet],
    taken: Callable[[KeepSet], float],
    share: float,
    shape: DenseNetShape,
    target: CostTable,
) -> KeepSet | None:
    """The most channels that take at most `share` of what the whole network takes; None where none are found."""
    low, high, best = 0.0, 1.0, None
    for _ in range(HALVINGS):
        macs = (low + high) / 2
        try:
            keep = kept(macs)
        except HemotkError:  # narrower than widths may be
            low = macs
            continue
        if taken(keep) <= share * table_total(target, shape):
            low, best = macs, keep
        else:
            high = macs
    return best


def lost(scores: ChannelScores, keep: KeepSet) -> float:
    """The share of the importance of all channels that is gone."""
    left = sum(values[list(channels)].sum() for values, channels in zip(scores.values, keep.flat(), strict=True))
    return float(1 - left / sum(values.sum() for values in scores.values))


if __name__ == "__main__":
    main()

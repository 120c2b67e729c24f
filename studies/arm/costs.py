"""`PYTHONPATH=studies python -m arm.costs FILE`: the table of what parts take for `hemotk prune --costs`, for Arm."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from arm.emulator import CPU, Missing, profiled, qemu_version, set_up
from hemotk.benchmarks.measure.litert import Event
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing
from hemotk.quiet import import_tensorflow
from hemotk.sweep.part_costs import Target, measure_costs
from hemotk.tflite.runtime import find_runtime

INFERENCES = 2


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(32), required=True, help="Height and width of the run's pictures.")
@click.option("--blocks", type=click.IntRange(1), default=4, show_default=True, help="Blocks of the run's DenseNet.")
@click.option("--overwrite", is_flag=True, help="Replace FILE.")
def main(*, file: Path, size: int, blocks: int, overwrite: bool) -> None:
    """Count the instructions of the parts of int8 DenseNets on an emulated Arm processor, and write the table to FILE.

    Ends with 0 (also when this machine lacks something for it, which is then said), 2 on wrong use or bad input.
    """
    try:
        refuse_existing(file, overwrite)
        set_up()
        import_tensorflow()
        table = measure_costs(target(), size, blocks, lambda what, done, total, note="": None)
        table.write(file, overwrite=overwrite)
        click.echo(f"wrote {file}; the sum of its parts was {table.error:.1%} from a whole network's instructions")
    except Missing as reason:
        click.echo(f"arm.costs: skipped: {reason}")
    except HemotkError as error:
        click.echo(f"arm.costs: {error}", err=True)
        sys.exit(error.exit_code)


def target() -> Target:
    """The emulated processor."""

    def events(model: Path, size: int) -> Sequence[Sequence[Event]]:
        return profiled(model, size, INFERENCES)

    features = ("asimd", "asimddp")
    return Target(str(find_runtime()), f"{CPU} (qemu {qemu_version()})", features, "instructions", events)


if __name__ == "__main__":
    main()

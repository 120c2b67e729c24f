"""Read files of a device's bench as `hemotk bench --import` does: `python read_device.py BUNDLE FILE...`."""

import sys
from pathlib import Path

from hemotk.benchmarks.measure.imported import import_devices
from hemotk.store.bundle import open_with_testset


def main(bundle: Path, files: list[Path]) -> None:
    """Say what is in each file; ends with an error where a score is missing or is of other pixels."""
    opened = open_with_testset(bundle)
    for file in files:
        _, rows = import_devices([file], [opened])
        for row in rows:
            print(f"{file.name}: {row.variant.file}, {len(row.scores)} of {len(opened.items)} images")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])

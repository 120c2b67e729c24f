"""A made-up folder in the layout of the RSNA 2019 set, of any size.

`python tests/helpers/rsna_files.py FOLDER` writes one of the set's own size: 4,516,842 rows, 752,803 files.
"""

import os
import sys
from pathlib import Path

import numpy as np
from dicom_files import content, dataset

ROWS = ("epidural", "intraparenchymal", "intraventricular", "subarachnoid", "subdural", "any")
IMAGES, PATIENTS, REPEATED = 752_803, 18_938, 4
_ROOM = "ID_00000000"


def write_rsna(folder: Path, images: int, patients: int, *, repeated: int = 0, seed: int = 0) -> list[str]:
    """Write `folder`; the ids of its images, in the table's order.

    The slices of a patient are links to one file: all that differs between patients is PatientID and the pixels.
    `repeated` images stand in the table twice.
    """
    rng = np.random.default_rng(seed)
    ids = [f"ID_{number:09x}" for number in rng.choice(16**9, images, replace=False)]
    (folder / "stage_2_train").mkdir(parents=True)
    whose = np.sort(np.concatenate([np.arange(patients), rng.integers(0, patients, images - patients)]))
    firsts: dict[int, Path] = {}
    template = content(dataset(np.full((16, 16), 1024), PatientID=_ROOM))
    for name, patient in zip(ids, whose.tolist(), strict=True):
        path = folder / "stage_2_train" / f"{name}.dcm"
        if patient in firsts:
            os.link(firsts[patient], path)
        else:
            pixels = np.full(256, 1024 + patient % 80, "<i2").tobytes()
            path.write_bytes(template.replace(_ROOM.encode(), f"ID_{patient:08x}".encode())[: -len(pixels)] + pixels)
            firsts[patient] = path
    rng.shuffle(ids)
    _write_table(folder / "stage_2_train.csv", ids + ids[:repeated], rng)
    return ids


def _write_table(table: Path, ids: list[str], rng: np.random.Generator) -> None:
    labels: dict[str, tuple[int, ...]] = {}
    draws = rng.random((len(ids), 5)) < 0.03
    with table.open("w") as stream:
        stream.write("ID,Label\n")
        for name, draw in zip(ids, draws.tolist(), strict=True):
            subtypes = labels.setdefault(name, (*map(int, draw), int(any(draw))))
            stream.write("".join(f"{name}_{row},{label}\n" for row, label in zip(ROWS, subtypes, strict=True)))


if __name__ == "__main__":
    write_rsna(Path(sys.argv[1]), IMAGES, PATIENTS, repeated=REPEATED)

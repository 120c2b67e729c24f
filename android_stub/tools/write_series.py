"""A DICOM series with what Python says about it, for the tests of the app's screens.

Run as `python write_series.py BUNDLE FOLDER`, with tests/helpers on the path.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from dicom_files import content, dataset
from numpy.typing import NDArray

from hemotk.data.phantom.draw import draw_slice
from hemotk.data.read.dicom import was_wrapped
from hemotk.data.series import in_order
from hemotk.predict.classify import PictureClassifier, model_of_bundle, series_verdict

SEED, SLICES = 47, 5


def main(bundle: Path, out: Path) -> None:
    """Write `series/`, `series.json` and `series-of-another.dcm`."""
    folder = out / "series"
    folder.mkdir(parents=True, exist_ok=True)
    for place, name in enumerate(np.random.default_rng(SEED).permutation(SLICES).tolist()):
        gray = draw_slice(SEED, place, hemorrhage=place < 3, slice_offset=2 * place - 4)
        (folder / f"s{name + 8}.dcm").write_bytes(slice_at(gray, place, wraps=place == 1))
    another = slice_at(draw_slice(SEED, 9, hemorrhage=False), 2, PatientID="another")
    (out / "series-of-another.dcm").write_bytes(another)
    classifier = PictureClassifier(model_of_bundle(bundle, "int8"))
    model = classifier.model
    ordered = in_order(sorted(folder.iterdir()))
    predictions = [classifier.classify(path) for path in ordered]
    found = series_verdict(model.labels, predictions, model.series_point(None if model.study else 3))
    slices = [
        {"name": path.name, "probability": one.probability, "verdict": one.verdict, "corrected": was_wrapped(path)}
        for path, one in zip(ordered, predictions, strict=True)
    ]
    said = {
        "verdict": found.verdict,
        "probability": found.probability,
        "threshold": found.threshold,
        "k": found.k,
        "assumed": model.study is None,
        "slices": slices,
    }
    (out / "series.json").write_text(json.dumps(said), encoding="utf-8")


def slice_at(gray: NDArray[np.uint8], place: int, *, wraps: bool = False, **elements: Any) -> bytes:
    """A slice that the brain window shows as about this gray, with air around; `wraps` as some scanners wrote it."""
    units = np.rint(gray.astype(float) * 80 / 255).astype(int)
    units[gray == 0] = -1000
    where = {"ImagePositionPatient": [0, 0, place * 2.5], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    if wraps:
        return content(dataset(units % 4096, bits=12, signed=False, intercept="0", **where, **elements))
    return content(dataset(units + 1024, InstanceNumber=place, **where, **elements))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

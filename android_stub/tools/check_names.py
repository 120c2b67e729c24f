"""Look for the names of a bundle's pictures in an .apk: `python check_names.py BUNDLE APK`.

Ends with 1 if one is in it.
"""

import sys
import zipfile
from pathlib import Path

from hemotk.artifacts import BUNDLE_CARD, TESTSET_CARD, TESTSET_SUFFIX, BundleCard, CalibrationManifest, TestSetCard


def main(bundle: Path, apk: Path) -> None:
    """Say how many names were looked for."""
    names = pictures(bundle)
    with zipfile.ZipFile(apk) as archive:
        contents = [archive.read(name) for name in archive.namelist()]
    for name in names:
        if any(name.encode(encoding) in content for content in contents for encoding in ("utf-8", "utf-16-le")):
            sys.exit(f"{apk}: holds the name of a picture, '{name}'")
    print(f"{len(names)} names of pictures are in none of the {len(contents)} files of {apk.name}")


def pictures(bundle: Path) -> set[str]:
    """What the files are called that the bundle was tested and calibrated on."""
    beside = bundle.with_name(bundle.name + TESTSET_SUFFIX)
    card = BundleCard.read(bundle / BUNDLE_CARD)
    paths = [item.id for item in TestSetCard.read(beside / TESTSET_CARD).items]
    calibrated = card.calibration or CalibrationManifest.read(beside / card.calibrated_on.manifest).items
    paths += [item.path for item in calibrated]
    return {name for path in paths for name in (path, Path(path).name)}


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

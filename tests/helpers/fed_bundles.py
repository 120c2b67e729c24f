"""A bundle of a network whose logit tells pictures apart, with its golden set, for what apps are given."""

from collections.abc import Mapping
from pathlib import Path

from converted_bundles import SPEC, draw_images, edit_card, write_bundle

from hemotk.artifacts import BUNDLE_CARD, BundleCard, RuntimeSpread
from hemotk.embedding.feeding import Feeding
from hemotk.embedding.golden import golden_files
from hemotk.embedding.readme import README, readme
from hemotk.exporting.golden import golden_pictures
from hemotk.files import sha256_bytes

THRESHOLD, TEMPERATURE = 0.3, 1.75


def write_fed_bundle(folder: Path, models: Mapping[str, bytes]) -> Path:
    """A bundle of `models` (kind → bytes) with README, golden.json and its PNG files, as an export writes them."""
    images = draw_images()
    write_bundle(folder, models, images, [row % 2 for row in range(len(images))])
    spread = RuntimeSpread(("here",), 0.0, 0.0, 0.05)
    edit_card(folder, threshold=THRESHOLD, temperature=TEMPERATURE, runtimes=dict.fromkeys(models, spread))
    card = BundleCard.read(folder / BUNDLE_CARD)
    feeding = Feeding.of(card)
    files = {**golden_files(feeding, models, golden_pictures()), README: readme(feeding).encode()}
    for name, content in files.items():
        (folder / name).write_bytes(content)
    edit_card(folder, files={**card.files, **{name: sha256_bytes(content) for name, content in files.items()}})
    assert card.preprocess == SPEC
    return folder

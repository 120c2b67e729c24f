"""The Android app with a bundle in its assets, ready to be opened in Android Studio.

It is made to be handed on: no file in it names a picture, a path or a person. Cards are written anew, not copied.
"""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hemotk.android.options import AppOptions, write_options
from hemotk.android.selfcheck import golden_set
from hemotk.android.vectors import resize_vectors
from hemotk.artifacts import (
    BUNDLE_CARD,
    GOLDEN_FILE,
    LABELS_FILE,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    BundleCard,
    TestSetCard,
    Variant,
)
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, new_folder
from hemotk.store.cards import card_of_testset
from hemotk.store.embeddable import checked_int8

MODEL_CARD = "MODEL_CARD.md"
ASSETS = Path("app/src/main/assets")
VECTORS = Path("core/src/test/vectors/resize.json")

# The tests of the core that need no files but those which the project holds.
CORE_TESTS = (
    "GoldenPixelsTest",
    "ResizeTest",
    "BenchTest",
    "BundleTest",
    "HistoryTest",
    "JsonTest",
    "ModelTest",
    "MemoryFolder",
)

# The parts of the app's folder that make the app; the rest builds and tests it without the Android SDK.
SOURCES = (
    "README.md",
    ".gitignore",
    "*.kts",
    "gradlew",
    "gradlew.bat",
    "gradle.properties",
    "gradle/*.toml",
    "gradle/wrapper/*",
    "core/*.kts",
    "core/src/main/**/*",
    *(f"core/src/test/kotlin/org/hemotk/core/{name}.kt" for name in CORE_TESTS),
    "runtime/*.kts",
    "runtime/*.pro",
    "runtime/src/main/**/*",
    "app/*.kts",
    "app/*.pro",
    "app/src/main/**/*",
    "app/src/androidTest/**/*",
)
_MARK = "settings.gradle.kts"


@dataclass(frozen=True)
class AndroidApp:
    """The written app: its folder, the bundle in it, its model, and how many test images are in it.

    `named` counts the images that the bundle's own card names; the card in the app names none.
    """

    folder: Path
    bundle: str
    model: Variant
    test_images: int
    named: int


def make_app(
    bundle: Path,
    out: Path,
    options: AppOptions | None = None,
    *,
    with_testset: bool = False,
    overwrite: bool = False,
) -> AndroidApp:
    """Copy the app to the new folder `out`, with the int8 model of `bundle` in its assets.

    The assets hold no picture of a person unless `with_testset` asks for the test split, which the app's bench scores:
    those pictures are known by their numbers, and no label goes with them.

    `options` are the app's own id, name and version. The assets also hold the golden set that the app checks itself by
    at every start.

    Raises:
        HemotkError: the bundle has no int8 model that takes uint8 in static shapes and was checked on export, a file is
            not the recorded one, or `out` exists and `overwrite` is false.
    """
    card, model = checked_int8(bundle, "in the app", (LABELS_FILE,))
    files = {bundle / name: ASSETS / "bundle" / name for name in (LABELS_FILE, GOLDEN_FILE, model.file)}
    if MODEL_CARD in card.files:
        check_sha256(bundle / MODEL_CARD, card.files[MODEL_CARD])
        files[bundle / MODEL_CARD] = ASSETS / "about" / MODEL_CARD
    content, images = card.nameless(), 0
    cards: dict[Path, bytes] = {}
    if with_testset:
        folder = bundle.resolve().with_name(bundle.resolve().name + TESTSET_SUFFIX)
        testset = _checked_testset(folder, card).nameless()
        content, images = replace(content, testset=testset.sha256()), len(testset.items)
        files[folder / TESTSET_IMAGES] = ASSETS / "testset" / TESTSET_IMAGES
        cards[ASSETS / "testset" / TESTSET_CARD] = testset.to_json()
    cards[ASSETS / "bundle" / BUNDLE_CARD] = content.to_json()
    for name, data in golden_set(bundle, model, card.preprocess).items():
        cards[ASSETS / "selfcheck" / name] = data
    cards[VECTORS] = resize_vectors(card.preprocess.size)
    source = app_folder()
    with new_folder(out, overwrite=overwrite) as aside:
        for path in app_sources(source):
            _copy(path, aside / path.relative_to(source))
        for path, place in files.items():
            _copy(path, aside / place)
        for place, data in cards.items():
            (aside / place).parent.mkdir(parents=True, exist_ok=True)
            (aside / place).write_bytes(data)
        write_options(aside, options or AppOptions())
    return AndroidApp(out, card.name, model, images, len(card.calibration))


def app_folder() -> Path:
    """The folder of the app's sources: in the installed package, or beside it in a checkout.

    Raises:
        HemotkError: in neither place.
    """
    here = Path(__file__).resolve().parents[1]
    for folder in (here / "android_stub", here.parent / "android_stub"):
        if (folder / _MARK).is_file():
            return folder
    raise HemotkError(f"{here / 'android_stub'}: the app's sources are not installed; install hemotk again.")


def app_sources(folder: Path) -> Iterator[Path]:
    """The files of the app in `folder`, without what tests it and without what was built."""
    for pattern in SOURCES:
        yield from sorted(path for path in folder.glob(pattern) if path.is_file())


def _copy(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)


def _checked_testset(folder: Path, card: BundleCard) -> TestSetCard:
    """The card of the test split, whose pictures are checked."""
    check_sha256(folder / TESTSET_CARD, card.testset)
    content = card_of_testset(folder)
    check_sha256(folder / TESTSET_IMAGES, content.images)
    return content

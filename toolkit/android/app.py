"""The Android app with a bundle in its assets, ready to be opened in Android Studio.

It is made to be handed on: no file in it names a picture, a path or a person. Cards are written anew, not copied.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from hemotk.android.options import AppOptions, write_options
from hemotk.android.selfcheck import golden_set
from hemotk.artifacts import (
    BUNDLE_CARD,
    GOLDEN_FILE,
    LABELS_FILE,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    BundleCard,
    TensorSpec,
    TestSetCard,
    Variant,
)
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, new_folder
from hemotk.store.cards import bundle_card, card_of_testset
from hemotk.tflite.facts import ModelTensor, read_facts

KIND = "int8"
CHECKS_FILE = "checks.json"
MODEL_CARD = "MODEL_CARD.md"
ASSETS = Path("app/src/main/assets")

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
    "core/src/test/kotlin/org/hemotk/core/GoldenPixelsTest.kt",
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
    card = bundle_card(bundle)
    model = _checked_model(bundle, card)
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


def _checked_model(bundle: Path, card: BundleCard) -> Variant:
    """The int8 variant, if an app can run it and everything that goes with it is the recorded file."""
    model = card.variant(KIND)
    if model is None:
        kinds = ", ".join(variant.kind for variant in card.variants)
        raise HemotkError(f"{bundle}: has no {KIND} model (only {kinds}); run `hemotk export --quantize {KIND}`.")
    for name in (LABELS_FILE, GOLDEN_FILE, CHECKS_FILE):
        if name not in card.files:
            raise HemotkError(f"{bundle / BUNDLE_CARD}: field 'files' has no '{name}'; export the run again.")
        check_sha256(bundle / name, card.files[name])
    check_sha256(bundle / model.file, model.sha256)
    if not _was_checked(bundle / CHECKS_FILE):
        raise HemotkError(f"{bundle / CHECKS_FILE}: has no check of the {KIND} model; export the run again.")
    _check_tensors(bundle / model.file, card, model)
    return model


def _was_checked(path: Path) -> bool:
    try:
        checks = json.loads(path.read_text(encoding="utf-8"))
        return any(check["kind"] == KIND for check in checks)
    except (ValueError, TypeError, KeyError):
        return False


def _check_tensors(path: Path, card: BundleCard, model: Variant) -> None:
    """Hold the model itself, not only its card, against what the app expects."""
    facts = read_facts(path)
    size = card.preprocess.size
    pixels = (1, size, size, 1)
    if [tensor.shape for tensor in facts.inputs] != [pixels]:
        shapes = ", ".join(str(list(tensor.shape)) for tensor in facts.inputs)
        raise _unusable(path, f"takes {shapes} instead of {list(pixels)}")
    for tensor, allowed in [
        *((tensor, ("uint8",)) for tensor in facts.inputs),
        *((tensor, ("uint8", "float32")) for tensor in facts.outputs),
    ]:
        if tensor.dtype not in allowed:
            raise _unusable(path, f"'{tensor.name}' is {tensor.dtype} instead of {' or '.join(allowed)}")
        if min(tensor.shape, default=1) < 1:
            raise _unusable(path, f"'{tensor.name}' has no static shape")
    recorded = [_essence(tensor) for tensor in (model.input, *model.outputs)]
    tensors = [_essence(tensor) for tensor in (*facts.inputs, *facts.outputs)]
    if sorted(recorded) != sorted(tensors):
        raise _unusable(path, f"its inputs and outputs are not those in the {BUNDLE_CARD}")
    if facts.inputs[0].zero_point != card.preprocess.zero_point:
        raise _unusable(path, "its input is not the picture's bytes")


def _essence(tensor: TensorSpec | ModelTensor) -> tuple[str, tuple[int, ...], float, int]:
    return tensor.name, tensor.shape, tensor.scale, tensor.zero_point


def _unusable(path: Path, reason: str) -> HemotkError:
    return HemotkError(f"{path}: cannot be used in the app, as {reason}; export the run again with ‹quantize› {KIND}.")


def _checked_testset(folder: Path, card: BundleCard) -> TestSetCard:
    """The card of the test split, whose pictures are checked."""
    check_sha256(folder / TESTSET_CARD, card.testset)
    content = card_of_testset(folder)
    check_sha256(folder / TESTSET_IMAGES, content.images)
    return content

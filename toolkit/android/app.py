"""The Android app with a bundle in its assets, ready to be opened in Android Studio.

It is made to be handed on: no file in it names a picture, a path or a person. Cards are written anew, not copied.
"""

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from hemotk.android.models import (
    NAMES_FILE,
    AppModel,
    Embedded,
    check_count,
    check_together,
    embedded,
    names_resource,
    roots,
)
from hemotk.android.options import AppOptions, write_options
from hemotk.android.recorded import RECORDED_FILE, recorded_file
from hemotk.android.vectors import resize_vectors
from hemotk.artifacts import Variant
from hemotk.errors import HemotkError
from hemotk.files import new_folder

ASSETS = Path("app/src/main/assets")
VECTORS = Path("core/src/test/vectors")

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
# Those of the screens that need no runtime for the computer's own processor.
APP_TESTS = ("ScreenCase", "RecordedRuntime", "RecordedScreenTest")

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
    *(f"app/src/test/kotlin/org/hemotk/app/{name}.kt" for name in APP_TESTS),
    "app/src/androidTest/**/*",
)
_MARK = "settings.gradle.kts"


@dataclass(frozen=True)
class AndroidApp:
    """The written app: its folder, and the models in it, in the order in which the app offers them."""

    folder: Path
    models: tuple[AppModel, ...]

    @property
    def bundle(self) -> str:
        """The name of the first bundle, whose model the app asks unless another one is chosen."""
        return self.models[0].bundle

    @property
    def model(self) -> Variant:
        """The model of the first bundle."""
        return self.models[0].model

    @property
    def test_images(self) -> int:
        """How many test images are in the app."""
        return sum(model.test_images for model in self.models)

    @property
    def named(self) -> int:
        """How many images the bundles' own cards name; the cards in the app name none."""
        return sum(model.named for model in self.models)


def make_app(
    bundles: Sequence[Path],
    out: Path,
    options: AppOptions | None = None,
    *,
    with_testset: bool = False,
    overwrite: bool = False,
) -> AndroidApp:
    """Copy the app to the new folder `out`, with the int8 model of each of `bundles` in its assets.

    The assets hold no picture of a person unless `with_testset` asks for the test splits, which the app's bench scores:
    those pictures are known by their numbers, and no label goes with them.

    `options` are the app's own id, name and version. The assets also hold the golden set of each model, by which the
    app checks itself whenever it loads that model.

    Raises:
        HemotkError: a bundle has no int8 model that takes uint8 in static shapes and was checked on export, a file is
            not the recorded one, bundles that one app cannot hold, or `out` exists and `overwrite` is false.
    """
    check_count(bundles)
    models = [embedded(bundle, with_testset=with_testset) for bundle in bundles]
    check_together(models)
    source = app_folder()
    with new_folder(out, overwrite=overwrite) as aside:
        for path in app_sources(source):
            _copy(path, aside / path.relative_to(source))
        for model, root in zip(models, roots(models), strict=True):
            _put(model, aside / ASSETS / root)
        for size in {model.card.preprocess.size for model in models}:
            _write(aside / VECTORS / f"resize-{size}.json", resize_vectors(size))
        _write(aside / RECORDED_FILE, recorded_file([model.record for model in models]))
        names = aside / NAMES_FILE
        names.write_text(names_resource(models, names.read_text(encoding="utf-8")), encoding="utf-8")
        write_options(aside, options or AppOptions())
    return AndroidApp(out, tuple(model.facts for model in models))


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


def _put(model: Embedded, assets: Path) -> None:
    for place, path in model.copied.items():
        _copy(path, assets / place)
    for place, content in model.written.items():
        _write(assets / place, content)


def _write(place: Path, content: bytes) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(content)


def _copy(path: Path, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, place)

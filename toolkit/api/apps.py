"""Apps with a bundle in them."""

from pathlib import Path

from hemotk.android import AndroidApp, make_app
from hemotk.api.common import PathLike
from hemotk.store.bundle import StoredBundle

__all__ = ["AndroidApp", "android_app"]


def android_app(
    bundle: PathLike | StoredBundle, out: PathLike, *, with_testset: bool = False, overwrite: bool = False
) -> AndroidApp:
    """Write the Android app with the int8 model of `bundle` in it to the new folder `out`, ready for Android Studio.

    With `with_testset` the test set goes into the app, for its bench: then pictures of people leave this machine with
    the app, without names and labels.

    Raises:
        HemotkError: the bundle has no int8 model that an app can use, a file is not the recorded one, or `out` exists
            and `overwrite` is false.
    """
    folder = bundle.folder if isinstance(bundle, StoredBundle) else Path(bundle)
    return make_app(folder, Path(out), with_testset=with_testset, overwrite=overwrite)

"""Apps and pages with a bundle in them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hemotk.android import AndroidApp, AppOptions, make_app
from hemotk.android.options import APPLICATION_ID
from hemotk.api.common import PathLike
from hemotk.artifacts import ComparedOutputs
from hemotk.embedding import snippets
from hemotk.embedding.text import text
from hemotk.embedding.verify import compare
from hemotk.store.bundle import StoredBundle
from hemotk.web.site import WebPage, make_site

__all__ = ["AndroidApp", "Verification", "WebPage", "android_app", "snippet", "verify", "web_page"]


@dataclass(frozen=True)
class Verification:
    """Which step of an app differs from a bundle; `found` is the data."""

    found: ComparedOutputs

    @property
    def agrees(self) -> bool:
        """Whether no step that was given differs."""
        return self.found.agrees

    @property
    def lines(self) -> tuple[str, ...]:
        """The comparison as text for a terminal."""
        return tuple(text(self.found))

    def to_json(self) -> str:
        """The comparison as JSON."""
        return self.found.to_json().decode()

    def __repr__(self) -> str:
        return f"<hemotk.Verification of {self.found.model}: {self.lines[-1]}>"


def android_app(
    bundle: PathLike | StoredBundle | Sequence[PathLike | StoredBundle],
    out: PathLike,
    *,
    application_id: str = APPLICATION_ID,
    name: str = "hemotk",
    app_version: str = "1",
    secure: bool = False,
    with_testset: bool = False,
    overwrite: bool = False,
) -> AndroidApp:
    """Write the Android app with the int8 model of `bundle` in it to the new folder `out`, ready for Android Studio.

    With several bundles the app has a chooser, and the first one is asked unless another is chosen. They must have
    different names and the same classes.

    `application_id` is the id by which phones and stores tell the app from others, `name` stands under its icon,
    `app_version` is one to three numbers with dots. With `secure` the app allows no screenshots.
    With `with_testset` the test set goes into the app, for its bench: then pictures of people leave this machine with
    the app, without names and labels.

    Raises:
        HemotkError: a bundle has no int8 model that an app can use, a file is not the recorded one, bundles that one
            app cannot hold, an option that phones would refuse, or `out` exists and `overwrite` is false.
    """
    given = [bundle] if isinstance(bundle, StoredBundle | str | os.PathLike) else bundle
    folders = [each.folder if isinstance(each, StoredBundle) else Path(each) for each in given]
    options = AppOptions(application_id, name, app_version, secure)
    return make_app(folders, Path(out), options, with_testset=with_testset, overwrite=overwrite)


def web_page(
    bundle: PathLike | StoredBundle,
    out: PathLike,
    *,
    single_file: bool = False,
    with_testset: bool = False,
    overwrite: bool = False,
) -> WebPage:
    """Write a web page that runs the int8 model of `bundle` in the browser to the new folder `out`.

    The folder can be copied to any web server. With `single_file`, `out` is one .html file, which a browser opens
    without a server. With `with_testset` the test set goes into the page, for its bench: then pictures of people leave
    this machine with the page, without names and labels.

    Raises:
        HemotkError: the bundle has no int8 model that a page can use, a file is not the recorded one, or `out` exists
            and `overwrite` is false.
    """
    folder = bundle.folder if isinstance(bundle, StoredBundle) else Path(bundle)
    return make_site(folder, Path(out), single_file=single_file, with_testset=with_testset, overwrite=overwrite)


def snippet(bundle: PathLike | StoredBundle, language: str, *, variant: str | None = None) -> str:
    """The source code that feeds a model of `bundle` and reads its verdict, with a test on the bundle's drawn pictures.

    `language` is 'kotlin', 'swift', 'dart', 'javascript', 'python' or 'cpp'. `variant` is the model, by default int8.

    Raises:
        HemotkError: an unknown language, no such variant, one that no snippet feeds, a bundle without golden.json, or a
            file that is not the recorded one.
    """
    folder = bundle.folder if isinstance(bundle, StoredBundle) else Path(bundle)
    return snippets.snippet(folder, language, variant)


def verify(bundle: PathLike | StoredBundle, against: PathLike) -> Verification:
    """Say which step of an app differs from `bundle`, from what the app made of the bundle's golden pictures.

    `against` is a JSON file (schema hemotk.outputs/1, see docs/embedding.md) with the gray bytes, the pixels, the
    tensor, the logit, the probability and the verdict of each picture, or with some of them. The usual mistakes are
    tried, and one is named if it explains the values of every picture.

    Raises:
        HemotkError: no readable bundle or file, a bundle without golden.json, a picture or model that the bundle has
            not, or no values.
    """
    folder = bundle.folder if isinstance(bundle, StoredBundle) else Path(bundle)
    return Verification(compare(folder, Path(against)))

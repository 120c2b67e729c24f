"""A site, or one HTML file, that runs a bundle in a browser; made to be handed on: it names no file and nobody."""

import datetime
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hemotk._version import VERSION
from hemotk.artifacts import (
    SITE_CARD,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    BundleCard,
    SiteCard,
    Variant,
)
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, new_folder, refuse_existing, sha256_bytes, write_bytes
from hemotk.stats.metrics import calibrated
from hemotk.store.cards import card_of_testset
from hemotk.store.embeddable import checked_int8
from hemotk.web import icons
from hemotk.web.golden import TOLERANCE, golden_part
from hemotk.web.page_file import Programs, html_page
from hemotk.web.runtime import load_runtime, text_of

INDEX = "index.html"
SUFFIX = ".html"
MOST_TEST_BYTES = 100_000_000
_VERSION_MARK = "__VERSION__"
# What the page says as the bundle does.
_SHARED = ("arch", "labels", "preprocess", "threshold", "temperature", "study", "intended_use")


@dataclass(frozen=True)
class WebPage:
    """The written page: its folder or file, the bundle and the model in it, its bytes, its number of test images."""

    place: Path
    bundle: str
    model: Variant
    bytes: int
    test_images: int


def make_site(
    bundle: Path, out: Path, *, single_file: bool = False, with_testset: bool = False, overwrite: bool = False
) -> WebPage:
    """Write the page with the int8 model of `bundle` to the folder `out`, or as one file.

    It holds no picture of a person unless `with_testset` asks for the test split, which the page's bench scores: those
    pictures are known by their numbers, and no label goes with them.

    Raises:
        HemotkError: the bundle has no int8 model that a page can run and that was checked on export, a file is not the
            recorded one, or `out` exists and `overwrite` is false.
    """
    if single_file and out.suffix.lower() != SUFFIX:
        raise HemotkError(f"‹out› {out}: is one file with ‹single_file›; name a {SUFFIX} file.")
    refuse_existing(out, overwrite)
    card, parts = page_contents(bundle, with_testset=with_testset)
    programs = Programs.load()
    page = html_page(programs, card, parts, installable=not single_file)
    if single_file:
        write_bytes(out, page, overwrite=overwrite)
    else:
        with new_folder(out, overwrite=overwrite) as aside:
            for name, content in site_files(card, page).items():
                (aside / name).write_bytes(content)
    return WebPage(out, card.bundle, card.model, len(page), card.test_images)


def site_files(card: SiteCard, page: bytes) -> Mapping[str, bytes]:
    """The files of a site by name, the page among them."""
    return {
        SITE_CARD: card.to_json(),
        INDEX: page,
        "sw.js": text_of("sw.js").replace(_VERSION_MARK, sha256_bytes(page)).encode(),
        "manifest.webmanifest": _manifest(card),
        "icon.svg": icons.svg().encode(),
        **{f"icon-{size}.png": icons.png(size) for size in icons.SIZES},
    }


def page_contents(bundle: Path, *, with_testset: bool) -> tuple[SiteCard, Mapping[str, bytes]]:
    """The card of the page and its parts, unpacked."""
    card, model = checked_int8(bundle, "in a page")
    runtime = load_runtime()
    golden, pictures = golden_part(bundle, model, card.preprocess.size)
    parts = {"model": (bundle / model.file).read_bytes(), "golden": golden, **runtime.files}
    images, parents = 0, {"bundle": card.nameless().sha256()}
    if with_testset:
        images, parts["testset"] = _test_images(bundle, card)
        parents["testset"] = card.testset
    facts = {name: getattr(card, name) for name in _SHARED}
    said = SiteCard(
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        hemotk=VERSION,
        bundle=card.name,
        model=model,
        tolerance=_tolerance(card, model),
        golden=pictures,
        probabilities=_probabilities(card, model),
        test_images=images,
        parts={name: sha256_bytes(content) for name, content in parts.items()},
        parents=parents,
        runtime=runtime.version,
        metrics=card.metrics.get("test"),
        **facts,
    )
    return said, parts


def _tolerance(card: BundleCard, model: Variant) -> float:
    """How far a logit of float32 may be off on another runtime: as the card says, if it does."""
    measured = card.tolerance(model.kind)
    return TOLERANCE if measured is None else measured


def _probabilities(card: BundleCard, model: Variant) -> tuple[float, ...]:
    """The calibrated probability of every value that a logit of uint8 can have."""
    (logit,) = (output for output in model.outputs if output.name == "logit")
    if logit.dtype != "uint8":
        return ()
    # One after the other, as a picture's is: of many numbers at once, numpy may round some in another way.
    return tuple(float(calibrated(logit.scale * (byte - logit.zero_point), card.temperature)) for byte in range(256))


def _test_images(bundle: Path, card: BundleCard) -> tuple[int, bytes]:
    """How many test images there are, and their pixels, uint8 [n, size, size]."""
    folder = bundle.resolve().with_name(bundle.resolve().name + TESTSET_SUFFIX)
    check_sha256(folder / TESTSET_CARD, card.testset)
    content = card_of_testset(folder)
    images = folder / TESTSET_IMAGES
    check_sha256(images, content.images)
    size, count = card.preprocess.size, len(content.items)
    if count * size * size > MOST_TEST_BYTES:
        raise HemotkError(
            f"‹with_testset›: {count} test images of {size}×{size} pixels are more than a browser can hold; leave the "
            "option out."
        )
    try:
        pixels = np.load(images, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise HemotkError(f"{images}: is no array of images; export the bundle again.") from error
    if pixels.dtype != np.uint8 or pixels.shape != (count, size, size):
        raise HemotkError(f"{images}: holds {pixels.dtype} {pixels.shape}; export the bundle again.")
    return count, pixels.tobytes()


def _manifest(card: SiteCard) -> bytes:
    sizes = [{"src": f"icon-{size}.png", "sizes": f"{size}x{size}", "type": "image/png"} for size in icons.SIZES]
    content = {
        "name": f"hemotk: {card.bundle}",
        "short_name": "hemotk",
        "description": card.intended_use,
        "start_url": "./",
        "scope": "./",
        "display": "standalone",
        "background_color": "#f6f7f8",
        "theme_color": "#0b2a36",
        "icons": [{"src": "icon.svg", "sizes": "any", "type": "image/svg+xml"}, *sizes],
    }
    return (json.dumps(content, indent=1, ensure_ascii=False) + "\n").encode()

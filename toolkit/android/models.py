"""The models of an app: what each bundle puts into the assets, and which bundles may be in one app.

An app with one model has it in the assets themselves. An app with several has them in `models/1/`, `models/2/` and so
on, and their names in a resource, from which the app makes its chooser.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hemotk.android.options import resource_text
from hemotk.android.recorded import recorded
from hemotk.android.selfcheck import golden_set
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
from hemotk.files import check_sha256, printable
from hemotk.store.cards import card_of_testset
from hemotk.store.embeddable import checked_int8

MODEL_CARD = "MODEL_CARD.md"
NAMES_FILE = Path("app/src/main/res/values/models.xml")
# More would not fit on a screen above the verdict.
MOST_MODELS, LONGEST_NAME = 8, 50


@dataclass(frozen=True)
class AppModel:
    """A bundle in an app: its name, its model, and how many test images are in the app.

    `named` counts the images that the bundle's own card names; the card in the app names none.
    """

    bundle: str
    model: Variant
    test_images: int
    named: int


@dataclass(frozen=True)
class Embedded:
    """A checked bundle, and what it puts into the app: paths to copy and bytes to write, by place in the assets.

    `record` is what the app's tests know of its model.
    """

    folder: Path
    card: BundleCard
    facts: AppModel
    copied: dict[Path, Path]
    written: dict[Path, bytes]
    record: dict[str, Any]


def embedded(bundle: Path, *, with_testset: bool) -> Embedded:
    """What the bundle in that folder puts into an app.

    Raises:
        HemotkError: it has no int8 model that takes uint8 in static shapes and was checked on export, or a file is not
            the recorded one.
    """
    card, model = checked_int8(bundle, "in the app", (LABELS_FILE,))
    copied = {Path("bundle") / name: bundle / name for name in (LABELS_FILE, GOLDEN_FILE, model.file)}
    if MODEL_CARD in card.files:
        check_sha256(bundle / MODEL_CARD, card.files[MODEL_CARD])
        copied[Path("about") / MODEL_CARD] = bundle / MODEL_CARD
    content, images = card.nameless(), 0
    written: dict[Path, bytes] = {}
    if with_testset:
        folder = bundle.resolve().with_name(bundle.resolve().name + TESTSET_SUFFIX)
        testset = _checked_testset(folder, card).nameless()
        content, images = replace(content, testset=testset.sha256()), len(testset.items)
        copied[Path("testset") / TESTSET_IMAGES] = folder / TESTSET_IMAGES
        written[Path("testset") / TESTSET_CARD] = testset.to_json()
    written[Path("bundle") / BUNDLE_CARD] = content.to_json()
    golden = golden_set(bundle, model, content)
    for name, data in golden.items():
        written[Path("selfcheck") / name] = data
    facts = AppModel(card.name, model, images, len(card.calibration))
    record = recorded(bundle, model, card, golden)
    return Embedded(bundle, card, facts, copied, written, record)


def check_count(bundles: Sequence[Path]) -> None:
    """Refuse what is no number of models for one app.

    Raises:
        HemotkError: none, or too many.
    """
    if not 1 <= len(bundles) <= MOST_MODELS:
        raise HemotkError(f"{len(bundles)} bundles: an app takes 1 to {MOST_MODELS}; name as many.")


def check_together(models: Sequence[Embedded]) -> None:
    """Refuse several bundles that one app cannot tell apart, or whose verdicts do not answer one question.

    Raises:
        HemotkError: two of one name or of one model, other classes, or a name that no screen shows.
    """
    if len(models) == 1:
        return
    first = models[0]
    names: dict[str, Path] = {}
    files: dict[str, Path] = {}
    for each in models:
        name = each.card.name
        if not name.strip() or not name.isprintable() or len(name) > LONGEST_NAME:
            raise HemotkError(
                f"{each.folder}: its name '{printable(name)}' cannot stand in the app's list of models; export the run "
                f"again under a name of 1 to {LONGEST_NAME} letters on one line."
            )
        if other := names.get(name.casefold()):
            raise HemotkError(
                f"{each.folder}: has the name '{name}', as {other} has, and nobody could tell their verdicts apart; "
                "name one of them, or export one again under another name."
            )
        if other := files.get(each.facts.model.sha256):
            raise HemotkError(f"{each.folder}: holds the same int8 model as {other}; name one of them.")
        if each.card.labels != first.card.labels:
            raise HemotkError(
                f"{each.folder}: its classes are {_listed(each)}, and those of {first.folder} are {_listed(first)}; "
                "put them into two apps, so that no verdict is taken for an answer to the other question."
            )
        names[name.casefold()] = files[each.facts.model.sha256] = each.folder


def roots(models: Sequence[Embedded]) -> list[Path]:
    """The folder of each model, below the assets."""
    return [Path("models") / str(number) for number in range(1, len(models) + 1)] if len(models) > 1 else [Path()]


def names_resource(models: Sequence[Embedded], text: str) -> str:
    """The resource with the models' names, from that of an app with one model, which has none of them."""
    if len(models) == 1:
        return text
    items = "".join(f"        <item>{resource_text(model.card.name)}</item>\n" for model in models)
    empty = '<string-array name="models" translatable="false" />'
    return text.replace(empty, f"{empty[:-3]}>\n{items}    </string-array>")


def _listed(model: Embedded) -> str:
    return " and ".join(f"'{label}'" for label in model.card.labels)


def _checked_testset(folder: Path, card: BundleCard) -> TestSetCard:
    """The card of the test split, whose pictures are checked."""
    check_sha256(folder / TESTSET_CARD, card.testset)
    content = card_of_testset(folder)
    check_sha256(folder / TESTSET_IMAGES, content.images)
    return content

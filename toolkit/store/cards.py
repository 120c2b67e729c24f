"""Reading the cards of runs, bundles and test sets; nothing else of them is opened or checked here."""

from pathlib import Path

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, TESTSET_CARD, BundleCard, RunCard, TestSetCard
from hemotk.errors import HemotkError


def run_card(folder: Path) -> RunCard:
    """The card of the run in `folder`.

    Raises:
        HemotkError: there is no readable run card.
    """
    return RunCard.read(folder / RUN_CARD)


def bundle_card(folder: Path) -> BundleCard:
    """The card of the bundle in `folder`.

    Raises:
        HemotkError: `folder` is a file or a run instead of a bundle, or there is no readable bundle card.
    """
    if folder.is_file():
        raise HemotkError(
            f"{folder}: is a file, not a bundle: float parent, test set and card are missing; name the folder that "
            "`hemotk export` made."
        )
    if (folder / RUN_CARD).is_file() and not (folder / BUNDLE_CARD).exists():
        raise HemotkError(f"{folder}: is a run, not a bundle; make one of it with `hemotk export {folder}`.")
    return BundleCard.read(folder / BUNDLE_CARD)


def card_of_testset(folder: Path) -> TestSetCard:
    """The card of the test set in `folder`.

    Raises:
        HemotkError: there is no readable card.
    """
    return TestSetCard.read(folder / TESTSET_CARD)

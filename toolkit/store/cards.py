"""Reading the cards of runs, bundles and test sets; nothing else of them is opened or checked here."""

from pathlib import Path

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, TESTSET_CARD, BundleCard, RunCard, TestSetCard
from hemotk.artifacts.stages import kind_of, not_wanted
from hemotk.aside import settle
from hemotk.errors import HemotkError

_PARTIAL = ".partial"


def run_card(folder: Path) -> RunCard:
    """The card of the run in `folder`.

    Raises:
        HemotkError: `folder` is something else than a run, or there is no readable run card.
    """
    _check_kind(folder, RUN_CARD)
    return RunCard.read(folder / RUN_CARD)


def bundle_card(folder: Path) -> BundleCard:
    """The card of the bundle in `folder`.

    Raises:
        HemotkError: `folder` is something else than a bundle, or there is no readable bundle card.
    """
    _check_kind(folder, BUNDLE_CARD)
    return BundleCard.read(folder / BUNDLE_CARD)


def card_of_testset(folder: Path) -> TestSetCard:
    """The card of the test set in `folder`.

    Raises:
        HemotkError: there is no readable card.
    """
    settle(folder)
    return TestSetCard.read(folder / TESTSET_CARD)


def _check_kind(folder: Path, card: str) -> None:
    """Refuse what is not the kind of folder that has this card, by what it is and with the next step."""
    settle(folder)
    if (folder / card).exists():
        return
    wanted, maker = ("a run", "`hemotk train`") if card == RUN_CARD else ("a bundle", "`hemotk export`")
    if found := kind_of(folder):
        raise HemotkError(not_wanted(folder, found, "run" if card == RUN_CARD else "bundle"))
    if folder.is_file():
        raise HemotkError(f"{folder}: is a file, not {wanted}; name the folder that {maker} made.")
    if not folder.exists():
        raise HemotkError(f"{folder}: no such folder; name {wanted}, which {maker} makes.")
    if folder.name.endswith(_PARTIAL):
        raise HemotkError(f"{folder}: is unfinished; go on with the same command and ‹resume›.")
    raise HemotkError(f"{folder}: is not {wanted}: it holds no {card}; name a folder that {maker} made.")

"""Reading the cards of runs, bundles and test sets; nothing else of them is opened or checked here."""

from pathlib import Path

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, TESTSET_CARD, BundleCard, RunCard, TestSetCard
from hemotk.artifacts.cv import CV_FILE
from hemotk.errors import HemotkError

# card → what a folder with it is, and the way from it to a run and to a bundle
_KINDS = {
    RUN_CARD: ("a run", "name it", "make one of it with `hemotk export {0}`"),
    BUNDLE_CARD: ("a bundle", "name the run that it was exported from", "name it"),
    TESTSET_CARD: ("a test set", "name a run folder", "name the bundle that it belongs to"),
    CV_FILE: ("a cross-validation", "name one of its folds, such as {0}/fold-1", "export one of its folds first"),
}
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
    return TestSetCard.read(folder / TESTSET_CARD)


def _check_kind(folder: Path, card: str) -> None:
    """Refuse what is not the kind of folder that has this card, by what it is and with the next step."""
    if (folder / card).exists():
        return
    wanted, maker = ("a run", "`hemotk train`") if card == RUN_CARD else ("a bundle", "`hemotk export`")
    if folder.is_file():
        raise HemotkError(f"{folder}: is a file, not {wanted}; name the folder that {maker} made.")
    if not folder.exists():
        raise HemotkError(f"{folder}: no such folder; name {wanted}, which {maker} makes.")
    for other, (kind, to_run, to_bundle) in _KINDS.items():
        if (folder / other).is_file():
            step = (to_run if card == RUN_CARD else to_bundle).format(folder)
            raise HemotkError(f"{folder}: is {kind}, not {wanted}; {step}.")
    if folder.name.endswith(_PARTIAL):
        raise HemotkError(f"{folder}: is unfinished; go on with the same command and ‹resume›.")
    raise HemotkError(f"{folder}: is not {wanted}: it holds no {card}; name a folder that {maker} made.")

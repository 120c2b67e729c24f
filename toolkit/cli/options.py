"""What several commands share: options, and which run or bundle is meant when none is named."""

import datetime
import difflib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, BundleCard, RunCard
from hemotk.errors import HemotkError

__all__ = [
    "ARCHITECTURES",
    "BUNDLES",
    "PATH",
    "RUNS",
    "NearestChoice",
    "arch_option",
    "bundle_or_newest",
    "json_option",
    "newest",
    "overwrite_option",
    "run_or_newest",
    "says_finished",
    "threads_option",
]

# As `hemotk.models.families.ARCHITECTURES`, without importing the networks.
ARCHITECTURES = (
    "densenet121",
    "densenet169",
    "densenet201",
    "densenet-tiny",
    "cnn",
    "mobilenetv3small",
    "efficientnetb0",
    "resnet50",
)
RUNS = Path("runs")
BUNDLES = Path("bundles")
PATH = click.Path(path_type=Path)

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
CardT = TypeVar("CardT", RunCard, BundleCard)

# card → (what it is the card of, the command that makes one)
_MADE_BY = {RUN_CARD: ("run", "hemotk train"), BUNDLE_CARD: ("bundle", "hemotk export")}


class NearestChoice(click.Choice[str]):
    """A choice that says which of its values a misspelt one may mean."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The value, if it is one of the choices."""
        known = [str(choice) for choice in self.choices]
        if value not in known and (near := difflib.get_close_matches(str(value), known, 1, 0.5)):
            self.fail(f"'{value}' is unknown; did you mean '{near[0]}'? Known are {', '.join(known)}.", param, ctx)
        return str(super().convert(value, param, ctx))


overwrite_option: Decorator = click.option("--overwrite", is_flag=True, help="Replace an output that already exists.")
json_option: Decorator = click.option(
    "--json", "json_file", type=PATH, metavar="FILE", help="Also write the result to FILE as JSON; - is stdout."
)


def arch_option(words: str) -> Decorator:
    """`--arch`, one of ARCHITECTURES, with this help."""
    return click.option(
        "--arch",
        type=NearestChoice(ARCHITECTURES),
        metavar="NAME",
        default="densenet201",
        show_default=True,
        help=f"{words}: {', '.join(ARCHITECTURES[:-1])} or {ARCHITECTURES[-1]}.",
    )


def threads_option(default: int) -> Decorator:
    """`--threads`, passed on as `threads` (an int of at least 1)."""
    return click.option(
        "--threads", type=click.IntRange(min=1), default=default, show_default=True, help="Number of CPU threads."
    )


def run_or_newest(given: Path | None, folder: Path = RUNS) -> Path:
    """The run folder `given`, or the newest finished one in `folder`.

    Raises:
        HemotkError: none was given and `folder` has no finished run.
    """
    return newest(folder, RUN_CARD, RunCard) if given is None else given


def bundle_or_newest(given: Path | None, folder: Path = BUNDLES) -> Path:
    """The bundle folder `given`, or the newest finished one in `folder`.

    Raises:
        HemotkError: none was given and `folder` has no finished bundle.
    """
    return newest(folder, BUNDLE_CARD, BundleCard) if given is None else given


def says_finished(out: Path, verb: str, card: str = RUN_CARD) -> bool:
    """Whether `out` is finished, and then a line that says so; `verb` is what --overwrite does to it ("trains")."""
    from hemotk.store.finished import is_finished

    if not is_finished(out, card):
        return False
    click.echo(f"{out} is finished: nothing to do. --overwrite {verb} it anew.")
    return True


def newest(folder: Path, card_name: str, card_type: type[CardT]) -> Path:
    """The folder in `folder` whose card `card_name` has the latest creation time.

    Folders without a card are unfinished, hidden ones are being written: both are passed over in silence. A card that
    cannot be read is passed over with a warning on stderr.

    Raises:
        HemotkError: there is none.
    """
    found = []
    for card in sorted(folder.glob(f"*/{card_name}")):
        if card.parent.name.startswith("."):
            continue
        try:
            found.append((_created(card_type.read(card), card), card.parent))
        except HemotkError as error:
            click.echo(f"hemotk: passed over: {error}", err=True)
    if not found:
        what, command = _MADE_BY[card_name]
        raise HemotkError(f"{folder}/: no finished {what} here; make one with `{command}`, or name one.")
    return max(found)[1]


def _created(card: RunCard | BundleCard, where: Path) -> datetime.datetime:
    try:
        moment = datetime.datetime.fromisoformat(card.created.replace("Z", "+00:00"))
    except ValueError as error:
        raise HemotkError(f"{where}: field 'created' is no ISO 8601 time; undo the edit, or make it again.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)

"""`hemotk card`."""

import json
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import click

from hemotk.artifacts import RUN_CARD, SPLIT_FILE, SplitManifest
from hemotk.cli.options import PATH, overwrite_option, run_or_newest
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, sha256_file, write_bytes
from hemotk.store.cards import bundle_card, run_card

if TYPE_CHECKING:
    from hemotk.describe.model_card import ExportedModel

CHECKS_FILE = "checks.json"


@click.command()
@click.argument("run", type=PATH, required=False)
@click.option(
    "--bundle", type=PATH, help="The bundle that was exported from the run. The card then has a section on its models."
)
@click.option(
    "--audit",
    type=PATH,
    help="The file of `hemotk data audit --json` on the images. The card then has a section on shortcuts.",
)
@click.option("--out", type=PATH, help="The Markdown file to write.  [default: print it]")
@overwrite_option
def card(*, run: Path | None, bundle: Path | None, audit: Path | None, out: Path | None, overwrite: bool) -> None:
    """Write the model card of a RUN in Markdown.

    The card says what the run was made from, what it does and what it is not for. It has the data, figures with
    intervals, the operating point, what quantization changed, the intended use and the limits. It names no patient and
    no path. `hemotk export` writes a card into every bundle.

    RUN is a run folder. The default is the newest finished run under runs/.

    \b
    Examples:
      hemotk card runs/first
      hemotk card runs/first --bundle bundles/first --audit audit.json --out MODEL_CARD.md
    """
    from hemotk.describe.model_card import CardSources, model_card

    run = run_or_newest(run)
    card_of_run, sha256 = run_card(run), sha256_file(run / RUN_CARD)
    check_sha256(run / SPLIT_FILE, card_of_run.files[SPLIT_FILE])
    models, calibration = ((), 0) if bundle is None else _exported(bundle, run, sha256)
    split = SplitManifest.read(run / SPLIT_FILE)
    shortcuts = None if audit is None else _shortcuts(audit, split)
    sources = CardSources(card_of_run, sha256, split, models, calibration, shortcuts)
    text = model_card(sources)
    if out is None:
        click.echo(text, nl=False)
        return
    write_bytes(out, text.encode(), overwrite=overwrite)
    click.echo(f"wrote {out}")


def _shortcuts(path: Path, split: SplitManifest) -> tuple[str, ...]:
    """A sentence on each property of the files that predicts the label.

    Raises:
        HemotkError: no readable audit, or one of another folder.
    """
    from hemotk.artifacts.audit import AuditReport
    from hemotk.render.numbers import with_interval

    found = AuditReport.read(path)
    audited, trained = (PurePath(folder).name for folder in (found.folder, split.folder))
    if audited != trained:
        raise HemotkError(f"--audit {path}: is of the folder {audited}, the run's images are of {trained}; audit that.")
    return tuple(
        f"{probe.name}: AUC {with_interval(probe.images.auc)} over single images, {with_interval(probe.groups.auc)} "
        "over groups."
        for probe in found.shortcuts()
    )


def _exported(folder: Path, run: Path, sha256: str) -> "tuple[tuple[ExportedModel, ...], int]":
    """The models in the bundle, and how many calibration images they had.

    Raises:
        HemotkError: no readable bundle, or one of another run.
    """
    from hemotk.describe.model_card import ExportedModel

    found = bundle_card(folder)
    if found.parents.get("run") != sha256:
        raise HemotkError(f"--bundle {folder}: was not exported from {run}; name the bundle of that run.")
    path = folder / CHECKS_FILE
    check_sha256(path, found.files.get(CHECKS_FILE, ""))
    agreements = {check["kind"]: check["agreement"] for check in json.loads(path.read_text(encoding="utf-8"))}
    models = (ExportedModel(each.kind, each.bytes, **agreements[each.kind]) for each in found.variants)
    return tuple(models), found.calibrated_on.images

"""Descriptions: the facts on a file or folder of hemotk, and the model card of a run."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePath

from hemotk.api.common import PathLike, block, table
from hemotk.artifacts import RUN_CARD, SPLIT_FILE, AuditReport, SplitManifest
from hemotk.artifacts.codec import encode
from hemotk.describe.descriptions import Description
from hemotk.describe.facts import describe
from hemotk.describe.model_card import CardSources, ExportedModel, model_card
from hemotk.describe.text import name_of, text
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, sha256_file
from hemotk.render.numbers import with_interval
from hemotk.store.bundle import StoredBundle
from hemotk.store.cards import bundle_card, run_card
from hemotk.store.run import StoredRun

CHECKS_FILE = "checks.json"


@dataclass(frozen=True)
class Info:
    """The facts on a run, bundle, split, test set, cross-validation, bench report or .tflite; `found` is the data."""

    found: Description

    @property
    def lines(self) -> tuple[str, ...]:
        """The facts as text for a terminal."""
        return tuple(text(self.found))

    @property
    def faulty(self) -> dict[str, str]:
        """The files that are not the recorded ones, by name: 'missing' or 'changed'."""
        return {name_of(file, self.found): file.state for file in self.found.faulty}

    def to_json(self) -> str:
        """The facts as JSON."""
        return json.dumps({"what": self.found.what, **encode(self.found)}, indent=1)

    def check(self) -> None:
        """Do nothing if every file is the recorded one.

        Raises:
            HemotkError: a file is missing or was changed.
        """
        if self.faulty:
            names = ", ".join(f"{name} ({state})" for name, state in self.faulty.items())
            raise HemotkError(
                f"{self.found.path}: not every file is the one that was recorded: {names}; make it again, or copy it "
                "again from where it came from."
            )

    def __repr__(self) -> str:
        return f"<hemotk.Info of {self.found.what} {self.found.path}>"

    def _repr_html_(self) -> str:
        return block(f"{self.found.what} {self.found.path}", table(("",), [(line,) for line in self.lines[1:]]))


def info(path: PathLike | StoredRun | StoredBundle) -> Info:
    """Say what a file or folder of hemotk is, and whether its files are the recorded ones.

    Raises:
        HemotkError: nothing is there, hemotk does not know it, or it cannot be read.
    """
    return Info(describe(_folder(path)))


def card(
    run: PathLike | StoredRun, *, bundle: PathLike | StoredBundle | None = None, audit: PathLike | None = None
) -> str:
    """The model card of a run in Markdown; it names no patient and no path.

    With `bundle`, which was exported from the run, it has a section on the models; with `audit`, the JSON file of an
    audit of the same images, one on shortcuts.

    Raises:
        HemotkError: no readable run, a bundle of another run, or an audit of another folder.
    """
    folder = _folder(run)
    card_of_run, sha256 = run_card(folder), sha256_file(folder / RUN_CARD)
    check_sha256(folder / SPLIT_FILE, card_of_run.files[SPLIT_FILE])
    models, calibration = ((), 0) if bundle is None else _exported(_folder(bundle), folder, sha256)
    split = SplitManifest.read(folder / SPLIT_FILE)
    shortcuts = None if audit is None else _shortcuts(Path(audit), split)
    return model_card(CardSources(card_of_run, sha256, split, models, calibration, shortcuts))


def _folder(given: PathLike | StoredRun | StoredBundle) -> Path:
    return given.folder if isinstance(given, (StoredRun, StoredBundle)) else Path(given)


def _shortcuts(path: Path, split: SplitManifest) -> tuple[str, ...]:
    """A sentence on each property of the files that predicts the label."""
    report = AuditReport.read(path)
    audited, trained = (PurePath(folder).name for folder in (report.folder, split.folder))
    if audited != trained:
        raise HemotkError(f"‹audit› {path}: is of the folder {audited}, the run's images are of {trained}; audit that.")
    return tuple(
        f"{probe.name}: AUC {with_interval(probe.images.auc)} over single images, {with_interval(probe.groups.auc)} "
        "over groups."
        for probe in report.shortcuts()
    )


def _exported(folder: Path, run: Path, sha256: str) -> tuple[tuple[ExportedModel, ...], int]:
    """The models in the bundle, and how many calibration images they had."""
    exported = bundle_card(folder)
    if exported.parents.get("run") != sha256:
        raise HemotkError(f"‹bundle› {folder}: was not exported from {run}; name the bundle of that run.")
    path = folder / CHECKS_FILE
    check_sha256(path, exported.files.get(CHECKS_FILE, ""))
    agreements = {check["kind"]: check["agreement"] for check in json.loads(path.read_text(encoding="utf-8"))}
    models = (ExportedModel(each.kind, each.bytes, **agreements[each.kind]) for each in exported.variants)
    return tuple(models), exported.calibrated_on.images

"""Whether what two processes wrote is the same but for the time it was written at."""

import csv
import json
import math
import re
from pathlib import Path
from typing import Any

import numpy as np

from hemotk.android import ASSETS
from hemotk.artifacts import (
    BUNDLE_CARD,
    RUN_CARD,
    SITE_CARD,
    SWEEP_FILE,
    SWEEP_PLOT,
    SWEEP_TABLE,
    TESTSET_CARD,
    TESTSET_IMAGES,
    TESTSET_SUFFIX,
    WEIGHTS_FILE,
    BundleCard,
    NamelessTestSet,
    SiteCard,
    SweepReport,
    TestSetCard,
)
from hemotk.artifacts.cv import CV_FILE, CV_PLOT, CV_TABLE, CvReport
from hemotk.files import check_files, check_sha256, sha256_file
from hemotk.pruning.channels.job import read_network
from hemotk.render.toml import SETTINGS_FILE
from hemotk.training.folds import SPLITS
from hemotk.training.history import HISTORY_FILE
from hemotk.training.misses import MISSES_FILE
from hemotk.training.plots import CURVES_FILE, DECISIONS_FILE
from hemotk.training.scores import SCORES_FILE

# What a clock gives, by its name in every JSON and CSV file.
CLOCK = frozenset({"created", "seconds", "seconds_in_epochs"})
# Undisturbed runs of one thread are equal to the last bit; leave room for other libraries.
NOISE = 1e-6
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*\+00:00")


def beside(bundle: Path) -> Path:
    """Where the test set of a bundle lies."""
    return bundle.with_name(bundle.name + TESTSET_SUFFIX)


def check_run(folder: Path) -> None:
    """Check that a run is whole: every file that its card names is there as it was recorded, and can be read."""
    read_network(folder)


def check_folds(folder: Path) -> None:
    """Check that a cross-validation is whole: every run that its report names is, and is the one that it names."""
    for fold in CvReport.read(folder / CV_FILE).folds:
        check_run(folder / fold.run)
        check_sha256(folder / fold.run / RUN_CARD, fold.sha256)


def check_bundle(folder: Path) -> None:
    """Check that a bundle is whole, and the test set beside it the one that it names."""
    card = BundleCard.read(folder / BUNDLE_CARD)
    check_files(folder, card.files)
    assert check_testset(beside(folder)).sha256() == card.testset


def check_testset(folder: Path) -> TestSetCard:
    """Check that a test set is whole."""
    card = TestSetCard.read(folder / TESTSET_CARD)
    check_sha256(folder / TESTSET_IMAGES, card.images)
    return card


def compare_runs(found: Path, wanted: Path) -> None:
    """Compare two whole runs: weights, scores, history and card within float noise, the rest to the byte."""
    there = {path.name for path in wanted.iterdir()}  # a run of a sweep has no misses: its test part was not scored
    tables = [name for name in (SCORES_FILE, MISSES_FILE, HISTORY_FILE) if name in there]
    loose = {RUN_CARD, WEIGHTS_FILE, *tables, CURVES_FILE, DECISIONS_FILE, SETTINGS_FILE} & there
    _compare_bytes(found, wanted, loose)
    assert _settings(found) == _settings(wanted)
    ours, theirs = (np.load(folder / WEIGHTS_FILE) for folder in (found, wanted))
    assert ours.files == theirs.files
    for name in ours.files:
        np.testing.assert_allclose(ours[name], theirs[name], rtol=NOISE, atol=NOISE, err_msg=name)
    for table in tables:
        _compare(_rows(found / table), _rows(wanted / table), table)
    ours, theirs = (json.loads((folder / RUN_CARD).read_text()) for folder in (found, wanted))
    _compare({**ours, "files": sorted(ours["files"])}, {**theirs, "files": sorted(theirs["files"])}, RUN_CARD)


def _settings(run: Path) -> list[str]:
    """The lines of the settings file, but for those that name the folder of the run."""
    lines = (run / SETTINGS_FILE).read_text(encoding="utf-8").splitlines()
    return [line for line in lines if not line.startswith(("# How ", "source"))]


def compare_folds(found: Path, wanted: Path) -> None:
    """Compare two whole cross-validations: splits to the byte, runs as `compare_runs`, the report likewise."""
    reports = [json.loads((folder / CV_FILE).read_text()) for folder in (found, wanted)]
    for report in reports:
        for fold in report["folds"]:
            fold.pop("sha256")  # of a card with a time in it, which `check_folds` has compared
    _compare(reports[0], reports[1], CV_FILE)
    runs = [fold["run"] for fold in reports[1]["folds"]]
    for run in runs:
        compare_runs(found / run, wanted / run)
    _compare_bytes(found / SPLITS, wanted / SPLITS, set())
    names = [sorted(path.name for path in folder.iterdir()) for folder in (found, wanted)]
    assert names[0] == names[1] == sorted([CV_FILE, CV_PLOT, CV_TABLE, SPLITS, *runs])


def compare_bundles(found: Path, wanted: Path) -> None:
    """Compare two whole bundles and their test sets: all files to the byte but for times in the two cards."""
    _compare_bytes(found, wanted, {BUNDLE_CARD})
    _compare_bytes(beside(found), beside(wanted), {TESTSET_CARD})
    for name, ours, theirs in ((BUNDLE_CARD, found, wanted), (TESTSET_CARD, beside(found), beside(wanted))):
        cards = [json.loads((folder / name).read_text()) for folder in (ours, theirs)]
        for card in cards:
            card.pop("testset", None)  # the checksum of a card with a time in it, which `check_bundle` has compared
        assert _timeless(cards[0]) == _timeless(cards[1])


def check_sweep(folder: Path) -> None:
    """Check that a sweep is whole: its report, and every run and bundle that it names."""
    for point in SweepReport.read(folder / SWEEP_FILE).points:
        check_bundle(folder / "bundles" / point.name)
        if point.kind == "pruned":
            check_run(folder / "runs" / point.name)
    assert (folder / SWEEP_TABLE).is_file() and (folder / SWEEP_PLOT).is_file()


def compare_sweeps(found: Path, wanted: Path) -> None:
    """Compare two whole sweeps: the same files, the pruned runs as `compare_runs`, the points but for their times."""
    names = [sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*")) for folder in (found, wanted)]
    assert names[0] == names[1]
    for run in (wanted / "runs").iterdir():
        compare_runs(found / "runs" / run.name, run)
    ours, theirs = (SweepReport.read(folder / SWEEP_FILE) for folder in (found, wanted))
    assert [(point.name, point.macs, point.flips) for point in ours.points] == [
        (point.name, point.macs, point.flips) for point in theirs.points
    ]
    for one, two in zip(ours.points, theirs.points, strict=True):
        assert math.isclose(one.int8.loss, two.int8.loss, rel_tol=10 * NOISE)


def compare_imports(found: Path, wanted: Path) -> None:
    """Compare two imported runs: all files to the byte, but for times in the card."""
    _compare_bytes(found, wanted, {RUN_CARD})
    ours, theirs = (json.loads((folder / RUN_CARD).read_text()) for folder in (found, wanted))
    assert _timeless(ours) == _timeless(theirs)


def check_site(folder: Path) -> None:
    """Check that a site is whole: its program knows its page by the checksum."""
    assert sha256_file(folder / "index.html") in (folder / "sw.js").read_text()
    check_page(folder / "index.html")
    SiteCard.read(folder / SITE_CARD)


def check_page(file: Path) -> None:
    """Check that a page is whole."""
    assert file.read_text(encoding="utf-8").rstrip().endswith("</html>")


def compare_pages(found: Path, wanted: Path) -> None:
    """Compare two sites, or pages: to the byte, but for the time in the page and the checksum that goes with it."""
    if wanted.is_file():
        assert _undated(found) == _undated(wanted)
        return
    names = [sorted(path.name for path in folder.iterdir()) for folder in (found, wanted)]
    assert names[0] == names[1]
    for name in names[1]:
        assert _undated(found / name) == _undated(wanted / name), name


def _undated(file: Path) -> bytes:
    content, page = file.read_bytes(), file.with_name("index.html")
    if file.name == "sw.js":
        content = content.replace(sha256_file(page).encode(), b"PAGE")
    return _TIME.sub(b"TIME", content)


def check_app(folder: Path) -> None:
    """Check that an app is whole: its card, and the model that it names."""
    assets = folder / ASSETS
    card = BundleCard.read(assets / "bundle" / BUNDLE_CARD)
    for variant in card.variants:
        if (assets / "bundle" / variant.file).exists():
            check_sha256(assets / "bundle" / variant.file, variant.sha256)
    content = NamelessTestSet.read(assets / "testset" / TESTSET_CARD)
    check_sha256(assets / "testset" / TESTSET_IMAGES, content.images)


def compare_exactly(found: Path, wanted: Path) -> None:
    """Compare two folders: every file to the byte."""
    files = [
        {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()} for folder in (found, wanted)
    ]
    assert files[0].keys() == files[1].keys()
    for place, path in files[1].items():
        assert path.is_dir() or files[0][place].read_bytes() == path.read_bytes(), place


def _compare_bytes(found: Path, wanted: Path, but: set[str]) -> None:
    names = [sorted(path.name for path in folder.iterdir()) for folder in (found, wanted)]
    assert names[0] == names[1]
    assert but <= {*names[0]}
    for name in {*names[0]} - but:
        assert (found / name).read_bytes() == (wanted / name).read_bytes(), name


def _compare(found: Any, wanted: Any, where: str) -> None:
    """Compare values that JSON knows, numbers within float noise, times not at all."""
    if isinstance(wanted, dict):
        assert found.keys() == wanted.keys(), where
        for key in wanted.keys() - CLOCK:
            _compare(found[key], wanted[key], f"{where}: {key}")
    elif isinstance(wanted, list):
        assert len(found) == len(wanted), where
        for i, (ours, theirs) in enumerate(zip(found, wanted, strict=True)):
            _compare(ours, theirs, f"{where}[{i}]")
    elif isinstance(wanted, float):
        assert math.isclose(found, wanted, rel_tol=10 * NOISE, abs_tol=10 * NOISE), f"{where}: {found}, not {wanted}"
    else:
        assert found == wanted, where


def _timeless(value: Any) -> Any:
    """`value` without what a clock gave."""
    if isinstance(value, dict):
        return {key: _timeless(each) for key, each in value.items() if key not in CLOCK}
    return [_timeless(each) for each in value] if isinstance(value, list) else value


def _rows(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as stream:
        return [{key: _number(text) for key, text in row.items()} for row in csv.DictReader(stream)]


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text

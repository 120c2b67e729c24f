"""Make the parts of a sweep: pruned and trained runs, bundles, and one bench of them all.

Everything lies in the folder of the unfinished sweep under its final name, whole or not at all. A part that is there
already, and is the one asked for, is not made again.
"""

import csv
import dataclasses
import gc
import io
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD, BenchReport, BundleCard, Part, RunCard, SplitItem, SplitManifest
from hemotk.data.scan.folder import LABELS_CSV
from hemotk.files import check_sha256, new_folder, sha256_file
from hemotk.progress import Tell
from hemotk.pruning.channels.job import PruneJob, read_inputs, read_network
from hemotk.stats.groups import group_numbers
from hemotk.store.cards import bundle_card, run_card
from hemotk.store.finished import remove_left
from hemotk.store.unfinished import check_identity
from hemotk.sweep.job import BENCH_FILE, BUNDLES, RUNS, VALIDATION, Entry, Start, SweepJob, budget_name
from hemotk.training.config import EARLIER


@dataclass(frozen=True)
class Show:
    """The listeners of a sweep: `tell` for its progress, `say` for a line about each finished run."""

    tell: Tell
    say: Callable[[str], None]


# The test part is looked at once, for the network that is chosen, and not by the sweep.
PARTS_SEEN: tuple[Part, ...] = ("train", "validation")


def pruned_entries(job: SweepJob, start: Start, left_out: dict[str, str], show: Show) -> list[Entry]:
    """Prune to one budget after the other, each from the run of the budget before.

    If the run before is within a budget already, the budget goes to `left_out`, with the reason.
    """
    entries: list[Entry] = []
    before = start.unpruned
    size = before.network.card.preprocess.size
    for place, budget in enumerate(job.budgets, 1):
        if before.network.shape.macs(size) <= budget * start.macs:
            left_out[budget_name(budget)] = f"the same network as {before.name}"
            continue
        before = _pruned(job, start, before, budget, at=f"{place} of {len(job.budgets)}", show=show)
        entries.append(before)
    return entries


def _pruned(job: SweepJob, start: Start, before: Entry, budget: float, *, at: str, show: Show) -> Entry:
    name = budget_name(budget)
    folder = job.partial / RUNS / name
    size = start.unpruned.network.card.preprocess.size
    config = job.config(budget * start.macs / before.network.shape.macs(size))
    parents = {"run": before.network.sha256, **({"teacher": start.teacher} if start.teacher else {})}
    if job.costs is not None:
        parents["costs"] = sha256_file(job.costs)
    if not _finished(folder, {**config.settings(), **parents}):
        from hemotk.pruning.channels.loop import prune
        from hemotk.training.listener import TellingListener

        teacher = (job.teacher or job.run) if start.teacher else None
        prune_job = PruneJob(before.folder, folder, teacher, job.data, True, parts=PARTS_SEEN, costs=job.costs)
        inputs = read_inputs(prune_job, config)
        show.say(
            _finished_words(name, prune(inputs, TellingListener(show.tell, f"pruning {name}, {at}", config.epochs)))
        )
        _forget()
    return Entry(name, "pruned", folder, read_network(folder), budget)


def trained_entries(job: SweepJob, start: Start, show: Show) -> list[Entry]:
    """Train the references by the recipe of the unpruned run."""
    split = start.unpruned.network.split
    return [_trained(job, start, split, arch, show) for arch in job.references]


def _trained(job: SweepJob, start: Start, split: SplitManifest, arch: str, show: Show) -> Entry:
    folder = job.partial / RUNS / arch
    if start.recipe is None:
        raise ValueError("references need a recipe")
    config = replace(start.recipe, arch=arch)
    if not _finished(folder, {**config.settings(), "split": split.sha256()}):
        from hemotk.training.listener import TellingListener
        from hemotk.training.loop import TrainJob, train

        listener = TellingListener(show.tell, f"training {arch}", config.all_epochs)
        card = train(TrainJob(split, folder, job.data, True, parts=PARTS_SEEN), config, listener)
        show.say(_finished_words(arch, card))
        _forget()
    return Entry(arch, "reference", folder, read_network(folder))


def _finished(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the run is there.

    Raises:
        HemotkError: it is, but was made otherwise.
    """
    path = folder / RUN_CARD
    if not path.exists():
        return False
    card = run_card(folder)
    check_identity(path, {**card.settings, **card.parents}, identity, EARLIER)
    remove_left(folder)
    return True


def _finished_words(name: str, card: RunCard) -> str:
    validation = card.metrics["validation"]
    accuracy = validation.accuracy.value
    return f"{name}: validation accuracy {accuracy:.4f}, loss {validation.loss:.4f}, {card.seconds:.0f} s"


def _forget() -> None:
    """Let go of the networks of a finished run."""
    import tf_keras as keras

    keras.backend.clear_session()
    gc.collect()


def make_bundle(job: SweepJob, entry: Entry, show: Show) -> Path:
    """Export the run of `entry` as float32 and int8, unless that is done."""
    folder = job.partial / BUNDLES / entry.name
    path = folder / BUNDLE_CARD
    if path.exists() and _is_of(bundle_card(folder), entry):
        return folder
    from hemotk.exporting.bundle import export_run
    from hemotk.exporting.config import ExportConfig
    from hemotk.exporting.verify import Limits

    # However far int8 is from float32, the sweep shows it.
    config = ExportConfig(data=job.data, limits=Limits(drift=1.0, flips=1.0))

    def tell(what: str, done: int, total: int, note: str = "") -> None:
        show.tell(f"exporting {entry.name}: {what}", done, total, note)

    export_run(entry.folder, folder, config, True, tell)
    _forget()
    return folder


def _is_of(card: BundleCard, entry: Entry) -> bool:
    """Whether a bundle is the entry's, and told as its run is told now."""
    return card.parents["run"] == entry.network.sha256 and card.preprocess == entry.network.card.preprocess


def bench_validation(job: SweepJob, split: SplitManifest, bundles: Sequence[Path], tell: Tell) -> BenchReport:
    """Measure all bundles in one bench on the validation part; paths in the report are those of the finished sweep."""
    from hemotk.benchmarks.bench import bench
    from hemotk.benchmarks.config import BenchConfig
    from hemotk.benchmarks.measure.subject import Subject

    images = job.partial / VALIDATION
    shutil.rmtree(images, ignore_errors=True)  # of the sweep that is resumed
    with new_folder(images) as aside:
        link_images(split.part("validation"), split.root(job.data), aside)
    final = [job.out / folder.relative_to(job.partial) for folder in (images, *bundles)]
    command = f"hemotk bench {' '.join(map(str, final[1:]))} --images {final[0]}"
    report = bench(Subject(tuple(bundles), images, command=command), BenchConfig(), tell)
    named = [replace(bundle, folder=path.as_posix()) for bundle, path in zip(report.bundles, final[1:], strict=True)]
    report = dataclasses.replace(report, folder=final[0].as_posix(), bundles=tuple(named))
    report.write(job.partial / BENCH_FILE)
    return report


def link_images(items: Sequence[SplitItem], root: Path, folder: Path) -> None:
    """Fill `folder` with links to the images of `items`, checked, and the table of their labels.

    Where several images are of one group the table has a column 'patient', with a number for each group.

    Raises:
        HemotkError: an image is missing or was changed since the split.
    """
    groups = [item.group for item in items]
    patients = group_numbers(groups) if len(set(groups)) < len(groups) else None
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("id", "label") if patients is None else ("id", "label", "patient"))
    for place, item in enumerate(items):
        source, link = (root / item.path).resolve(), folder / item.path
        if item.sha256 is not None:
            check_sha256(source, item.sha256)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(source)
        writer.writerow((item.path, item.label) if patients is None else (item.path, item.label, patients[place]))
    (folder / LABELS_CSV).write_text(table.getvalue(), encoding="utf-8")

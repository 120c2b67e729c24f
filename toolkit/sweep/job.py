"""The job of a sweep, and the runs that it starts from, read and checked before anything heavy is loaded."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hemotk.artifacts import SWEEP_FILE, SWEEP_PLOT, SWEEP_TABLE
from hemotk.artifacts.codec import decode
from hemotk.errors import FieldError, HemotkError
from hemotk.files import refuse_existing
from hemotk.models.families import ARCHITECTURES, smallest_input
from hemotk.models.pretrained import has_imagenet
from hemotk.models.shape import DenseNetShape
from hemotk.pruning.channels.config import PruneConfig
from hemotk.pruning.channels.job import PruneJob, check_out, read_inputs, read_network, read_runs
from hemotk.store.lock import LOCK_FILES
from hemotk.store.run import StoredRun
from hemotk.store.unfinished import foreign, partial_of
from hemotk.training.config import TrainConfig

if TYPE_CHECKING:
    from hemotk.sweep.points import Network as Point

BUDGETS = "0.5,0.25,0.15,0.08,0.05"
# For each budget: the descent has come most of the way already.
STEPS, EPOCHS = 2, 40
# The contents of a sweep, finished or not.
BUNDLES, RUNS, VALIDATION = "bundles", "runs", "validation"
BENCH_FILE = "bench.json"
OWN_FILES = (*LOCK_FILES, BENCH_FILE, SWEEP_FILE, SWEEP_PLOT, SWEEP_TABLE)

Kind = Literal["unpruned", "pruned", "reference"]


@dataclass(frozen=True)
class SweepJob:
    """A sweep to make: `budgets` are falling shares of the multiply-accumulates of `run`.

    `others` are finished runs to measure beside it, `references` architectures to train by its recipe. `settings` are
    those of each pruning, by the names of `PruneConfig`; `data` overrides the image folder that the split recorded,
    `costs` is the table of what parts take, or where it is to be kept.
    """

    run: Path
    out: Path
    budgets: tuple[float, ...]
    others: tuple[Path, ...] = ()
    references: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    teacher: Path | None = None
    data: Path | None = None
    costs: Path | None = None
    resume: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        said = ",".join(f"{budget:g}" for budget in self.budgets)
        pairs = zip(self.budgets, self.budgets[1:], strict=False)
        if not all(0 < budget < 1 for budget in self.budgets) or any(one <= two for one, two in pairs):
            raise HemotkError(
                f"‹budgets› {said}: must be falling shares, each above 0 and below 1; write them as {BUDGETS}."
            )
        if not (self.budgets or self.others or self.references):
            raise HemotkError("‹budgets› none: leaves nothing to compare; add ‹others› or ‹references›.")
        for arch in self.references:
            if arch not in ARCHITECTURES:
                raise HemotkError(f"‹references› {arch}: is unknown; choose of {', '.join(ARCHITECTURES)}.")
        for name, count in Counter(self._names()).items():
            if count > 1:
                raise HemotkError(f"{name}: {count} networks of the sweep would have this name; leave all but one out.")
        self.config(0.5)

    def _names(self) -> list[str]:
        return [name_of(self.run), *map(budget_name, self.budgets), *map(name_of, self.others), *self.references]

    @property
    def partial(self) -> Path:
        """The folder of the unfinished sweep, beside `out`."""
        return partial_of(self.out)

    def config(self, macs: float) -> PruneConfig:
        """The settings of one pruning that keeps `macs` of its run."""
        return PruneConfig(**{"steps": STEPS, "epochs": EPOCHS, **self.settings, "macs": macs})


@dataclass(frozen=True)
class Entry:
    """One network of the sweep: a finished run."""

    name: str
    kind: Kind
    folder: Path
    network: StoredRun
    budget: float | None = None

    def point(self) -> "Point":
        """The facts about the network that are known before it is measured."""
        from hemotk.sweep.points import Network as Point

        shape, card = self.network.shape, self.network.card
        macs = shape.macs(card.preprocess.size)
        return Point(self.name, self.kind, card.arch, self.network.sha256, self.budget, macs, shape.parameters())


@dataclass(frozen=True)
class Start:
    """The runs that are there at the beginning; `shape` is the unpruned one's, `recipe` what it was trained by.

    `teacher` is the SHA-256 of the teacher's run card, None where there is none.
    """

    unpruned: Entry
    others: tuple[Entry, ...]
    shape: DenseNetShape
    teacher: str | None
    recipe: TrainConfig | None

    @property
    def macs(self) -> int:
        """Multiply-accumulates of the unpruned network."""
        return self.shape.macs(self.unpruned.network.card.preprocess.size)


def name_of(run: Path) -> str:
    """The name of a run in the sweep: its folder."""
    return run.resolve().name


def budget_name(budget: float) -> str:
    """The name in the sweep of the network that is pruned to `budget`."""
    return f"macs-{budget:g}"


def read_start(job: SweepJob) -> Start:
    """Read and check everything that is asked for; needs no TensorFlow.

    Raises:
        HemotkError: an output that exists, an unfinished sweep that is not to be resumed, a run that is none or cannot
            be compared, a budget that cannot be met, or references without a recipe to train them by.
    """
    check_out(job.out, job.run, *job.others, *([] if job.teacher is None else [job.teacher]))
    refuse_existing(job.out, job.overwrite)
    _check_partial(job)
    costs = job.costs if job.costs is not None and job.costs.exists() else None
    alone = PruneJob(job.run, job.partial / name_of(job.run), job.teacher, costs=costs)
    inputs = read_runs(alone, job.config(0.5))
    for budget in job.budgets:
        read_inputs(alone, job.config(budget))  # each must be one that can be met
    network = inputs.parent
    unpruned = Entry(name_of(job.run), "unpruned", job.run, network)
    others = tuple(_other(folder, network) for folder in job.others)
    recipe = _recipe(job, network) if job.references else None
    return Start(unpruned, others, inputs.shape, inputs.parents.get("teacher"), recipe)


def _check_partial(job: SweepJob) -> None:
    folder = job.partial
    others = foreign(folder, OWN_FILES, (BUNDLES, RUNS, VALIDATION))
    if others:
        raise HemotkError(
            f"{folder}: holds something else than a sweep ({others[0]}); remove it, or choose another ‹out›."
        )
    if not job.resume and folder.exists() and any(path.name not in LOCK_FILES for path in folder.iterdir()):
        raise HemotkError(
            f"{folder}: an unfinished sweep lies there; add ‹resume› to go on with it, or remove the folder."
        )


def _other(folder: Path, unpruned: StoredRun) -> Entry:
    network = read_network(folder)
    if network.card.preprocess != unpruned.card.preprocess:
        sizes = [each.card.preprocess.size for each in (network, unpruned)]
        raise HemotkError(
            f"‹others› {folder}: takes pictures of {sizes[0]} pixels and the swept run of {sizes[1]}, or prepares them "
            "otherwise; name a run with the same preprocessing."
        )
    if (network.split.items, network.split.classes) != (unpruned.split.items, unpruned.split.classes):
        raise HemotkError(
            f"‹others› {folder}: was trained on another split than the swept run; name a run of the same split."
        )
    kind: Kind = "pruned" if network.card.source == "pruned" else "reference"
    return Entry(name_of(folder), kind, folder, network)


def _recipe(job: SweepJob, network: StoredRun) -> TrainConfig:
    """The recipe that the unpruned run was trained by.

    Raises:
        HemotkError: it was not trained by hemotk, or from weights that fit no other architecture, or in a way that a
            reference cannot be.
    """
    card = network.card
    # A run that names no head phase is from before there was one.
    settings = {"head_epochs": 0, **card.chosen}
    try:
        if card.source != "trained":
            raise FieldError(f"it is {card.source}")
        recipe: TrainConfig = decode(TrainConfig, settings, "settings")
    except FieldError as error:
        raise HemotkError(
            f"‹references›: {job.run} does not say how it was trained ({error}); train them with `hemotk train` and "
            "name their runs with ‹others›."
        ) from error
    if recipe.weights not in ("none", "imagenet"):
        raise HemotkError(
            f"‹references›: {job.run} was trained from {recipe.weights}, which fits no other architecture; train them "
            "with `hemotk train` and name their runs with ‹others›."
        )
    for arch in job.references:
        _check_reference(arch, recipe)
    return recipe


def _check_reference(arch: str, recipe: TrainConfig) -> None:
    """Refuse what would only fail when it is its turn to be trained."""
    if recipe.size < smallest_input(arch):
        raise HemotkError(
            f"‹references› {arch}: needs pictures of {smallest_input(arch)} pixels or more, and the swept run takes "
            f"{recipe.size}; leave it out."
        )
    if recipe.weights == "imagenet" and not has_imagenet(arch):
        raise HemotkError(
            f"‹references› {arch}: has no ImageNet weights, which the swept run was trained from; train it with "
            "`hemotk train` and name its run with ‹others›."
        )

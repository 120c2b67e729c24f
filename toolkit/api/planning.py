"""What images can prove and how long a training takes, before it begins."""

from dataclasses import dataclass
from pathlib import Path

from hemotk.api.common import CLASSES, PathLike, Progress, block, lines, table, telling
from hemotk.api.data import Audit, Split, audit
from hemotk.artifacts.plan import ExpectedWidth, PlanReport
from hemotk.data.audit.report import audit_looked, look_through
from hemotk.data.audit.scan import scan_for_audit
from hemotk.data.duplicates.find import comparing_once
from hemotk.data.scan.folder import scan
from hemotk.data.scan.rsna import is_rsna
from hemotk.data.split.grouping import Before
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import FieldError, HemotkError
from hemotk.planning.proof import Assumed, expectations, groups_for_drop, least_drop
from hemotk.quiet import import_tensorflow
from hemotk.render.numbers import duration

DROP = 0.01
_HEADINGS = ("measure", "images", "groups", "95 % interval", "groups for the target")


@dataclass(frozen=True)
class Plan:
    """What a test on these images can show, and how long a training takes here."""

    found: PlanReport

    @property
    def lines(self) -> tuple[str, ...]:
        """The plan in sentences."""
        found = self.found
        return (
            f"test part    {found.images:,} images of {found.groups:,} groups; assumed: right on {found.right:g} of "
            f"the slices, correlation within a group {found.correlation:g}",
            *(_words(each, found.target) for each in found.expected),
            *_drop(found),
            *_pace(found),
            *(f"audit        {line}" for line in found.audit or ()),
        )

    def __repr__(self) -> str:
        return f"<hemotk.Plan of {self.found.folder}: {self.found.groups} groups in the test part>"

    def _repr_html_(self) -> str:
        rows = [
            (each.measure, str(each.images), str(each.groups), _half(each.half_width), str(each.needed or "–"))
            for each in self.found.expected
        ]
        return block("Plan", table(_HEADINGS, rows), lines(self.lines[1 + len(rows) :]))


def plan(
    source: PathLike | Split,
    *,
    accuracy: float = 0.9,
    correlation: float = 0.15,
    target: float = 0.05,
    arch: str = "densenet201",
    size: int = 224,
    epochs: int = 100,
    batch: int = 16,
    timing: bool = True,
    classes: tuple[str, str] = CLASSES,
    patient: str | None = None,
    hu_offset: int | None = None,
    progress: Progress = True,
) -> Plan:
    """Say what a test on these images can show, and how long a training takes here. Nothing is written.

    `source` is a folder, which is audited and split as `train` would split it, or a split. A classifier is assumed that
    is right on the share `accuracy` of the slices; `correlation` says how much the slices of one patient are right or
    wrong together. `target` is the half width of an interval that is wished for. With `timing` a few training steps of
    `arch` are taken.

    Raises:
        HemotkError: a folder that cannot be understood or split, or a value that cannot be.
    """
    assumed = _assumed(accuracy, correlation)
    if not 0 < target < 0.5:
        raise HemotkError(f"‹target› {target:g}: must be between 0 and 0.5; choose another.")
    given = {"classes": classes, "patient": patient, "hu_offset": hu_offset}
    findings = None
    if isinstance(source, Split):
        opened = source
    elif Path(source).is_file():
        opened = Split.open(source)
    else:
        findings, opened = _audited(Path(source), progress, **given)  # type: ignore[arg-type]
    manifest = opened.manifest
    tests = manifest.part("test")
    groups = [item.group for item in tests]
    pace = None
    if timing:
        import_tensorflow()
        from hemotk.planning.pace import measure
        from hemotk.training.config import TrainConfig

        pace = measure(TrainConfig(arch=arch, size=size, epochs=epochs, batch=batch), len(manifest.part("train")))
    return Plan(
        PlanReport(
            manifest.folder,
            accuracy,
            correlation,
            target,
            len(tests),
            len(set(groups)),
            expectations([item.label for item in tests], groups, assumed, target),
            least_drop(len(set(groups))),
            groups_for_drop(DROP),
            pace,
            findings,
        )
    )


def _audited(
    folder: Path, progress: Progress, classes: tuple[str, str], patient: str | None, hu_offset: int | None
) -> tuple[tuple[str, ...], Split]:
    """What an audit of the folder would say first, and its split. Each picture is read once, and compared once."""
    if is_rsna(folder):  # too large for an audit, which says so
        audit(folder, classes=classes, patient=patient, hu_offset=hu_offset)
    found = scan_for_audit(folder, classes, patient, hu_offset)
    compare = comparing_once()
    with telling(progress) as tell:
        looked, unreadable = look_through(found, tell)
        report = audit_looked(found, looked, unreadable, tell, compare=compare)
        before = Before({one.image.path: one for one in looked}, compare)
        manifest = make_split(scan(folder, classes, None, patient, hu_offset), SplitConfig(), tell, before)
    return Audit(report, folder, hu_offset).findings, Split(manifest)


def _half(width: float | None) -> str:
    return "–" if width is None else f"± {width:.3f}"


def _words(expected: ExpectedWidth, target: float) -> str:
    if expected.half_width is None:
        return f"{expected.measure:13}cannot be measured: the test part has no such image"
    words = (
        f"{expected.measure:13}{_half(expected.half_width)} to be expected, from {expected.images:,} images of "
        f"{expected.groups:,} groups"
    )
    if expected.half_width <= target or expected.needed is None:
        return words
    return f"{words}; for ± {target:g}, put some {_rounded(expected.needed):,} groups into the test part"


def _drop(found: PlanReport) -> tuple[str, ...]:
    if found.least_drop is None:
        return ()
    words = f"int8         if no decision changes, a drop of accuracy above {found.least_drop:.3f} can be ruled out"
    more = f"; for {DROP:g} it takes {found.groups_for_drop} groups" if found.groups < found.groups_for_drop else ""
    return (words + more,)


def _pace(found: PlanReport) -> tuple[str, ...]:
    pace = found.pace
    if pace is None:
        return ()
    whole = duration(pace.epoch * pace.epochs)
    return (
        f"training     {pace.arch} at {pace.size}×{pace.size} on {pace.device}: {pace.seconds:.2g} s for a step of "
        f"{pace.batch}, {duration(pace.epoch)} an epoch, {whole} for {pace.epochs} epochs, as busy as this machine is "
        "now",
    )


def _rounded(count: int) -> int:
    """Two digits: a simulation knows no more."""
    unit = 10 ** max(0, len(str(count)) - 2)
    return -(-count // unit) * unit


def _assumed(accuracy: float, correlation: float) -> Assumed:
    try:
        return Assumed(accuracy, correlation)
    except FieldError as error:
        name, value = ("accuracy", accuracy) if error.field == "right" else ("correlation", correlation)
        raise HemotkError(f"‹{name}› {value:g}: must be {error.must}; choose another.") from error

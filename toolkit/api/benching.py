"""Benches: every variant of a bundle against its float parent."""

import importlib
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Literal

from hemotk.api.common import PathLike, Progress, block, lines, maybe, table, telling
from hemotk.artifacts import BenchReport
from hemotk.artifacts.foreign import ForeignOptions
from hemotk.benchmarks.bench import bench as measure
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.judge.limits import BenchLimits, Undecided, setting_of
from hemotk.benchmarks.measure.machine import check_cpus
from hemotk.benchmarks.measure.rows import ignore
from hemotk.benchmarks.measure.runners import check_delegate
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.report.figures import cells, headings, not_held, verdict
from hemotk.benchmarks.report.scores import ScoresFile
from hemotk.errors import HemotkError
from hemotk.files import write_bytes
from hemotk.store.bundle import StoredBundle, open_with_testset

if TYPE_CHECKING:
    from hemotk.benchmarks.measure.adb import AdbConfig

# Ending of a file → the module that makes its content.
RENDERED = {".html": "html", ".md": "markdown", ".xml": "junit"}
FORMS = (*RENDERED.values(), "github")


@dataclass(frozen=True)
class Report:
    """The report of a bench; `found` has every score and every sample."""

    found: BenchReport

    @property
    def passed(self) -> bool:
        """Whether every limit holds, or cannot be told where that is let pass."""
        return self.found.passed

    @property
    def verdict(self) -> str:
        """PASS or FAIL in one sentence."""
        return verdict(self.found)

    @property
    def warnings(self) -> tuple[str, ...]:
        """The cautions to show beside a PASS, and the limits that do not hold."""
        return (*self.found.cautions, *not_held(self.found))

    def rendered(self, form: str) -> str:
        """The report as 'html', 'markdown', 'junit', or 'github' (annotations of GitHub Actions)."""
        words: str = importlib.import_module(f"hemotk.benchmarks.report.{form}").render(self.found)
        return words

    def save(self, path: PathLike, *, overwrite: bool = False) -> None:
        """Write the report to `path`: .json, .html, .md (Markdown) or .xml (JUnit).

        Raises:
            HemotkError: another ending, or the file exists and `overwrite` is false.
        """
        place = Path(path)
        ending = place.suffix.lower()
        if ending == ".json":
            self.found.write(place, overwrite=overwrite)
        elif ending in RENDERED:
            write_bytes(place, self.rendered(RENDERED[ending]).encode(), overwrite=overwrite)
        else:
            raise HemotkError(f"{path}: ends in none of .json, {', '.join(RENDERED)}; name such a file.")

    def __repr__(self) -> str:
        return f"<hemotk.Report {self.verdict}>"

    def _repr_html_(self) -> str:
        rows = [[str(cell) for cell in cells(self.found, row)] for row in self.found.variants]
        return block(self.verdict, table(headings(self.found), rows), lines([*self.warnings, *self.found.notes]))


def bench(
    *bundles: PathLike | StoredBundle,
    images: PathLike | None = None,
    data: PathLike | None = None,
    by: Sequence[str] = (),
    baseline: PathLike | None = None,
    imported: Sequence[PathLike] = (),
    device: Literal["adb"] | None = None,
    serial: str | None = None,
    application_id: str = "org.hemotk.app",
    normalization: str | None = None,
    output: int | None = None,
    positive_class: int = 1,
    threads: int = 1,
    runtime: str | None = None,
    delegate: str | None = None,
    cpus: Sequence[int] = (),
    timing: bool = True,
    profile: bool = False,
    min_runs: int = 40,
    min_seconds: float = 3.0,
    undecided: Undecided = "pass",
    scores: PathLike | None = None,
    command: str = "",
    overwrite: bool = False,
    progress: Progress = True,
    **limits: float | None,
) -> Report:
    """Measure every variant of the bundles against its float parent, on the test split beside it or on `images`.

    `images` is a folder of pictures, or a split file, whose test part is taken; `by` are columns of its table to give
    figures by. `baseline` is the JSON report of an earlier bench: a row that lost right decisions since then fails.
    `imported` are files that devices wrote; with `device` 'adb', the phone `serial` measures as well, in the app
    `application_id`. A bare .tflite can be benched with `images`; `normalization`, `output` and `positive_class` give
    the facts that it does not hold itself. `runtime`, `delegate` and `cpus` say what runs the models, and where. Every
    variant is timed at least `min_runs` times and `min_seconds` seconds. `scores` is a CSV file for every score.
    `limits` are called as the command line calls them, such as max_accuracy_drop=0.01, max_flips=0 or min_auc=0.9. With
    `undecided='fail'`, a limit fails if these images cannot decide it. `command` is what made the bench, for the
    report.

    Raises:
        HemotkError: a bundle, its test split, or images are missing or not what they must be.
    """
    config = BenchConfig(
        threads=threads,
        runtime=runtime,
        delegate=delegate,
        profile=profile,
        cpus=tuple(cpus),
        min_runs=min_runs,
        min_seconds=min_seconds,
        timing=timing,
        limits=_limits(limits),
        undecided=undecided,
    )
    folders = tuple(each.folder if isinstance(each, StoredBundle) else Path(each) for each in bundles)
    if device is None and serial is not None:
        raise HemotkError(f"‹serial› {serial}: names a phone for ‹device› adb; add that, or leave ‹serial› out.")
    if device is not None and images is not None:
        raise HemotkError(
            f"‹device› {device} and ‹images› {images}: a phone benches the test split, which other images take the "
            "place of; leave one of both out."
        )
    with ExitStack() as stack:
        if device is not None:
            place = Path(stack.enter_context(TemporaryDirectory()))
            check_cpus(config.cpus)
            check_delegate(config)
            from hemotk.benchmarks.measure.adb import AdbConfig  # few benches need a phone

            phone = AdbConfig(serial, 10, min_runs, min_seconds, threads, application_id=application_id)
            imported = (*imported, *_from_phone(folders, phone, place))
        subject = Subject(
            bundles=folders,
            images=maybe(images),
            imported=tuple(map(Path, imported)),
            command=command,
            data=maybe(data),
            by=tuple(dict.fromkeys(name.strip().lower() for name in by)),
            baseline=maybe(baseline),
            asked=ForeignOptions(normalization, output, positive_class),
        )
        file = None if scores is None else stack.enter_context(ScoresFile(Path(scores), overwrite=overwrite))
        tell = stack.enter_context(telling(progress))
        return Report(measure(subject, config, tell, ignore if file is None else file.add))


def _limits(given: dict[str, float | None]) -> BenchLimits:
    known = {setting_of(field.name): field.name for field in fields(BenchLimits)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise HemotkError(f"{', '.join(unknown)}: no such limit; choose of {', '.join(sorted(known))}.")
    held: dict[str, Any] = {known[name]: value for name, value in given.items()}
    return BenchLimits(**held)


def _from_phone(bundles: Sequence[Path], phone: "AdbConfig", folder: Path) -> list[Path]:
    """What the phone measured of each bundle, as files in `folder`."""
    from hemotk.benchmarks.measure.adb import bench_on_phone

    # A report may call a phone by its file.
    files = [folder / f"{number}-{bundle.resolve().name}.json" for number, bundle in enumerate(bundles, 1)]
    for file, bundle in zip(files, bundles, strict=True):
        bench_on_phone(open_with_testset(bundle), phone).write(file)
    return files

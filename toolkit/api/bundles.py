"""Bundles: export them, bench them."""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from hemotk.api.common import PathLike, Progress, block, lines, maybe, table, telling
from hemotk.api.runs import Run
from hemotk.artifacts import BenchReport
from hemotk.artifacts.foreign import ForeignOptions
from hemotk.benchmarks.bench import bench as measure
from hemotk.benchmarks.config import BenchConfig
from hemotk.benchmarks.judge.limits import BenchLimits, Undecided, setting_of
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.report.figures import cells, headings, not_held, verdict
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing, write_bytes
from hemotk.quiet import import_tensorflow
from hemotk.store import bundle as store
from hemotk.store import run as store_run

BUNDLES = Path("bundles")
KINDS = ("fp16", "dynamic", "int8", "int16x8")
# Ending of a file → the module that makes its content.
RENDERED = {".html": "html", ".md": "markdown", ".xml": "junit"}


@dataclass(frozen=True)
class Bundle(store.StoredBundle):
    """A bundle folder whose files are what its card says: float32 and quantized .tflite, and what an app needs."""

    @property
    def variants(self) -> dict[str, Path]:
        """The .tflite of each kind."""
        return {variant.kind: self.path(variant) for variant in self.card.variants}

    def __repr__(self) -> str:
        return f"<hemotk.Bundle {self.folder}: {', '.join(self.variants)}>"

    def _repr_html_(self) -> str:
        rows = [(each.kind, each.file, f"{each.bytes / 1e6:.2f}") for each in self.card.variants]
        return block(f"Bundle {self.name}", table(("variant", "file", "MB"), rows))


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
            render = importlib.import_module(f"hemotk.benchmarks.report.{RENDERED[ending]}").render
            write_bytes(place, render(self.found).encode(), overwrite=overwrite)
        else:
            raise HemotkError(f"{path}: ends in none of .json, {', '.join(RENDERED)}; name such a file.")

    def __repr__(self) -> str:
        return f"<hemotk.Report {self.verdict}>"

    def _repr_html_(self) -> str:
        rows = [[str(cell) for cell in cells(self.found, row)] for row in self.found.variants]
        return block(self.verdict, table(headings(self.found), rows), lines([*self.warnings, *self.found.notes]))


def export(
    run: PathLike | Run,
    *,
    quantize: str | Sequence[str] = ("int8",),
    out: PathLike | None = None,
    data: PathLike | None = None,
    calibration: int = 100,
    author: str = "not stated",
    license: str = "not stated",
    cam: bool = False,
    auto: bool = False,
    max_accuracy_drop: float | None = None,
    max_score_drift: float | None = None,
    overwrite: bool = False,
    progress: Progress = True,
) -> Bundle:
    """Turn a run into a bundle: float32 and quantized .tflite, labels, card, golden outputs; beside it its test set.

    `quantize` names what is made beside float32: 'int8', 'fp16', 'dynamic', 'int16x8', several of them, or 'none'.
    `calibration` is the most images of the training part that int8 ranges are gathered on. `author` and `license` are
    those of the models, as their metadata says. With `cam` every model also gives its class-activation map. With `auto`
    int8 keeps as many layers in float32 as it takes to stay within `max_accuracy_drop` and `max_score_drift` on the
    validation part.

    Raises:
        HemotkError: a run or images that are missing or changed, or `out` exists and `overwrite` is false.
        CheckFailed: a variant does not do what its float parent does; nothing is written.
    """
    folder = run.folder if isinstance(run, store_run.StoredRun) else Path(run)
    place = BUNDLES / folder.resolve().name if out is None else Path(out)
    asked = (quantize,) if isinstance(quantize, str) else tuple(quantize)
    kinds = tuple(dict.fromkeys(kind for kind in asked if kind != "none"))
    _check_kinds(kinds, auto, {"max_accuracy_drop": max_accuracy_drop, "max_score_drift": max_score_drift})
    for name, value in (("author", author), ("license", license)):
        if not value.strip():
            raise HemotkError(f"‹{name}›: is empty; give a text, or leave the option out.")
    refuse_existing(place, overwrite)  # before the seconds that TensorFlow takes to load
    import_tensorflow()
    from hemotk.exporting.bundle import export_run
    from hemotk.exporting.config import ExportConfig
    from hemotk.exporting.recipe import Recipe
    from hemotk.exporting.selective.sensitivity import Tolerance

    limits = {"accuracy_drop": max_accuracy_drop, "score_drift": max_score_drift}
    given = {name: value for name, value in limits.items() if value is not None}
    config = ExportConfig(
        recipes=tuple(Recipe(kind) for kind in kinds),  # type: ignore[arg-type]
        calibration=calibration,
        data=maybe(data),
        author=author,
        license=license,
        cam=cam,
        auto=Tolerance(**given) if auto else None,
    )
    with telling(progress) as tell:
        export_run(folder, place, config, overwrite, tell)
    return Bundle.open(place)


def _check_kinds(kinds: Sequence[str], auto: bool, limits: dict[str, float | None]) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise HemotkError(f"‹quantize› {', '.join(unknown)}: is unknown; choose of none, {', '.join(KINDS)}.")
    if auto and "int8" not in kinds:
        raise HemotkError("‹auto›: chooses layers of the int8 variant, which is not asked for; add ‹quantize› int8.")
    for name, value in limits.items():
        if value is not None and not auto:
            raise HemotkError(f"‹{name}›: is a limit for ‹auto›; add ‹auto›, or leave it out.")


def bench(
    *bundles: PathLike | Bundle,
    images: PathLike | None = None,
    data: PathLike | None = None,
    by: Sequence[str] = (),
    imported: Sequence[PathLike] = (),
    normalization: str | None = None,
    output: int | None = None,
    positive_class: int = 1,
    threads: int = 1,
    timing: bool = True,
    profile: bool = False,
    undecided: Undecided = "pass",
    progress: Progress = True,
    **limits: float | None,
) -> Report:
    """Measure every variant of the bundles against its float parent, on the test split beside it or on `images`.

    `images` is a folder of pictures, or a split file, whose test part is taken; `by` are columns of its table to give
    figures by. `imported` are files that devices wrote. A bare .tflite can be benched with `images`; `normalization`,
    `output` and `positive_class` give the facts that it does not hold itself. `limits` are called as the command line
    calls them, such as max_accuracy_drop=0.01, max_flips=0 or min_auc=0.9. With `undecided='fail'`, a limit fails if
    these images cannot decide it.

    Raises:
        HemotkError: a bundle, its test split, or images are missing or not what they must be.
    """
    known = {setting_of(field.name): field.name for field in fields(BenchLimits)}
    unknown = sorted(set(limits) - set(known))
    if unknown:
        raise HemotkError(f"{', '.join(unknown)}: no such limit; choose of {', '.join(sorted(known))}.")
    held: dict[str, Any] = {known[name]: value for name, value in limits.items()}
    config = BenchConfig(
        threads=threads, timing=timing, profile=profile, limits=BenchLimits(**held), undecided=undecided
    )
    subject = Subject(
        bundles=tuple(each.folder if isinstance(each, store.StoredBundle) else Path(each) for each in bundles),
        images=maybe(images),
        imported=tuple(map(Path, imported)),
        data=maybe(data),
        by=tuple(name.strip().lower() for name in by),
        asked=ForeignOptions(normalization, output, positive_class),
    )
    with telling(progress) as tell:
        return Report(measure(subject, config, tell))

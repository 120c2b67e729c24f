"""`hemotk predict`."""

import sys
import typing
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.artifacts import BUNDLE_CARD
from hemotk.artifacts.bundle import Kind
from hemotk.artifacts.stages import kind_of, not_wanted
from hemotk.cli.file_names import check_targets
from hemotk.cli.foreign import foreign_options
from hemotk.cli.help import Command
from hemotk.cli.options import PATH, bundle_or_newest, json_option, overwrite_option, threads_option
from hemotk.cli.series import SeriesOptions, series_options
from hemotk.cli.standard_output import may_print
from hemotk.cli.window import window_option
from hemotk.errors import HemotkError, UnreadablePicture
from hemotk.files import check_utf8, printable, write_bytes
from hemotk.predict.heatmap_files import heatmap_files, renamed
from hemotk.progress import bars, remark, silent

if TYPE_CHECKING:
    from hemotk.api.scoring import Classifier, Prediction
    from hemotk.artifacts.pixels import Window

# So many pictures take long enough for a line on the progress.
MANY = 20


@click.command(cls=Command)
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="[BUNDLE|MODEL.tflite] IMAGE...")
@click.option(
    "--variant",
    type=click.Choice([kind for kind in typing.get_args(Kind) if kind != "given"]),
    help="The model of the bundle to use.  [default: a quantized one, int8 first]",
)
@threads_option(1)
@json_option
@click.option(
    "--csv",
    "csv_file",
    type=PATH,
    metavar="FILE",
    help="Also write a table with a row for each picture to FILE; - is stdout.",
)
@click.option(
    "--heatmap",
    "target",
    type=PATH,
    metavar="PLACE",
    help="Also draw where the score comes from. PLACE is a .png file for one picture, else a folder.",
)
@window_option
@series_options
@foreign_options
@overwrite_option
@may_print("json_file", "csv_file")
def predict(
    *,
    paths: tuple[Path, ...],
    variant: str | None,
    threads: int,
    json_file: Path | None,
    csv_file: Path | None,
    target: Path | None,
    window: "Window | None",
    study: bool,
    top_k: int | None,
    strip_file: Path | None,
    normalization: str | None,
    output: int | None,
    positive_class: str,
    overwrite: bool,
) -> int:
    """Score pictures: probability of hemorrhage, and verdict.

    The verdict uses the bundle's decision threshold. An IMAGE is a picture, or a folder whose pictures are all scored.
    A picture that cannot be read is named, the others are scored, and the exit code is 2. A picture that does not look
    like a head CT slice is scored, with a warning that says why.

    The first path may be a bundle folder or a .tflite. The default is the newest bundle under bundles/. For a .tflite
    in a bundle, the bundle's card holds.

    A .tflite that another tool exported is scored as well. It must take one gray or RGB picture and give class scores,
    in float32, uint8 or int8. Say with --normalization, --output and --positive-class what its file does not say.

    DICOM files are CT slices. They are seen through the window that the bundle names. --window takes another one, but
    scores and threshold were not made for it.

    With --series, the pictures are the slices of one series, and the series gets one verdict. Its score is the mean of
    the highest probabilities of the slices. The bundle says how many, and which threshold that mean has. Both were
    chosen in training, on the series of the validation part. If nothing was chosen, or with another number in --top-k,
    the threshold for slices is used, with a remark.

    With --heatmap, each picture is drawn with the model's class-activation map over it. This needs a model of
    `hemotk export --cam`. Red speaks for hemorrhage, blue against it. Places that add nothing keep their gray. The
    scale is the same for every picture: from 0 to ±10 in units of the logit; beyond that, the colour does not
    change. The logit is the map's mean. Below the picture stand score, verdict, scale, and how many pixels of the
    picture one cell of the map covers. In a folder, each heat map is named after its picture. If two pictures have the
    same name, the second gets a number.

    --heatmap and --strip write pictures of the patient: what is burned into a slice can be read in them.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk predict slice.png
      hemotk predict bundles/first slices/ --variant float32
      hemotk predict bundles/first/model_int8.tflite a.png --json scores.json
      hemotk predict bundles/first slices/ --csv - > scores.csv
      hemotk predict theirs.tflite slice.png --normalization torch
      hemotk predict bundles/first slice.png --heatmap slice_map.png
      hemotk predict bundles/first slices/ --heatmap maps/
      hemotk predict bundles/first series/ --series --strip series.png
    """
    from hemotk.api.scoring import corrected, load
    from hemotk.artifacts.predictions import INTENDED_USE

    options = SeriesOptions(study, top_k, strip_file)
    model, images = _model_and_images(paths)
    pictures = options.slices(_pictures(images))
    heatmaps = {} if target is None else heatmap_files(target, pictures)
    maps = [("--heatmap", file) for file in heatmaps.values()]
    tables = [("--json", json_file), ("--csv", csv_file)]
    check_targets([*tables, ("--strip", strip_file), *maps], pictures, overwrite)
    classifier = load(
        model,
        variant,
        threads=threads,
        window=None if window is None else (window.level, window.width),
        normalization=normalization,
        output=output,
        positive_class=int(positive_class),
    )
    for option, file in tables:
        for path in (Path(classifier.model.path), *pictures) if file is not None else ():
            check_utf8(path, f"{option} cannot hold it")
    if heatmaps and not classifier.has_cam:
        raise HemotkError(
            f"--heatmap: {classifier.model.path} gives no class-activation map; export the run again with `hemotk "
            "export --cam`."
        )
    click.echo(printable(classifier.model.words))
    for warning in classifier.remarks:
        click.echo(f"hemotk: warning: --{warning}", err=True)
    predictions, failures = _score(classifier, pictures, heatmaps)
    if count := corrected(pictures):
        remark(f"{count} slices had negative Hounsfield units wrapped to large values; they were put right.")
    if len(pictures) > 1 and not study:
        click.echo(_summary(predictions, len(failures)))
    verdict = options.verdict(classifier, predictions, failures)
    if target is not None and predictions:
        for picture, file in renamed(target, heatmaps).items():
            if picture.as_posix() not in failures:
                click.echo(printable(f"{picture} → {file}"))
        click.echo(printable(f"wrote {target}"))
    if predictions:
        click.echo(f"{INTENDED_USE.capitalize()}.")
    found = classifier.result(predictions, failures, verdict)
    for file, content in ((json_file, found.to_json), (csv_file, found.to_csv)):
        if file is not None:
            write_bytes(file, content(), overwrite=overwrite)
            click.echo(printable(f"wrote {file}"))
    return HemotkError.exit_code if failures else 0


def _summary(predictions: Sequence["Prediction"], failures: int) -> str:
    """How many pictures got which verdict."""
    counts = Counter(one.verdict for one in predictions)
    words = [f"{count} {verdict}" for verdict, count in sorted(counts.items(), key=lambda item: item[0])]
    doubtful = sum(bool(one.doubts) for one in predictions)
    words += [f"{doubtful} may be no head CT slice"] * bool(doubtful) + [f"{failures} cannot be read"] * bool(failures)
    return f"{len(predictions) + failures} pictures: {', '.join(words)}"


def _model_and_images(paths: Sequence[Path]) -> tuple[Path, Sequence[Path]]:
    """The bundle or model that the first path names, or else the newest bundle, and the paths that are pictures."""
    from hemotk.tflite.facts import is_model

    first, rest = paths[0], paths[1:]
    if is_model(first) or (first / BUNDLE_CARD).is_file():
        _check_images(first, rest)
        return first, rest
    _check_images(first, paths)
    return bundle_or_newest(None), paths


def _check_images(first: Path, images: Sequence[Path]) -> None:
    """Refuse what is a mistake in the order or the name of a model: another one than was meant would score."""
    from hemotk.data.scan.folder import SUFFIXES
    from hemotk.tflite.facts import is_model

    if (found := kind_of(first)) not in ("", "bundle"):
        raise HemotkError(not_wanted(first, found, "bundle"))
    if not first.exists() and first.suffix.lower() not in SUFFIXES:
        raise HemotkError(f"{first}: no such bundle, model, picture or folder; check the path.")
    if not images:
        raise HemotkError(f"{first}: no picture is named after it; add one, such as slice.png.")
    for path in images:
        if is_model(path) or (path / BUNDLE_CARD).is_file():
            raise HemotkError(f"{path}: comes after other paths; name one bundle or model, before the pictures.")
        if found := kind_of(path):
            raise HemotkError(not_wanted(path, found, "images"))


def _pictures(images: Iterable[Path]) -> Iterator[Path]:
    """The files among `images`, and every picture below the folders among them, sorted by path."""
    from hemotk.api.scoring import pictures_in

    for path in images:
        if path.is_dir():
            yield from pictures_in(path, lambda line: click.echo(printable(f"hemotk: {line}"), err=True))
        else:
            yield path


def _score(
    classifier: "Classifier", pictures: Sequence[Path], heatmaps: Mapping[Path, Path]
) -> tuple[list["Prediction"], dict[str, str]]:
    """Print and return what is said about each picture, and a sentence for each that cannot be read.

    Where `heatmaps` names a file for a picture, its heatmap is written there.
    """
    predictions: list[Prediction] = []
    failures: dict[str, str] = {}
    width = max(len(printable(path)) for path in pictures)
    # On a terminal the rows themselves are the progress.
    with nullcontext(silent) if sys.stdout.isatty() or len(pictures) < MANY else bars() as tell:
        for done, (path, scored) in enumerate(classifier.each(pictures), 1):
            tell("scoring", done, len(pictures))
            if isinstance(scored, UnreadablePicture):
                failures[path.as_posix()] = str(scored)
                click.echo(printable(f"hemotk: {scored}"), err=True)
                continue
            if path in heatmaps:
                write_bytes(heatmaps[path], scored.heat_map_png())
            predictions.append(scored)
            _say(printable(path), scored, width)
    return predictions, failures


def _say(name: str, scored: "Prediction", width: int) -> None:
    doubtful = "  may be no head CT slice" if scored.doubts else ""
    click.echo(f"{name:{width}}  {scored.probability:.4f}  {scored.verdict}{doubtful}")
    if scored.doubts:
        click.echo(f"hemotk: warning: {name}: may be no head CT slice: it {' and '.join(scored.doubts)}.", err=True)

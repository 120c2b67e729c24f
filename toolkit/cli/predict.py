"""`hemotk predict`."""

import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hemotk.artifacts import BUNDLE_CARD, RUN_CARD
from hemotk.artifacts.bundle import Kind
from hemotk.cli.file_names import check_targets
from hemotk.cli.foreign import foreign_options
from hemotk.cli.options import PATH, bundle_or_newest, json_option, overwrite_option, threads_option
from hemotk.cli.series import SeriesOptions, series_options
from hemotk.cli.window import window_option
from hemotk.errors import HemotkError
from hemotk.files import check_utf8, printable, write_bytes
from hemotk.predict.heatmap_files import heatmap_files, renamed

if TYPE_CHECKING:
    from hemotk.artifacts.foreign import ForeignOptions
    from hemotk.artifacts.pixels import Window
    from hemotk.predict.classify import PictureClassifier, ScoredPicture, VerifiedModel


@click.command()
@click.argument("paths", nargs=-1, required=True, type=PATH, metavar="[BUNDLE|MODEL.tflite] IMAGE...")
@click.option(
    "--variant",
    type=click.Choice([kind for kind in typing.get_args(Kind) if kind != "given"]),
    help="The model of the bundle to use.  [default: a quantized one, int8 first]",
)
@threads_option(1)
@json_option
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
def predict(
    *,
    paths: tuple[Path, ...],
    variant: str | None,
    threads: int,
    json_file: Path | None,
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
    `hemotk export --cam`. Red speaks for hemorrhage, blue against it. What adds nothing is left as it is. The scale is
    the same for every picture: from 0 to ±10 in units of the logit; beyond that, the colour stays. The logit is the
    map's mean. In a folder, each heat map is named after its picture. If two pictures have the same name, the second
    gets a number.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk predict slice.png
      hemotk predict bundles/first slices/ --variant float32
      hemotk predict bundles/first/model_int8.tflite a.png b.png --json scores.json
      hemotk predict theirs.tflite slice.png --normalization torch
      hemotk predict bundles/first slice.png --heatmap slice_map.png
      hemotk predict bundles/first slices/ --heatmap maps/
      hemotk predict bundles/first series/ --series --strip series.png
    """
    from hemotk.artifacts.foreign import ForeignOptions
    from hemotk.predict.classify import INTENDED_USE, PictureClassifier, ScoredPictures, seen_through

    options = SeriesOptions(study, top_k, strip_file)
    model, images = _model_and_images(paths, variant, ForeignOptions(normalization, output, int(positive_class)))
    recorded = model.preprocess.window
    if window is not None:
        model = seen_through(model, window)
    pictures = options.slices(_pictures(images))
    heatmaps = {} if target is None else heatmap_files(target, pictures)
    maps = [("--heatmap", file) for file in heatmaps.values()]
    check_targets([("--json", json_file), ("--strip", strip_file), *maps], pictures, overwrite)
    if json_file is not None:
        for path in (Path(model.path), *pictures):
            check_utf8(path, "--json cannot hold it")
    classifier = PictureClassifier(model, threads=threads)
    if heatmaps and not classifier.has_cam:
        raise HemotkError(
            f"--heatmap: {model.path} gives no class-activation map; export the run again with `hemotk export --cam`."
        )
    click.echo(printable(_heading(model)))
    if model.preprocess.window != recorded:
        click.echo(
            f"hemotk: warning: --window {model.preprocess.window}: the model was made for {recorded}, so its scores "
            "and threshold do not hold for DICOM seen through another window.",
            err=True,
        )
    predictions, failures = _score(classifier, pictures, heatmaps)
    _say_corrected(pictures)
    verdict = options.verdict(model, predictions, failures)
    if target is not None and predictions:
        for picture, file in renamed(target, heatmaps).items():
            if picture.as_posix() not in failures:
                click.echo(printable(f"{picture} → {file}"))
        click.echo(printable(f"wrote {target}"))
    if predictions:
        click.echo(f"{INTENDED_USE.capitalize()}.")
    if json_file is not None:
        result = ScoredPictures(model, classifier.runtime, tuple(predictions), failures, study=verdict)
        result.write(json_file, overwrite=overwrite)
        click.echo(printable(f"wrote {json_file}"))
    return HemotkError.exit_code if failures else 0


def _model_and_images(
    paths: Sequence[Path], variant: str | None, asked: "ForeignOptions"
) -> tuple["VerifiedModel", Sequence[Path]]:
    """The model that the first path names, or else that of the newest bundle, and the paths that are pictures."""
    from hemotk.predict.classify import model_of_bundle, model_of_file
    from hemotk.tflite.facts import is_model

    first, rest = paths[0], paths[1:]
    if is_model(first):
        if variant is not None:
            raise HemotkError(f"--variant {variant}: {first} is one model already; leave it out, or name the bundle.")
        _check_images(first, rest)
        return model_of_file(first, asked), rest
    if asked.anything:
        raise HemotkError(
            "--normalization, --output and --positive-class: are for a bare .tflite, and a bundle says these itself; "
            "leave them out."
        )
    if (first / BUNDLE_CARD).is_file():
        _check_images(first, rest)
        return model_of_bundle(first, variant), rest
    _check_images(first, paths)
    return model_of_bundle(bundle_or_newest(None), variant), paths


def _check_images(first: Path, images: Sequence[Path]) -> None:
    """Refuse what is a mistake in the order or the name of a model: another one than was meant would score."""
    from hemotk.data.scan.folder import SUFFIXES
    from hemotk.tflite.facts import is_model

    if not first.exists() and first.suffix.lower() not in SUFFIXES:
        raise HemotkError(f"{first}: no such bundle, model, picture or folder; check the path.")
    if not images:
        raise HemotkError(f"{first}: no picture is named after it; add one, such as slice.png.")
    for path in images:
        if is_model(path) or (path / BUNDLE_CARD).is_file():
            raise HemotkError(f"{path}: comes after other paths; name one bundle or model, before the pictures.")
        if (path / RUN_CARD).is_file():
            raise HemotkError(f"{path}: is a run, which scores no pictures; export it, then name the bundle.")


def _heading(model: "VerifiedModel") -> str:
    facts = f"threshold {model.threshold:g}, temperature {model.temperature:g}"
    if model.kind:
        return f"{model.path}: {model.kind} of bundle {model.bundle}, {facts}"
    from hemotk.artifacts.foreign import assumptions

    said = () if model.foreign is None else model.foreign.said
    return f"{model.path}: {assumptions(model.preprocess.size, said)}"


def _say_corrected(pictures: Sequence[Path]) -> None:
    from hemotk.data.read.dicom import is_dicom, was_wrapped

    count = sum(is_dicom(path) and was_wrapped(path) for path in pictures)
    if count:
        click.echo(
            f"hemotk: {count} slices had negative Hounsfield units wrapped to large values; they were put right.",
            err=True,
        )


def _pictures(images: Iterable[Path]) -> Iterator[Path]:
    """The files among `images`, and every picture below the folders among them, sorted by path."""
    from hemotk.data.scan.found import left_out_lines
    from hemotk.data.scan.listing import list_folder

    for path in images:
        if not path.is_dir():
            yield path
            continue
        listing = list_folder(path)
        for line in left_out_lines(listing.left_out):
            click.echo(printable(f"hemotk: {path}: {' '.join(line.split())}"), err=True)
        found = listing.files
        if not found:
            raise HemotkError(f"{path}: holds no pictures (PNG, JPEG, TIFF, DICOM and the like); check the path.")
        yield from (path / name for name in found)


def _score(
    classifier: "PictureClassifier", pictures: Sequence[Path], heatmaps: Mapping[Path, Path]
) -> tuple[list["ScoredPicture"], dict[str, str]]:
    """Print and return what is said about each picture, and a sentence for each that cannot be read.

    Where `heatmaps` names a file for a picture, its heatmap is written there.
    """
    from hemotk.errors import UnreadablePicture

    predictions, failures = [], {}
    width = max(len(printable(path)) for path in pictures)
    for path in pictures:
        try:
            found = classifier.classify(path)
        except UnreadablePicture as error:
            failures[path.as_posix()] = str(error)
            click.echo(printable(f"hemotk: {error}"), err=True)
            continue
        if path in heatmaps:
            write_bytes(heatmaps[path], classifier.heatmap())
        predictions.append(found)
        name = printable(path)
        click.echo(f"{name:{width}}  {found.probability:.4f}  {found.verdict}")
        if found.doubts:
            click.echo(f"hemotk: warning: {name}: may be no head CT slice: it {' and '.join(found.doubts)}.", err=True)
    return predictions, failures

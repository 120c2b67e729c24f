"""`hemotk predict --series`: one verdict for a series of slices."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hemotk.cli.options import PATH
from hemotk.errors import HemotkError
from hemotk.files import write_bytes

if TYPE_CHECKING:
    from hemotk.api.scoring import Classifier, Prediction
    from hemotk.artifacts import SeriesPoint
    from hemotk.artifacts.predictions import SeriesVerdict, VerifiedModel

TOP_K = 3
_SUFFIX = ".png"


def series_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--series`, `--top-k` and `--strip`, passed on as `study`, `top_k` and `strip_file`."""
    options = (
        click.option(
            "--series",
            "--study",
            "study",
            is_flag=True,
            help="The pictures are the slices of one series: give it one verdict. (--study is the older name.)",
        ),
        click.option(
            "--top-k",
            type=click.IntRange(min=1),
            metavar="K",
            help=f"With --series: how many highest probabilities to average.  [default: the bundle's, else {TOP_K}]",
        ),
        click.option(
            "--strip",
            "strip_file",
            type=PATH,
            metavar="FILE.png",
            help="With --series: also draw the scores along the series, and the highest slices, into FILE.png.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True)
class SeriesOptions:
    """What was asked for; all but `study` need it.

    Raises:
        HemotkError: an option without --series, or a strip that is no .png file.
    """

    study: bool
    top_k: int | None
    strip: Path | None

    def __post_init__(self) -> None:
        for name, value in (("--top-k", self.top_k), ("--strip", self.strip)):
            if value is not None and not self.study:
                raise HemotkError(f"{name} {value}: is for a series of slices; add --series.")
        if self.strip is not None and self.strip.suffix.lower() != _SUFFIX:
            raise HemotkError(f"--strip {self.strip}: is drawn as a PNG; name a {_SUFFIX} file.")

    def slices(self, pictures: Iterable[Path]) -> list[Path]:
        """The pictures; with --series in the order of the series.

        Raises:
            HemotkError: pictures of several folders, series or patients, or a strip that would replace one of them.
        """
        from hemotk.data.series import in_order

        found = list(pictures)
        if not self.study:
            return found
        folders = sorted({path.parent for path in found})
        if len(folders) > 1:
            raise HemotkError(
                f"--series: the slices lie in {folders[0]} and {folders[1]}; a verdict is for one series, so name its "
                "folder."
            )
        if self.strip is not None and self.strip.resolve() in {path.resolve() for path in found}:
            raise HemotkError(f"--strip {self.strip}: would replace a slice; name another file.")
        return in_order(found)

    def verdict(
        self, classifier: "Classifier", predictions: Sequence["Prediction"], failures: Mapping[str, str]
    ) -> "SeriesVerdict | None":
        """Print the series' verdict, and draw the strip; None without --series, or where slices cannot be read."""
        if not self.study:
            return None
        if failures:
            click.echo(
                f"hemotk: --series: no verdict, because {len(failures)} of {len(failures) + len(predictions)} slices "
                "cannot be read; mend or remove them.",
                err=True,
            )
            return None
        from hemotk.predict.strip import strip

        found = classifier.verdict(predictions, self._point(classifier.model))
        says = f"{found.probability:.4f}  {found.verdict}"
        highest = f"the mean of the {found.k} highest of {found.slices} slices"
        click.echo(f"series  {says}, {highest}, threshold {found.threshold:.6g}")
        if self.strip is not None:
            probabilities = [prediction.probability for prediction in predictions]
            pictures = [prediction.gray for prediction in predictions if prediction.gray is not None]
            write_bytes(self.strip, strip(probabilities, found.k, found.threshold, f"series {says}", pictures))
            click.echo(f"wrote {self.strip}")
        return found

    def _point(self, model: "VerifiedModel") -> "SeriesPoint":
        """How the verdict is made: as the bundle says, unless another number of slices is asked for."""
        from hemotk.artifacts import SeriesPoint

        chosen = model.study
        if chosen is not None and self.top_k in (None, chosen.k):
            return chosen
        k = TOP_K if self.top_k is None else self.top_k
        why = (
            f"k = {k} is {'the default' if self.top_k is None else 'as asked for'}, not chosen on data"
            if chosen is None
            else f"the bundle's threshold for series was chosen for k = {chosen.k}, not for {k}"
        )
        click.echo(
            f"hemotk: --series: {why}; the threshold for slices, {model.threshold:.6g}, is used, which the highest "
            "slices of a series reach more easily than one slice.",
            err=True,
        )
        return SeriesPoint(k, model.threshold)

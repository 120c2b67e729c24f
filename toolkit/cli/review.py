"""`hemotk review`."""

from pathlib import Path
from typing import Literal

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, overwrite_option
from hemotk.cli.standard_output import may_print

PAGE = Path("review.html")


@click.command(cls=Command)
@click.argument("source", type=PATH, metavar="RUN|BUNDLE")
@click.option(
    "--out", type=PATH, default=PAGE, show_default=True, help="The HTML file to write, or - for the standard output."
)
@click.option(
    "--part",
    type=click.Choice(["validation", "test"]),
    default="test",
    show_default=True,
    help="The part of the split. A bundle has its test part alone.",
)
@click.option(
    "--near",
    type=float,
    default=0.1,
    show_default=True,
    metavar="P",
    help="Also list slices whose probability is at most P away from the threshold.",
)
@click.option(
    "--pictures",
    is_flag=True,
    help="Also show the slices as the network saw them, with heat maps if it has any. The page then shows patients.",
)
@click.option(
    "--data", type=PATH, help="Where the images, and their table of labels, are now. A bundle needs only the table."
)
@click.option(
    "--variant", metavar="KIND", help="The model of a bundle to hold against float32.  [default: int8, if there is one]"
)
@click.option("--bench", type=PATH, metavar="FILE", help="Take a bundle's scores from the JSON file of a bench.")
@click.option("--audit", type=PATH, metavar="FILE", help="Also show the findings of `hemotk data audit --json`.")
@overwrite_option
@may_print("out")
def review(
    *,
    source: Path,
    out: Path,
    part: Literal["validation", "test"],
    near: float,
    pictures: bool,
    data: Path | None,
    variant: str | None,
    bench: Path | None,
    audit: Path | None,
    overwrite: bool,
) -> None:
    """Write a page for looking at what a run or a bundle gets wrong.

    The page is one HTML file that works offline. It lists every miss, every slice near the threshold, and for a BUNDLE
    every flip between float32 and int8: each with its probability, logit, label and group, and the kinds of hemorrhage
    that the table of labels gives. A slider moves the threshold. Sensitivity, specificity and their intervals follow.
    Write notes beside the slices, and save them as CSV.

    KEEP IT IN THE HOUSE. The page names images by their paths. It shows pictures of patients only with --pictures. It
    sends nothing: its security policy forbids every connection.

    \b
    Examples:
      hemotk review first
      hemotk review runs/first --pictures --data head_ct
      hemotk review bundles/first --bench bench.json --out flips.html
    """
    from hemotk.api.reviews import review as review_of

    made = review_of(
        source,
        out,
        part=part,
        near=near,
        pictures=pictures,
        data=data,
        variant=variant,
        bench=bench,
        audit=audit,
        overwrite=overwrite,
    )
    counts = ", ".join(f"{count} {words}" for words, count in _counted(made.kinds))
    click.echo(f"{made.what} {made.name}, {made.images} images of the {made.part} part: {counts or 'nothing to list'}")
    for note in made.notes:
        click.echo(note)
    shows = f" and shows pictures of patients ({made.pictures}, {made.maps} with heat maps)" if made.pictures else ""
    click.echo(f"wrote {made.place}; it names images by their paths{shows}: keep it in the house")


def _counted(kinds: dict[str, int]) -> list[tuple[str, int]]:
    words = {"missed": "missed", "false alarm": "false alarm", "flip": "flip", "near": "near the threshold"}
    plural = {"false alarm", "flip"}
    return [(words[kind] + "s" * (kind in plural and kinds[kind] > 1), kinds[kind]) for kind in words if kind in kinds]

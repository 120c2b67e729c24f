"""`hemotk web`."""

import tempfile
from pathlib import Path

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, bundle_or_newest, overwrite_option
from hemotk.errors import HemotkError

SITE, PAGE = Path("site"), Path("hemotk.html")


@click.command(cls=Command)
@click.argument("bundle", required=False, type=PATH)
@click.option(
    "--out",
    type=PATH,
    help=f"The folder to write.  [default: {SITE}; with --single-file the file {PAGE}; with --serve none]",
)
@click.option("--single-file", is_flag=True, help="Write one HTML file, which a browser opens without a server.")
@click.option(
    "--with-testset",
    is_flag=True,
    help="Put the test set into the page, for its bench. Then preprocessed pictures of people leave this machine with "
    "the page, without names and labels.",
)
@click.option("--serve", "shown", is_flag=True, help="Show the page at once, on this machine alone, until Ctrl+C.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="The port for --serve."
)
@overwrite_option
def web(
    *,
    bundle: Path | None,
    out: Path | None,
    single_file: bool,
    with_testset: bool,
    shown: bool,
    port: int,
    overwrite: bool,
) -> None:
    """Write a web page that runs a bundle in the browser.

    The page takes pictures and DICOM files that you drop, choose, paste or photograph. It shows the probability, the
    verdict and the heat map. It can give a series one verdict, and bench the model. Nothing leaves the page: its
    security policy forbids every connection.

    The page gets the int8 model of BUNDLE. The default is the newest bundle under bundles/. The model must take uint8
    and have static shapes, and it must be the file that export checked. When the page starts, it scores the bundle's
    drawn pictures. It gives no verdicts on a device where they come out differently.

    Copy the folder to any web server with https; it needs no program there. People can then install the page, and it
    works offline. Nothing in it names a file, a path or a person.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk web --serve
      hemotk web bundles/first --out site
      hemotk web bundles/first --single-file --out hemotk.html
    """
    from hemotk.api.apps import WebPage, web_page
    from hemotk.web.serve import serve

    if shown and single_file:
        raise HemotkError(
            "--serve and --single-file: contradict each other, since a single file is opened without a server; leave "
            "one of both out."
        )
    if out is not None and not single_file and out.suffix.lower() in (".html", ".htm"):
        raise HemotkError(
            f"--out {out}: is called like one file, and a folder is written without --single-file; add that, or name a "
            "folder."
        )
    if single_file and out is not None and out.is_dir():
        raise HemotkError(f"--out {out}: is a folder, and --single-file writes one file; name a file, or leave it out.")
    if port and not shown:
        raise HemotkError(f"--port {port}: is for --serve; add it, or leave the port out.")

    def make(place: Path) -> WebPage:
        chosen = bundle_or_newest(bundle)
        site = web_page(chosen, place, single_file=single_file, with_testset=with_testset, overwrite=overwrite)
        click.echo(f"{site.model.file} of bundle {site.bundle}: {site.model.bytes / 1e6:.2f} MB, uint8 in")
        if site.test_images:
            click.echo(f"with {site.test_images} test images: do not pass this page on to people who may not see them")
        return site

    def ready(address: str) -> None:
        click.echo(f"{address} shows the page on this machine alone; Ctrl+C ends it")

    if shown and out is None:
        with tempfile.TemporaryDirectory() as folder:
            serve(make(Path(folder) / SITE).place, port, ready)
        return
    site = make(out or (PAGE if single_file else SITE))
    click.echo(f"wrote {site.place}, a page of {site.bytes / 1e6:.1f} MB")
    if shown:
        serve(site.place, port, ready)

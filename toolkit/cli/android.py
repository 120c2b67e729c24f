"""`hemotk android`."""

from pathlib import Path
from typing import Any

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, bundle_or_newest, overwrite_option
from hemotk.files import refuse_existing


@click.command(cls=Command)
@click.argument("bundle", required=False, type=PATH)
@click.option("--out", type=PATH, default=Path("app"), show_default=True, help="The folder to write.")
@click.option(
    "--with-testset",
    is_flag=True,
    help="Put the test set into the app, for its bench. Then preprocessed pictures of people leave this machine with "
    "the app, without names and labels.",
)
@click.option(
    "--application-id",
    metavar="ID",
    default="org.hemotk.app",
    show_default=True,
    help="The app's id, by which phones and stores tell it from others. Use a domain of yours.",
)
@click.option("--name", default="hemotk", show_default=True, help="The app's name, as it stands under its icon.")
@click.option("--app-version", metavar="VERSION", default="1", show_default=True, help="The app's version.")
@click.option("--secure", is_flag=True, help="Allow no screenshots of the verdict.")
@overwrite_option
def android(*, bundle: Path | None, out: Path, with_testset: bool, overwrite: bool, **given: Any) -> None:
    """Write an Android project with a bundle in it, ready for Android Studio or `./gradlew`.

    The app takes a picture that you choose or share. It shows the probability, the verdict, doubts whether this is a
    head CT slice, and the heat map. It can also bench the model on the phone.

    At every start the app decodes drawn pictures, scores them, and compares the results with those recorded here. A
    phone that gives other results shows no verdict. "About this app" shows the differences.

    The app gets the int8 model of BUNDLE. The default is the newest bundle under bundles/. The model must take uint8,
    give uint8 or float32, and have static shapes, and it must be the file that export checked. Nothing in the app
    names a file, a path or a person.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk android
      hemotk android bundles/first --out first_app
      hemotk android bundles/first --application-id org.example.slices
      hemotk android bundles/first --out bench_app --with-testset
    """
    from hemotk.android.options import AppOptions
    from hemotk.api.apps import android_app

    options = AppOptions(**given)
    refuse_existing(out, overwrite)
    app = android_app(bundle_or_newest(bundle), out, with_testset=with_testset, overwrite=overwrite, **given)
    types = sorted({output.dtype for output in app.model.outputs})
    click.echo(
        f"{app.model.file} of bundle {app.bundle}: {app.model.bytes / 1e6:.2f} MB, {app.model.input.dtype} in, "
        f"{' and '.join(types)} out"
    )
    click.echo(f"{options.application_id}, version {options.app_version} (code {options.version_code})")
    if app.named:
        click.echo(f"the bundle's card names {app.named} images and their labels, the app's card does not")
    if app.test_images:
        click.echo(f"with {app.test_images} test images: do not pass this app on to people who may not see them")
    click.echo(f"wrote {app.folder}; open it in Android Studio, or run `./gradlew :app:assembleDebug` in it")

"""`hemotk android`."""

from pathlib import Path

import click

from hemotk.cli.options import PATH, bundle_or_newest, overwrite_option
from hemotk.files import refuse_existing


@click.command()
@click.argument("bundle", required=False, type=PATH)
@click.option("--out", type=PATH, default=Path("app"), show_default=True, help="The folder to write.")
@click.option(
    "--with-testset",
    is_flag=True,
    help="Put the test set into the app, for its bench. Then preprocessed pictures of people leave this machine with "
    "the app, without names and labels.",
)
@overwrite_option
def android(*, bundle: Path | None, out: Path, with_testset: bool, overwrite: bool) -> None:
    """Write the Android app with a bundle in it, ready for Android Studio.

    The app takes a picture that you choose or share. It shows the probability, the verdict and the heat map. It can
    also bench the model on the phone.

    The app gets the int8 model of BUNDLE. The default is the newest bundle under bundles/. The model must take and
    give uint8 and have static shapes, and it must be the file that export checked. Nothing in the app names a file,
    a path or a person.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk android
      hemotk android bundles/first --out first_app
      hemotk android bundles/first --out bench_app --with-testset
    """
    from hemotk.api.apps import android_app

    refuse_existing(out, overwrite)
    app = android_app(bundle_or_newest(bundle), out, with_testset=with_testset, overwrite=overwrite)
    click.echo(f"{app.model.file} of bundle {app.bundle}: {app.model.bytes / 1e6:.2f} MB, uint8 in and out")
    if app.named:
        click.echo(f"the bundle's card names {app.named} images and their labels, the app's card does not")
    if app.test_images:
        click.echo(f"with {app.test_images} test images: do not pass this app on to people who may not see them")
    click.echo(f"wrote {app.folder}; open it in Android Studio, or run `gradle :app:assembleDebug` in it")

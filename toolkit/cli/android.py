"""`hemotk android`."""

from pathlib import Path
from typing import Any

import click

from hemotk.cli.help import Command
from hemotk.cli.options import PATH, bundle_or_newest, overwrite_option
from hemotk.files import refuse_existing


@click.command(cls=Command)
@click.argument("bundles", nargs=-1, type=PATH, metavar="[BUNDLE]...")
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
def android(*, bundles: tuple[Path, ...], out: Path, with_testset: bool, overwrite: bool, **given: Any) -> None:
    """Write an Android project with one or several bundles in it, ready for Android Studio or `./gradlew`.

    The app takes a picture that you choose or share. It shows the probability, the verdict, doubts whether this is a
    head CT slice, and the heat map. It can also bench the model on the phone.

    At every start the app decodes drawn pictures, scores them, and compares the results with those recorded here. A
    phone that gives other results shows no verdict. "About this app" shows the differences.

    The app gets the int8 model of BUNDLE. The default is the newest bundle under bundles/. The model must take uint8,
    give uint8 or float32, and have static shapes, and it must be the file that export checked. Nothing in the app
    names a file, a path or a person.

    With several bundles, up to 8, the app has a chooser with their names. Each model has its own self-check, and every
    verdict says which model gave it. The bundles must have different names and the same classes.

    Research, not for diagnosis.

    \b
    Examples:
      hemotk android
      hemotk android bundles/first --out first_app
      hemotk android bundles/first bundles/second --out two_models
      hemotk android bundles/first --application-id org.example.slices
      hemotk android bundles/first --out bench_app --with-testset
    """
    from hemotk.android.options import AppOptions
    from hemotk.api.apps import android_app

    options = AppOptions(**given)
    refuse_existing(out, overwrite)
    found = bundles or (bundle_or_newest(None),)
    app = android_app(found, out, with_testset=with_testset, overwrite=overwrite, **given)
    for each in app.models:
        types = sorted({output.dtype for output in each.model.outputs})
        click.echo(
            f"{each.model.file} of bundle {each.bundle}: {each.model.bytes / 1e6:.2f} MB, {each.model.input.dtype} in, "
            f"{' and '.join(types)} out"
        )
    click.echo(f"{options.application_id}, version {options.app_version} (code {options.version_code})")
    if app.named:
        whose, own = (
            ("bundle's card names", "card does") if len(app.models) == 1 else ("bundles' cards name", "cards do")
        )
        click.echo(f"the {whose} {app.named} images and their labels, the app's {own} not")
    if app.test_images:
        click.echo(f"with {app.test_images} test images: do not pass this app on to people who may not see them")
    click.echo(f"wrote {app.folder}; open it in Android Studio, or run `./gradlew :app:assembleDebug` in it")

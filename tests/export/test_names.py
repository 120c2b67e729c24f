"""What is made to be handed on names nobody: not a bundle, not an app, whatever folders and files were called."""

import base64
import csv
import gzip
import json
import platform
import re
import socket
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from exportable_runs import card_for, make_densenet_run
from names_search import found_names
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from random_networks import random_pixels, tiny_shape

from hemotk.android import ASSETS, make_app
from hemotk.artifacts import BUNDLE_CARD, BundleCard, CalibrationManifest, SplitManifest
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.exporting.bundle import export_run
from hemotk.exporting.config import ExportConfig
from hemotk.exporting.recipe import Recipe
from hemotk.store.publish import beside_bundle
from hemotk.web.site import make_site

SIZE = 48
ARTIST, ORIENTATION, COMMENT = 0x013B, 0x0112, 0x9286
# What the folder, the patients, their files and what these say of themselves are called: each stands in the house.
HOSPITAL, USER, HOST = "Sankt_Florian", "kettenbach", "befundplatz-7"
PATIENTS = tuple(
    f"{name}_{1961 + place}" for place, name in enumerate(("Mueller_Annegret", "Öztürk_Kemal", "Zoë_Weiß"))
)
FILES = ("querschnitt", "kopfscan")
SAID = ("Wachtmeister^Otto", "Herr Grünwald", "Überweiser")
WEIGHTS = "netz_von_annegret.npz"
WORDS = (
    HOSPITAL,
    "Mueller",
    "Annegret",
    "Öztürk",
    "Kemal",
    "Zoë_W",
    "Weiß",
    *FILES,
    "Wachtmeister",
    "Grünwald",
    "Überweiser",
)
EVERYTHING = ExportConfig(tuple(Recipe(kind) for kind in ("fp16", "dynamic", "int8")), calibration=8, cam=True)


def write_pictures(folder: Path) -> Path:
    """Pictures in class folders with a folder for each patient, a table of them, and names within the files."""
    rows = [("file", "label", "patient")]
    for place, pixels in enumerate(random_pixels(36, 70, seed=5)):
        label, who = ("normal", "hemorrhage")[place % 2], f"{PATIENTS[place % 3]}_{place // 6}"
        path = folder / label / who / f"{FILES[place % 2]}{place}.{('png', 'png', 'jpg')[place // 2 % 3]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture, exif, text = Image.fromarray(pixels), Image.Exif(), PngInfo()
        if place % 4 < 2:
            exif[ARTIST], exif[ORIENTATION] = SAID[0], 1
            exif.get_ifd(0x8769)[COMMENT] = SAID[1]
            text.add_text("Patient", SAID[1])
            text.add_itxt("Referrer", SAID[2], zip=True)
        extra = {"pnginfo": text} if path.suffix == ".png" else {"comment": SAID[2].encode()}
        picture.save(path, exif=exif, **extra)
        rows.append((path.relative_to(folder).as_posix(), str(place % 2), who))
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return folder


def write_run(folder: Path, split: SplitManifest) -> Path:
    """A run that began with weights called after a patient, as its card says."""
    run = make_densenet_run(folder, split, tiny_shape(), SIZE)
    note = f"What the weight file {WEIGHTS} learned from is not known: the figures flatter."
    settings = {"recipe": "hemotk", "weights": f"{folder.parent}/{WEIGHTS}", "epochs": 1}
    replace(card_for(run, split, SIZE), settings=settings, notes=(note,)).write(run / "run.json")
    return run


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with pictures in `data/`, and beside it a run and its bundle; the shell stands in it."""
    home = tmp_path_factory.mktemp("home") / USER
    with pytest.MonkeyPatch.context() as patch:
        home.mkdir()
        patch.chdir(home)
        for name in ("USER", "LOGNAME", "HOSTNAME"):
            patch.setenv(name, USER)
        patch.setenv("HOME", str(home))
        patch.setattr(platform, "node", lambda: HOST)
        patch.setattr(socket, "gethostname", lambda: HOST)
        pictures = write_pictures(home / "data" / HOSPITAL)
        run = write_run(home / "runs" / "first", make_split(scan(pictures), SplitConfig(grouping="patient")))
        export_run(run, home / "bundles" / "first", EVERYTHING)
        make_app([Path("bundles/first")], Path("app"))
        make_app([Path("bundles/first")], Path("bench_app"), with_testset=True)
    return home


def secrets(house: Path) -> set[str]:
    """The words, and the paths of this machine."""
    return {*WORDS, USER, HOST, str(house), str(house.parent), str(Path(__file__).parents[2]), WEIGHTS}


def test_every_name_stands_in_the_house_and_the_search_finds_it(house: Path) -> None:
    assert found_names(house / "data", secrets(house)) >= {*WORDS} - {HOSPITAL}
    assert found_names(house / "runs", secrets(house)) >= {HOSPITAL, *FILES, "Öztürk", USER, WEIGHTS, str(house)}
    assert found_names(beside_bundle(house / "bundles/first"), secrets(house)) >= {
        "Mueller",
        "Annegret",
        "Kemal",
        *FILES,
    }


def test_the_search_looks_into_archives_and_pictures(tmp_path: Path) -> None:
    text = PngInfo()
    text.add_text("Patient", SAID[1], zip=True)
    Image.new("L", (20, 20)).save(tmp_path / "picture.png", pnginfo=text)
    with zipfile.ZipFile(tmp_path / "inner.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "picture.png", "a.png")
        archive.writestr("b", "Mueller" * 9)
    (tmp_path / "picture.png").unlink()
    (tmp_path / "wide").write_bytes("öztürk".encode("utf-16"))
    (tmp_path / "escaped.json").write_text(json.dumps("Zoë"))
    assert found_names(tmp_path, ("Grünwald", "MUELLER", "Öztürk", "Zoë", "Kemal")) == {
        "Grünwald",
        "MUELLER",
        "Öztürk",
        "Zoë",
    }


def test_a_bundle_names_nobody(house: Path) -> None:
    assert found_names(house / "bundles/first", secrets(house)) == set()


@pytest.mark.parametrize("app", ["app", "bench_app"])
def test_an_app_names_nobody(house: Path, app: str) -> None:
    assert (house / app / ASSETS / "testset").is_dir() == (app == "bench_app")
    assert found_names(house / app, secrets(house)) == set()


def test_a_page_names_nobody(house: Path, tmp_path: Path) -> None:
    for name, with_testset in (("site", False), ("bench_site", True)):
        make_site(house / "bundles/first", tmp_path / name, with_testset=with_testset)
        page = (tmp_path / name / "index.html").read_text(encoding="utf-8")
        for part, text in re.findall(r'id="part-(\w+)">([^<]*)<', page):
            (tmp_path / name / part).write_bytes(gzip.decompress(base64.b64decode(text)))
        assert (tmp_path / name / "testset").is_file() == with_testset and (tmp_path / name / "model").is_file()
        assert found_names(tmp_path / name, secrets(house)) == set()


def test_an_app_of_an_older_bundle_names_nobody(house: Path, tmp_path: Path) -> None:
    """Its card names the calibration images; that of the app has the same checksums and counts."""
    new, old = house / "bundles/first", tmp_path / "first"
    for source, target in ((new, old), (beside_bundle(new), beside_bundle(old))):
        target.mkdir()
        for path in source.iterdir():
            (target / path.name).write_bytes(path.read_bytes())
    card = BundleCard.read(new / BUNDLE_CARD)
    items = CalibrationManifest.read(beside_bundle(new) / card.calibrated_on.manifest).items
    replace(card, calibration=items, calibrated=None).write(old / BUNDLE_CARD)
    assert "Mueller" in found_names(old, secrets(house))
    app = make_app([old], tmp_path / "app", with_testset=True)
    assert app.named == len(items) == 8 and found_names(app.folder, secrets(house)) == set()
    assert BundleCard.read(app.folder / ASSETS / "bundle" / BUNDLE_CARD).calibrated == card.calibrated


def test_no_label_of_a_picture_leaves_the_house(house: Path) -> None:
    card = json.loads((house / "bundles/first" / BUNDLE_CARD).read_text())
    assert card["calibration"] == [] and set(card["calibrated"]) == {"images", "positives", "sha256"}
    testset = json.loads((house / "bench_app" / ASSETS / "testset/testset.json").read_text())
    assert all(set(item) == {"id"} and item["id"].isdecimal() for item in testset["items"])


def test_the_model_card_says_that_weights_came_from_a_file_without_naming_it(house: Path) -> None:
    text = (house / "bundles/first/MODEL_CARD.md").read_text(encoding="utf-8")
    assert "weights: a file" in text and "What some of the weights before it learned from" in text

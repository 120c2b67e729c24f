"""The app's texts: every language has them all, with the same places for values; the manifest asks for nothing."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hemotk.android import app_folder

MAIN = app_folder() / "app/src/main"
ANDROID = "{http://schemas.android.com/apk/res/android}"
TOOLS = "{http://schemas.android.com/tools}"
PLACE = re.compile(r"%\d\$[.\d]*[a-z]|%%")
LANGUAGES = sorted(path.parent for path in MAIN.glob("res/values-*/strings.xml"))


def texts(folder: Path) -> dict[str, str]:
    strings = ElementTree.parse(folder / "strings.xml").getroot()
    return {string.attrib["name"]: string.text or "" for string in strings}


@pytest.mark.parametrize("folder", LANGUAGES, ids=lambda folder: folder.name)
def test_a_translation_has_every_text_and_every_value_in_it(folder: Path) -> None:
    english, other = texts(MAIN / "res/values"), texts(folder)
    assert set(other) == set(english)
    for name, text in english.items():
        assert sorted(set(PLACE.findall(other[name]))) == sorted(set(PLACE.findall(text))), name
        assert other[name].strip(), name


def test_there_is_a_translation() -> None:
    assert LANGUAGES


def test_quotes_are_escaped_as_the_resource_compiler_wants() -> None:
    for folder in (MAIN / "res/values", *LANGUAGES):
        for name, text in texts(folder).items():
            assert not re.search(r"(?<!\\)['\"]", text), f"{folder.name}: {name}"


def test_every_text_is_used() -> None:
    sources = [path.read_text() for ending in ("kt", "xml") for path in MAIN.rglob(f"*.{ending}")]
    for name in texts(MAIN / "res/values"):
        assert any(f"R.string.{name}" in source or f"@string/{name}" in source for source in sources), name


def test_the_manifest_asks_for_no_permission_and_lets_nobody_but_the_shell_start_the_bench() -> None:
    manifest = ElementTree.parse(MAIN / "AndroidManifest.xml").getroot()
    asked = manifest.findall("uses-permission")
    assert all(element.get(f"{TOOLS}node") == "remove" for element in asked)
    activities = {
        element.attrib[f"{ANDROID}name"].rpartition(".")[2]: (
            element.get(f"{ANDROID}exported"),
            element.get(f"{ANDROID}permission"),
        )
        for element in manifest.iter("activity")
    }
    assert activities == {
        "MainActivity": ("true", None),
        "AboutActivity": ("false", None),
        "HistoryActivity": ("false", None),
        "BenchActivity": ("true", "android.permission.DUMP"),
    }
    application = manifest.find("application")
    assert application is not None
    assert application.get(f"{ANDROID}allowBackup") == "false"
    assert application.get(f"{ANDROID}dataExtractionRules") == "@xml/extraction"

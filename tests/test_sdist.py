"""What a package index gets: the sdist has all that the repository has and nothing else, and its page can be shown."""

import configparser
import re
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MADE = re.compile(r"PKG-INFO|setup\.cfg|hemotk\.egg-info/.*")
BUILD = "import sys; from setuptools import build_meta; print(build_meta.build_sdist(sys.argv[1]))"


def tracked() -> set[str]:
    """The files of the repository, those too that were not added yet."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return {line for line in done.stdout.splitlines() if (ROOT / line).is_file()}


def test_the_sdist_is_the_repository(tmp_path: Path) -> None:
    wanted = tracked()
    if not wanted:
        pytest.skip("this is no clone with git")
    subprocess.run([sys.executable, "-W", "ignore", "-c", BUILD, tmp_path], cwd=ROOT, capture_output=True, check=True)
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        files = {member.name.partition("/")[2] for member in opened.getmembers() if member.isfile()}
    assert wanted - files == set()
    assert {name for name in files - wanted if not MADE.fullmatch(name)} == set()


def test_the_page_of_the_package_can_be_shown_on_an_index() -> None:
    readme_renderer = pytest.importorskip("readme_renderer.markdown")
    text = (ROOT / "PACKAGE.md").read_text("utf-8")
    shown = readme_renderer.render(text)
    assert shown is not None and ">hemotk<" in shown and shown.count("<pre") == text.count("```") // 2
    # An index has no files beside the page.
    assert re.findall(r"\]\((?!https://)", text) == []


def test_the_container_gets_what_the_package_is_made_of() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg", "utf-8")
    folders = [line.partition("=")[2].strip() for line in setup["options"]["package_dir"].strip().splitlines()]
    page = setup["metadata"]["long_description"].removeprefix("file: ")
    needed = {*folders, page, setup["metadata"]["license_files"], "setup.cfg", "pyproject.toml", "constraints.txt"}
    lines = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == needed
    assert lines[1] == "*"  # nothing else: no picture, no run

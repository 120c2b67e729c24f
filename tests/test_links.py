"""What the documents name is there: linked files and anchors, paths, tests and targets of make. No network is used."""

import ast
import re
import subprocess
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`]*`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
TEST = re.compile(r"`(?P<file>[\w/]*test_\w+\.py)?::(?P<name>test_\w+)`")
TARGET = re.compile(r"\bmake ((?:[A-Z]+=\S+ )*)([a-z][a-z-]+)")
# Code in backticks that looks like a path of the repository: a known folder, then a slash or a file.
PATH = re.compile(r"`((?:toolkit|export|benchmarks|tests|studies|docs|android_stub|\.ci)/[\w./-]*)`")


def tracked() -> list[Path]:
    done = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False)
    return [ROOT / line for line in done.stdout.splitlines()] or sorted(
        [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    )


PAGES = tracked()
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]
# What a change of hemotk did is told in the words of its day.
PRESENT = [page for page in PAGES if page.name != "CHANGELOG.md"]


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text("utf-8"))


@cache
def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    words = (re.sub(r"[*`]|\]\([^)]*\)", "", heading).strip().lower() for heading in HEADING.findall(prose(page)))
    return {re.sub(r"[^\w -]", "", each).replace(" ", "-") for each in words}


def broken(page: Path) -> list[str]:
    """The links of a page that lead nowhere."""
    found = []
    for link in LINK.findall(CODE.sub("", prose(page))):
        if "://" in link or link.startswith("mailto:"):
            continue
        path, _, anchor = link.partition("#")
        target = page if not path else (page.parent / path).resolve()
        if not target.exists() or (anchor and anchor not in anchors(target)):
            found.append(link)
    return found


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert broken(page) == []


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_exists(page: Path) -> None:
    named = (path for path in PATH.findall(prose(page)) if "NAME" not in path)
    assert [path for path in named if not (ROOT / path).exists()] == []


@cache
def named_in(file: Path) -> set[str]:
    return {node.name for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_named_test_exists(page: Path) -> None:
    missing, file = [], ROOT
    for match in TEST.finditer(prose(page)):
        if match["file"]:  # a name without a file is of the file before it
            file = next(
                (place for place in (ROOT / match["file"], ROOT / "tests" / match["file"]) if place.is_file()), ROOT
            )
        if file == ROOT or match["name"] not in named_in(file):
            missing.append(match[0])
    assert missing == []


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_target_of_make_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    code = re.findall(r"`(make [^`]*)`|^(make .*)$", page.read_text("utf-8"), re.MULTILINE)
    named = {found[2] for words in code for found in TARGET.finditer("".join(words))}
    assert named - targets == set()


def test_the_reference_shows_every_public_name() -> None:
    import hemotk

    shown = re.findall(r"^::: hemotk\.(\w+)$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(shown) == sorted(set(hemotk.__all__) - {"__version__"})


def test_a_broken_link_and_a_broken_anchor_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One `two`: three\n[a](#one-two-three) [b](#two) [c](none.md) [d](page.md) `[e](none.md)`\n", "utf-8"
    )
    assert broken(page) == ["#two", "none.md"]

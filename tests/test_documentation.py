"""What documents say holds: their Python snippets run, each page in a folder of its own; their lists are complete."""

import importlib
import re
import shlex
from pathlib import Path

import click
import pytest

import hemotk
from hemotk.benchmarks.config import BenchConfig
from hemotk.cli.main import NOT_SET, cli, settable_commands

ROOT = Path(__file__).parents[1]
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What takes minutes in the documents takes seconds here.
SMALLER = {"densenet201": "densenet-tiny"}


@pytest.fixture
def timed_shortly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a bench time each model three times, and not for three seconds."""
    short = {"min_runs": 3, "min_seconds": 0.0}
    monkeypatch.setattr("hemotk.api.benching.BenchConfig", lambda **given: BenchConfig(**{**given, **short}))


def snippets(page: Path) -> list[str]:
    return SNIPPET.findall(page.read_text("utf-8"))


@pytest.mark.usefixtures("timed_shortly")
def test_the_python_page_runs_from_top_to_bottom(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tf_keras")
    monkeypatch.chdir(tmp_path)
    found, names = snippets(ROOT / "docs" / "python.md"), {"__name__": "page"}
    assert len(found) >= 7
    for place, code in enumerate(found):
        for large, small in SMALLER.items():
            code = code.replace(large, small)  # noqa: PLW2901
        exec(compile(code, f"docs/python.md, snippet {place + 1}", "exec"), names)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {
        "MODEL_CARD.md",
        "app",
        "audit.html",
        "bench.html",
        "bundles",
        "head_ct",
        "review.html",
        "runs",
        "site",
        "split.json",
    }


@pytest.mark.parametrize("name", sorted({*hemotk.__all__} - {"__version__"}))
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"^::: hemotk\.{name}$", (ROOT / "docs" / "api.md").read_text("utf-8"), re.MULTILINE)


@pytest.mark.parametrize("name", sorted(name for name in hemotk.__all__ if name.islower() and name[0] != "_"))
def test_every_function_is_explained_on_the_python_page(name: str) -> None:
    assert re.search(rf"\bhemotk\.{name}\(", (ROOT / "docs" / "python.md").read_text("utf-8"))


def entry_points() -> list[list[str]]:
    """The cells of each row of the table of commands in the architecture page."""
    page = (ROOT / "docs" / "ARCHITECTURE.md").read_text("utf-8")
    rows = page.partition("| command | in `toolkit/cli/` |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_architecture_page_lists_every_command() -> None:
    listed = {re.sub(" --.*", "", row[0].strip("`")).split(" ")[-1] for row in entry_points()}
    assert listed == {*settable_commands(), *NOT_SET, "init", "show"} - {"config"}


@pytest.mark.parametrize("row", entry_points(), ids=lambda row: row[0])
def test_a_command_calls_the_function_that_the_architecture_page_says(row: list[str]) -> None:
    _, file, called, _ = row
    source = (ROOT / "toolkit" / "cli" / file.strip("`")).read_text("utf-8")
    module, *functions = re.findall(r"`(\w+)(?:\.py)?`", called) or ["none"]
    for function in functions:
        assert callable(getattr(importlib.import_module(f"hemotk.api.{module}"), function))
        assert re.search(rf"hemotk\.api(\.{module})? import .*\b({module}|{function})\b", source)
        assert re.search(rf"\b{function}\(|\b{function} as \w+", source)


@pytest.mark.usefixtures("timed_shortly")
def test_the_five_lines_of_the_readme_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tf_keras")
    from hemotk.data.phantom.draw import PhantomConfig, write_phantoms

    monkeypatch.chdir(tmp_path)
    write_phantoms(Path("head_ct"), PhantomConfig(count=60, seed=0))
    next(Path("head_ct").rglob("*.png")).rename("slice.png")
    for labels in Path("head_ct").glob("labels.csv"):
        labels.unlink()
    (code,) = snippets(ROOT / "README.md")
    code = code.replace('arch="densenet201"', 'arch="densenet-tiny", size=64, epochs=1')
    exec(compile(code, "README.md", "exec"), {"__name__": "page"})
    assert Path("bundles/first/model_int8.tflite").is_file()


SHELL = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)


def typed() -> list[tuple[str, str]]:
    """Every command of hemotk in the shell blocks of the documents: the page and the line."""
    pages = [ROOT / "README.md", ROOT / "android_stub" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    found = []
    for page in pages:
        for block in SHELL.findall(page.read_text("utf-8")):
            lines = re.split(r"\n|; ", re.sub(r"\\\n|\$\([^)]*\)", " ", block))
            found += [(page.name, line.partition(" #")[0].strip()) for line in lines if line.startswith("hemotk ")]
    return found


@pytest.mark.parametrize(("page", "line"), typed())
def test_a_command_of_a_document_exists_with_its_options(page: str, line: str) -> None:
    words = [word for word in shlex.split(line) if word not in ("|", ">", "&&")][1:]
    command: click.Command = cli
    while isinstance(command, click.Group):
        word = next(word for word in words if not word.startswith("-") and not word.endswith(".toml"))
        words.remove(word)
        found = command.get_command(click.Context(command), word)
        assert found is not None, f"{page}: no command {word}"
        command = found
    known = {name for option in (*command.params, *cli.params) for name in (*option.opts, *option.secondary_opts)}
    given = {word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)} - {"--help"}
    assert given <= known, f"{page}: {line}"

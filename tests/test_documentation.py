"""Every Python snippet in the documents runs, in the order of its page, in a folder of its own."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SNIPPET = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
# What takes minutes in the documents takes seconds here.
SMALLER = {"densenet201": "densenet-tiny"}


def snippets(page: Path) -> list[str]:
    return SNIPPET.findall(page.read_text("utf-8"))


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
    assert made == {"audit.html", "bench.html", "bundles", "head_ct", "runs", "split.json"}


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

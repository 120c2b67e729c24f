"""What an editor sees: `pip install -e .` alone must be enough for static tools, which import nothing."""

import subprocess
import sys
from pathlib import Path

SNIPPET = """
from hemotk.artifacts import RunCard
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.data.scan.folder import scan
from hemotk.exporting.config import ExportConfig
reveal_type(scan)
reveal_type(BenchLimits().flips)
RunCard("x")
"""


def test_types_are_found_by_static_tools(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(SNIPPET)
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "mine.py"]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False).stdout
    assert "-> hemotk.data.scan.found.FoundFolder" in said and '"int | None"' in said, said
    assert said.count("error:") == 1 and "Missing positional arguments" in said, said

"""Annotations of GitHub Actions, and the action that makes them."""

import dataclasses
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from drawn_reports import HOSTILE, images, report, row, usual, verdict

from hemotk.artifacts import BenchReport, Verdict
from hemotk.benchmarks.report.github import render

ACTION = Path(__file__).parents[3] / "action.yml"
# What the runner reads: https://docs.github.com/actions/reference/workflow-commands-for-github-actions
LINE = re.compile(r"::(error|warning|notice) title=([^:,\r\n]*)::([^\r\n]*)")


def lines(subject: BenchReport) -> list[tuple[str, str, str]]:
    found = [LINE.fullmatch(line) for line in render(subject).splitlines()]
    assert all(found)
    return [(match[1], match[2], match[3]) for match in found if match]


def test_what_failed_is_an_error_and_what_cannot_be_told_a_warning() -> None:
    doubt = dataclasses.replace(verdict(), outcome="cannot tell", sentence="int8: 10 % more, or less")
    cautioned = dataclasses.replace(usual(), verdicts=(*usual().verdicts, doubt), cautions=("no better than chance",))
    found = lines(cautioned)
    assert [kind for kind, _, _ in found] == ["error", "warning", "warning", "error"]
    assert found[1][2] == "int8: 10 %25 more, or less" and found[2][2] == "no better than chance"
    assert found[0][1] == "hemotk bench first" and "latency ratio 1.5" in found[0][2]
    good = dataclasses.replace(usual(), verdicts=(verdict(),), passed=True)
    assert [kind for kind, _, _ in lines(good)] == ["notice"]


def test_no_word_of_a_report_becomes_a_command() -> None:
    evil = "x\n::error::a\r::set-output name=b::c,d:e"
    refs = images(8, first_id=HOSTILE)
    subject = report(row("float32", refs, bundle=evil), refs=refs, cautions=(evil,))
    bad = Verdict("l", evil, "here", "float32", None, None, False, evil)
    subject = dataclasses.replace(subject, verdicts=(bad,), passed=False)
    assert len(lines(subject)) == 3
    assert HOSTILE not in render(subject)


@pytest.fixture
def step() -> str:
    action = yaml.safe_load(ACTION.read_text())
    assert action["runs"]["using"] == "composite"
    (bench,) = [step for step in action["runs"]["steps"] if step.get("id") == "bench"]
    assert set(bench["env"]) == {"BUNDLE", "ARGUMENTS"}
    for value in action["outputs"].values():
        assert "steps.bench.outputs.report" in value["value"]
    return str(bench["run"])


@pytest.mark.parametrize(
    ("arguments", "code"), [("--no-timing --min-auc 0", 0), ("--no-timing --max-size 0.0001", 1), ("--no-such", 2)]
)
def test_the_action_writes_summary_annotations_and_exit_code(
    step: str, bundle: Path, tmp_path: Path, arguments: str, code: int
) -> None:
    files = {name: tmp_path / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "hemotk").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m hemotk "$@"\n')
    (tools / "hemotk").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "BUNDLE": str(bundle),
        "ARGUMENTS": arguments,
        **{name: str(path) for name, path in files.items()},
    }
    shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step]
    done = subprocess.run(shell, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert ("::error" in done.stdout) == (code == 1)
    place = Path(files["GITHUB_OUTPUT"].read_text().strip().removeprefix("report="))
    assert files["GITHUB_STEP_SUMMARY"].is_file() == place.is_file() == (code != 2)
    if code != 2:
        assert files["GITHUB_STEP_SUMMARY"].read_text().startswith("## ")
        assert json.loads(place.read_text())["passed"] == (code == 0)

"""The Markdown report: tables that hold together whatever the names are."""

import dataclasses
import re

from device_measurements import PHONE
from drawn_reports import HOSTILE, everywhere, images, report, row, usual

from hemotk.benchmarks.report.figures import cells, headings
from hemotk.benchmarks.report.markdown import render


def table_rows(text):
    return [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]


def test_the_first_table_has_a_row_per_variant_with_every_figure():
    subject = everywhere()
    found = table_rows(render(subject))
    assert [cell.strip() for cell in found[0]] == list(headings(subject))
    for line, item in zip(found[1:], subject.variants, strict=False):
        plain = [re.sub(r"\\(.)", r"\1", cell).strip() for cell in line]
        assert plain == list(map(str, cells(subject, item)))


def test_it_begins_with_the_verdict_and_says_what_does_not_hold():
    lines = render(usual()).splitlines()
    assert lines[0] == "## first: FAIL: 1 of 2 checks do not hold."
    assert lines[2] == "- int8: latency ratio 1.5, at most 1.1 allowed"


def test_flips_warnings_and_the_command_are_there():
    subject = usual()
    text = render(subject)
    for flip in subject.variants[1].paired.flips:
        assert f"- flip: {flip.id} (" in text
    assert "- Times may not repeat: it was busy." in text
    assert f"```\n{subject.command}\n```" in text
    assert text == render(usual())


def test_a_device_is_described_in_a_line():
    subject = everywhere()
    here, phone = subject.sources
    phone = dataclasses.replace(phone, device=PHONE, environment={"threads": 4})
    (line,) = [
        line
        for line in render(dataclasses.replace(subject, sources=(here, phone))).splitlines()
        if line.startswith("- Maker Phone: ")
    ]
    assert line.endswith("cores 8, thermal status before none, thermal status after light, threads 4")
    assert "maker Google, model Pixel 7, soc Tensor G2, system Android 14 (API 34)" in line


def test_hostile_names_break_neither_rows_nor_the_code_block():
    refs = images(first_id=HOSTILE)
    subject = report(
        row("float32", refs), row("int8", refs, noise=9.0), refs=refs, command="x\n```\n# y", folder="a|b\nc"
    )
    paired = subject.variants[1].paired
    flips = (dataclasses.replace(paired.flips[0], id=HOSTILE + "\n# no heading"),)
    broken = dataclasses.replace(subject.variants[1], paired=dataclasses.replace(paired, flips=flips))
    text = render(dataclasses.replace(subject, variants=(subject.variants[0], broken)))
    text.encode()
    assert text.count("```") == 2
    assert re.search(r"(?<!\\)<", text) is None
    assert not any(line.startswith("# ") for line in text.splitlines())
    assert r"\<script\>alert('1')\</script\>\&" in text
    widths = {len(line) for line in table_rows(text)[:3]}
    assert widths == {len(headings(subject))}


def test_what_is_missing_is_a_dash_or_a_reason():
    refs = tuple(dataclasses.replace(image, label=1) for image in images())
    nothing = {"scores": None, "metrics": None, "calibration": None, "paired": None, "latency": None}
    text = render(report(row("float32", refs), row("int8", refs, failure="it crashed", **nothing), refs=refs))
    assert "| int8 failed | 18.69 MB |" + " – |" * 9 in text
    assert "- int8: it crashed." in text
    assert "the AUC needs both classes" in text

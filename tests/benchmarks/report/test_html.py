"""The HTML report: well-formed, complete, the same each time, hostile to nobody, and looked at by a real browser."""

import dataclasses
import functools
import html
import json
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from device_measurements import PHONE
from drawn_reports import HOSTILE, everywhere, images, report, row, usual, verdict

from hemotk.artifacts import Estimate, Profile
from hemotk.benchmarks.report.figures import cells, paired_cells
from hemotk.benchmarks.report.html import render
from hemotk.render.page import POLICY, minute

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def parsed(page):
    first, _, rest = page.partition("\n")
    assert first == "<!DOCTYPE html>"
    return ElementTree.fromstring(rest)


def words(page):
    return " ".join("".join(parsed(page).find("body").itertext()).split())


@functools.cache
def one_class():
    refs = tuple(dataclasses.replace(image, label=1) for image in images())
    return report(row("float32", refs), row("int8", refs, noise=0.1), refs=refs)


@functools.cache
def unlabelled():
    refs = images(labelled=False)
    return report(row("float32", refs), row("int8", refs, noise=0.1), refs=refs, folder="other")


@functools.cache
def failed():
    refs = images()
    nothing = {"scores": None, "metrics": None, "calibration": None, "paired": None, "latency": None}
    return report(row("float32", refs, **nothing), row("int8", refs, failure="it crashed", **nothing), refs=refs)


CASES = {case.__name__: case for case in (usual, everywhere, one_class, unlabelled, failed)}


@pytest.mark.parametrize("case", CASES)
def test_it_is_well_formed_and_the_same_each_time(case):
    page = render(CASES[case]())
    root = parsed(page)
    assert page == render(CASES[case]())
    assert root.get("lang") == "en"
    tables = root.findall(".//table")
    assert all(cell.get("scope") == "col" for table in tables for cell in table.findall("thead/tr/th"))
    assert all(line.find("th").get("scope") == "row" for table in tables for line in table.findall("tbody/tr"))


@pytest.mark.parametrize("case", CASES)
def test_nothing_in_it_can_fetch_or_run(case):
    page = render(CASES[case]())
    root = parsed(page)
    names = {node.tag.rpartition("}")[2] for node in root.iter()}
    assert not names & {"script", "img", "image", "link", "iframe", "object", "a", "use"}
    assert not {key for node in root.iter() for key in node.attrib if key in ("src", "href") or key.startswith("on")}
    assert root.find(".//meta[@http-equiv]").get("content") == POLICY
    assert "url(" not in page
    assert "@import" not in page


def test_the_verdict_comes_first_with_what_does_not_hold():
    said = words(render(usual()))
    assert said.index("FAIL: 1 of 2 checks do not hold.") < said.index("latency ratio 1.5, at most 1.1 allowed")
    assert said.index("What 24 test images can show") < said.index("Results")
    refs = images()
    passing = render(report(row("float32", refs), row("int8", refs), refs=refs, verdicts=(verdict(),)))
    assert "PASS: int8 decides as float32 does, within the limits; all 1 checks hold." in words(passing)
    assert 'class="verdict"' in passing


def test_every_figure_of_the_tables_is_there():
    subject = everywhere()
    said = words(render(subject))
    for item in subject.variants:
        figures = cells(subject, item)
        figures += paired_cells(subject, item, "its float32", item.paired) if item.paired else ()
        for cell in figures:
            assert cell.text in said
            assert cell.more in said
    assert "Maker Phone" in said
    assert "identical outputs" in said


@pytest.mark.parametrize(
    ("moment", "shown"),
    [
        ("2026-11-26T03:55:07.577359+00:00", "2026-11-26 03:55 UTC"),
        ("2026-11-26T03:55:07Z", "2026-11-26 03:55 UTC"),
        ("2026-11-26T00:30:00+02:00", "2026-11-25 22:30 UTC"),
        ("2026-11-26T03:55:07", "2026-11-26T03:55:07"),
        ("long ago", "long ago"),
    ],
)
def test_a_moment_is_shown_to_the_minute(moment, shown):
    assert minute(moment) == shown


def test_flips_environment_settings_profile_warnings_and_command_are_there():
    subject = usual()
    said = words(render(subject))
    flips = subject.variants[1].paired.flips
    assert flips
    for flip in flips:
        assert flip.id in said
        assert f"{flip.parent:.4f}{flip.variant:.4f}" in said
    for part in ("runtime9.9", "versions: numpy2.0", "limits: latency ratio1.1", "CONV_2D", subject.command):
        assert part.replace("runtime9.9", "runtime version9.9") in said
    assert "Times may not repeat: it was busy." in said
    assert "Note: a note." in said


def test_a_device_is_described_with_its_heat():
    subject = everywhere()
    here, phone = subject.sources
    warm = dataclasses.replace(phone, device=dataclasses.replace(PHONE, thermal_after=2), environment={"threads": 4})
    said = words(render(dataclasses.replace(subject, sources=(here, warm))))
    for fact in ("makerGoogle", "modelPixel 7", "socTensor G2", "systemAndroid 14 (API 34)", "threads4"):
        assert fact in said
    assert "thermal status beforenone" in said
    assert "thermal status aftermoderate" in said


def test_hostile_names_stay_words():
    refs = images(first_id=HOSTILE)
    subject = report(
        row("float32", refs),
        row("int8", refs, noise=9.0, failure="<b>gone</b>", bundle="first"),
        refs=refs,
        command="hemotk bench '</pre><script>'",
        folder="<i>&",
    )
    flips = [dataclasses.replace(subject.variants[1].paired.flips[0], id=HOSTILE)]
    paired = dataclasses.replace(subject.variants[1].paired, flips=tuple(flips))
    broken = dataclasses.replace(subject.variants[1], paired=paired)
    page = render(dataclasses.replace(subject, variants=(subject.variants[0], broken)))
    page.encode()
    said = "".join(parsed(page).itertext())
    assert "class1/<script>alert('1')</script>&\"|`*_]]>\ufffd\ufffd\ufffd\u202e.png" in said
    assert "<b>gone</b>" in said
    assert "<script" not in page


def test_missing_parts_are_said_in_words():
    said = words(render(failed()))
    assert "int8: it crashed." in said
    assert "int8failed" in said
    assert "There is nothing that could be compared." in said
    assert "No ROC curve: no row has scores for labelled images." in said
    assert "the AUC needs both classes" in words(render(one_class()))
    refs = images()
    no_times = row("int8", refs, profile=Profile("", 0, why="this runtime has none", why_left_out="it does not say"))
    said = words(render(report(row("float32", refs), no_times, refs=refs)))
    assert "No profile: this runtime has none." in said
    assert "Which nodes the delegate left out is not known: it does not say." in said


def test_no_flip_is_claimed_where_none_was_looked_for():
    assert "No image flipped" not in words(render(failed()))
    refs = images()
    assert "No image flipped" in words(render(report(row("float32", refs), row("int8", refs), refs=refs)))


def test_a_very_long_list_of_flips_is_cut_and_says_so():
    refs = images(600)
    subject = report(row("float32", refs), row("int8", refs, noise=20.0), refs=refs)
    count = len(subject.variants[1].paired.flips)
    assert count > 200
    assert f"{count - 200} more flips are in the JSON" in words(render(subject))


def test_a_value_without_an_interval_has_no_brackets():
    refs = images()
    times = dataclasses.replace(row("int8", refs).latency, ratio=Estimate(0.5, method="one round has no interval"))
    page = render(report(row("float32", refs), row("int8", refs, latency=times), refs=refs))
    assert "0.500" in words(page)
    assert "None" not in words(page).replace("None of", "")


def chromium(folder, page, *options):
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    command = [
        *(CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"),
        *(f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0"),
        *(*options, f"file://{path}"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed to look at the page with")


@needs_chromium
@pytest.mark.parametrize("case", ["usual", "everywhere"])
def test_no_width_makes_the_page_scroll_sideways(tmp_path, case):
    page = html.escape(render(CASES[case]()))
    widths = (320, 390, 768, 1280)
    frames = "".join(
        f'<iframe srcdoc="{page}" style="width:{width}px;height:600px;border:0"></iframe>' for width in widths
    )
    measure = (
        "<script>onload = () => { document.body.textContent = JSON.stringify([...document.querySelectorAll('iframe')]"
        ".map(f => [f.clientWidth, f.contentDocument.documentElement.scrollWidth])) }</script>"
    )
    text, _ = chromium(tmp_path, f"<body>{frames}{measure}</body>", "--dump-dom")
    found = json.loads(re.search(r"\[\[.*\]\]", text)[0])
    assert [width for width, _ in found] == list(widths)
    # A scroll bar takes room from the page, never the other way round.
    assert all(scroll <= width for width, scroll in found), found


def requests(log):
    """What pages asked for, themselves and what the browser asks for on its own account left out."""
    try:
        events = json.loads(log)["events"]
    except ValueError:  # the browser may end before it has closed the list
        events = json.loads(log.rstrip().rstrip(",") + "]}")["events"]
    asked = [event["params"] for event in events if "initiator" in event.get("params", {})]
    return {item["url"] for item in asked if item["initiator"] in ("file://", "null") and "url" in item}


@needs_chromium
def test_it_asks_for_nothing_and_complains_of_nothing(tmp_path):
    log = tmp_path / "net.json"
    _, console = chromium(tmp_path, render(usual()), f"--log-net-log={log}", "--dump-dom")
    assert console == []
    assert requests(log.read_text()) == set()
    planted = "<img src='http://127.0.0.1:9/seen.png'><script>console.error('seen')</script>"
    _, console = chromium(tmp_path, planted, f"--log-net-log={log}", "--dump-dom")
    assert any("seen" in line for line in console)
    assert requests(log.read_text()) == {"http://127.0.0.1:9/seen.png"}

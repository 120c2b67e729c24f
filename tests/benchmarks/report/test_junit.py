"""The JUnit report against what build servers accept."""

import dataclasses
from xml.etree import ElementTree

from drawn_reports import HOSTILE, everywhere, images, report, row, usual, verdict

from hemotk.benchmarks.report.junit import render

# Element → attributes and children in the schema of Jenkins' JUnit plugin (jenkins-junit.xsd), as far as used here.
SCHEMA = {
    "testsuites": ({"name", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors", "skipped", "timestamp", "time"},
        {"testcase", "system-out", "system-err"},
    ),
    "testcase": ({"classname", "name", "time"}, {"failure", "skipped"}),
    "skipped": ({"message"}, set()),
    "system-err": (set(), set()),
    "failure": ({"message", "type"}, set()),
    "system-out": (set(), set()),
}


def parsed(subject):
    text = render(subject)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    return ElementTree.fromstring(text.encode())


def test_only_what_the_schema_knows_is_written():
    for subject in (usual(), everywhere()):
        for node in parsed(subject).iter():
            attributes, children = SCHEMA[node.tag]
            assert set(node.attrib) == attributes
            assert {child.tag for child in node} <= children


def test_there_is_a_case_per_check_and_a_failure_with_its_sentence():
    subject = usual()
    root = parsed(subject)
    assert root.attrib == {"name": "hemotk bench", "tests": "2", "failures": "1", "errors": "0"}
    held, failed = root.findall("testsuite/testcase")
    assert held.find("failure") is None
    assert failed.get("classname") == "first.int8"
    assert failed.get("name") == "int8: latency ratio"
    assert failed.find("failure").get("message") == subject.verdicts[1].sentence
    assert failed.find("failure").text == subject.verdicts[1].sentence
    assert "Times may not repeat: it was busy." in root.find("testsuite/system-out").text
    assert root.find("testsuite").get("timestamp") == "2026-01-01T00:00:00"


def test_every_bundle_and_machine_is_a_suite_and_the_counts_add_up():
    suites = parsed(everywhere()).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["first", "first on Maker Phone", "old"]
    assert all(int(suite.get("tests")) == len(suite.findall("testcase")) == 1 for suite in suites)


def test_checks_of_one_suite_may_stand_apart():
    subject = everywhere()
    apart = (*subject.verdicts, *(dataclasses.replace(found, kind="fp16") for found in subject.verdicts))
    suites = parsed(dataclasses.replace(subject, verdicts=apart)).findall("testsuite")
    assert [suite.get("name") for suite in suites] == ["first", "first on Maker Phone", "old"]
    assert [len(suite.findall("testcase")) for suite in suites] == [2, 2, 2]


def test_hostile_words_are_escaped():
    refs = images()
    bad = dataclasses.replace(verdict(passed=False), sentence=HOSTILE, limit='"><x>')
    root = parsed(report(row("float32", refs), row("int8", refs), refs=refs, verdicts=(bad,), conclusion="]]>\x00"))
    assert "<script>alert('1')</script>" in root.find(".//failure").get("message")
    assert root.find(".//failure").get("type") == '"><x>'
    assert root.find(".//system-out").text.startswith("]]>\ufffd")

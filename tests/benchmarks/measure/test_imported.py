import dataclasses
import json
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from converted_bundles import COUNT, QUICK, SPEC, draw_images, edit_card
from device_measurements import PHONE, device_bench, edit, stored

from hemotk.artifacts import (
    BUNDLE_CARD,
    GOLDEN_FILE,
    BenchReport,
    BundleCard,
    DeviceBench,
    DeviceImage,
    DrawnCheck,
    TriedAccelerator,
)
from hemotk.benchmarks.bench import bench
from hemotk.benchmarks.judge.limits import BenchLimits
from hemotk.benchmarks.measure.imported import import_devices
from hemotk.benchmarks.measure.subject import Subject
from hemotk.benchmarks.report.figures import claim, device_facts
from hemotk.errors import HemotkError
from hemotk.files import sha256_bytes, sha256_file
from hemotk.store.bundle import open_with_testset
from hemotk.tflite.scorer import Scorer

EASY = dataclasses.replace(QUICK, limits=BenchLimits(latency_ratio=None))
NAME = "Google Pixel 7"


@pytest.fixture(scope="session")
def measured(pristine):
    """A device's bench of the tiny bundle, exactly what is found here."""
    return device_bench(pristine)


@pytest.fixture
def write(tmp_path):
    """Write a device's bench to a file."""

    def write(found, name="device.json"):
        found.write(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture(scope="session")
def report(pristine, measured, tmp_path_factory):
    path = tmp_path_factory.mktemp("device") / "device.json"
    edit(measured, model=1, image=3, logit="00", probability="0c").write(path)
    return bench(Subject((pristine,), imported=(path,)), EASY)


def test_a_devices_rows_stand_beside_those_measured_here(report):
    assert [(row.source, row.kind) for row in report.variants] == [
        ("here", "float32"),
        ("here", "int8"),
        (NAME, "float32"),
        (NAME, "int8"),
    ]
    assert report.sources[1].device == PHONE
    assert f"the thermal status of {NAME} went from none to light" in report.warnings
    assert report.sources[1].environment["runtime"] == "org.tensorflow:tensorflow-lite"
    assert report.sources[1].environment["threads"] == 1


def test_a_devices_times_are_held_against_its_own_float_parent(report):
    latency = report.variant("int8", source=NAME).latency
    assert (latency.p50_ns, latency.load_ns, latency.first_ns, latency.warmup_ns) == (501, 5000, 2000, (1500,))
    assert latency.ratio.value == pytest.approx(501 / 1001)
    assert latency.ratio.low == latency.ratio.value == latency.ratio.high
    assert report.variant("int8", source=NAME).peak_memory_bytes == 10_000_000


def test_the_same_file_here_and_there_is_compared_image_by_image(report):
    same = report.variant("float32", source=NAME).same_model
    assert (same.images, same.identical, same.flips, same.max_drift) == (COUNT, COUNT, (), 0.0)
    other = report.variant("int8", source=NAME).same_model
    assert (other.images, other.identical) == (COUNT, COUNT - 1)
    assert [flip.id for flip in other.flips] == ["class1/3.png"]
    assert report.variant("int8").same_model is None
    assert f"float32 on {NAME}: the scores of all 12 images are exactly those found here" in report.notes
    assert any(note.startswith(f"int8 on {NAME}: 1 of 12 images have other scores than here") for note in report.notes)


def test_a_devices_scores_are_judged_like_any_other(report):
    found = report.variant("int8", source=NAME)
    assert found.metrics.accuracy.value == pytest.approx(11 / 12)
    assert [flip.id for flip in found.paired.flips] == ["class1/3.png"]
    failed = [verdict.sentence for verdict in report.verdicts if not verdict.passed]
    assert failed == [
        f"int8 on {NAME}: accuracy drop 0.0833, at most 0.01 allowed",
        f"int8 on {NAME}: sensitivity drop 0.167, at most 0.01 allowed",
        f"int8 on {NAME}: score drift 0.95, at most 0.1 allowed",
        f"int8 on {NAME}: logit shift 0.164, at most 0.02 allowed",
    ]


def test_a_device_that_ran_no_float_parent_is_held_against_the_one_here(pristine, write):
    path = write(device_bench(pristine, (500,), ("int8",)))
    found = bench(
        Subject((pristine,), imported=(path,)), dataclasses.replace(QUICK, limits=BenchLimits(latency_ratio=1e6))
    )
    row = found.variant("int8", source=NAME)
    assert row.paired.agreement.value == 1.0
    assert (row.latency.ratio.value, row.latency.ratio.why) == (None, "the float parent was not timed")
    assert found.passed
    assert f"no float32 was run on {NAME}: the latency limit was not held there" in found.notes


def imported(write, pristine, *benches):
    paths = [write(found, f"device{place}.json") for place, found in enumerate(benches)]
    return import_devices(paths, [open_with_testset(pristine)])


def test_a_model_that_failed_there_is_a_failed_row(write, pristine, measured):
    broken = edit(measured, model=1, failure="the app was killed", load_ns=None, first_ns=None, rounds_ns=(), images=())
    _, rows = imported(write, pristine, broken)
    assert [row.failure for row in rows] == ["", "the app was killed"]
    assert (rows[1].loaded, rows[1].scores, rows[1].timings.rounds) == (None, [], [])


def test_a_file_that_bundles_share_belongs_to_the_bundle_that_the_device_ran(
    make_bundle, pristine, models, tmp_path, write
):
    other = make_bundle(float32="float32", int8="shifted")
    path = write(device_bench(other))
    _, rows = import_devices([path], [open_with_testset(pristine), open_with_testset(other)])
    assert [row.bundle.name for row in rows] == ["made", "made"]
    limits = BenchLimits(accuracy_drop=None, sensitivity_drop=None, latency_ratio=1e6)
    found = bench(Subject((pristine, other), imported=(path,)), dataclasses.replace(QUICK, limits=limits))
    (held,) = [check for check in found.verdicts if check.source == NAME and check.limit == "latency ratio"]
    assert (held.bundle, held.measured) == ("made", pytest.approx(501 / 1001))


def called(found, items):
    """`found` of one model as older apps wrote it: images by their ids in the test split, `items`."""
    (model,) = found.models
    images = [dataclasses.replace(image, id=item.id) for image, item in zip(model.images, items, strict=True)]
    return dataclasses.replace(found, models=(dataclasses.replace(model, images=tuple(images)),))


@pytest.fixture
def one_model(pristine):
    """A device's bench of the float parent alone."""
    return device_bench(pristine, (1000,), ("float32",))


def test_an_older_file_calls_images_as_the_test_split_does(write, pristine, one_model):
    older = called(one_model, open_with_testset(pristine).items)
    assert [image.id for image in older.models[0].images][:2] == ["class0/0.png", "class1/1.png"]
    assert imported(write, pristine, older)[1][0].scores == imported(write, pristine, one_model)[1][0].scores


@pytest.mark.parametrize("older", [False, True])
def test_images_that_are_called_after_other_numbers_are_told_apart_by_their_pixels(write, pristine, one_model, older):
    bundle = open_with_testset(pristine)
    items = [dataclasses.replace(item, id=str(COUNT - 1 - row)) for row, item in enumerate(bundle.items)]
    backwards = dataclasses.replace(bundle, items=tuple(items))
    plain = imported(write, pristine, one_model)[1][0].scores
    path = write(called(one_model, items) if older else one_model)
    assert import_devices([path], [backwards])[1][0].scores == plain


def test_nan_of_a_device_is_nan(write, pristine, measured):
    _, rows = imported(write, pristine, edit(measured, image=0, logit=struct.pack("<f", float("nan")).hex()))
    assert rows[0].scores[0].logit != rows[0].scores[0].logit


def test_several_files_of_one_device_are_told_apart_by_their_names_or_paths(write, pristine, measured, tmp_path):
    sources, rows = imported(write, pristine, measured, dataclasses.replace(measured, threads=4))
    assert [source.name for source in sources] == [f"{NAME} (device{place}.json)" for place in (0, 1)]
    assert [row.source for row in rows] == [name for source in sources for name in [source.name] * 2]
    (tmp_path / "b").mkdir()
    twins = [write(measured, name) for name in ("device0.json", "b/device0.json")]
    sources, _ = import_devices(twins, [open_with_testset(pristine)])
    assert [source.name for source in sources] == [f"{NAME} ({path})" for path in twins]
    path = write(measured)
    with pytest.raises(HemotkError, match="the same file is given 2 times"):
        import_devices([path, path], [open_with_testset(pristine)])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"model": 1, "sha256": "0" * 64}, r"model 'int8\.tflite' \(SHA-256 000000000000…\) is none of .*tiny"),
        (
            {"image": 2, "input_sha256": "0" * 64},
            r"saw other pixel bytes for image .class0/2\.png. than",
        ),
        (
            {"image": 2, "id": "other"},
            r"has no scores for image 'class0/2\.png' of .* \(12 for 12 images\)",
        ),
        (
            {"images": (DeviceImage("0", "1" * 64, "00000000", "00000000"),)},
            r"was run on 1 other pictures: none is in the test split of .*; give the device this bundle's test set",
        ),
        ({"images": ()}, r"has no scores for image 'class0/0\.png' of the test split \(0 for 12 images\)"),
        ({"image": 2, "logit": "00"}, r"field 'logit' has 1 bytes where the output is float32"),
        ({"model": 1, "image": 2, "probability": "0000803f"}, r"field 'probability' has 4 bytes where .* is uint8"),
    ],
)
def test_files_that_do_not_fit_the_bundle_are_refused(write, pristine, measured, change, words):
    with pytest.raises(HemotkError, match=r"device0\.json: model '.*" + words if "model 'int8" not in words else words):
        imported(write, pristine, edit(measured, **change))


@pytest.mark.parametrize(
    ("pattern", "replacement", "words"),
    [
        (r'"maker": "Google"', '"maker": " "', "field 'maker' must be not empty"),
        (r'"thermal_after": 1', '"thermal_after": 9', "field 'thermal_after' must be 0 to 6, or null"),
        (r'"threads": 1', '"threads": 0', "field 'threads' must be at least 1"),
        (r'"sha256": "', '"sha256": "X', "field 'sha256' must be 64 lower-case hexadecimal digits"),
        (r'"load_ns": 5000', '"load_ns": 0', "field 'rounds_ns' must be times above 0"),
        (r'"id": "1"', '"id": "0"', "field 'images' must be a list in which each id stands once"),
        (r'"logit": "........"', '"logit": "0g"', "field 'logit' must be 2, 4 or 8 lower-case hexadecimal digits"),
        (r"device-bench/1", "device-bench/2", "this hemotk reads version 1"),
        (r'"app": "test 1",', "", "field 'app' is missing"),
        (r'"app"', '"apps": 1, "app"', "field 'apps' is unknown"),
    ],
)
def test_files_that_break_the_schema_are_refused_by_field(write, measured, pattern, replacement, words):
    path = write(measured)
    text, count = re.subn(pattern, replacement, path.read_text(), count=1)
    assert count == 1
    path.write_text(text)
    with pytest.raises(HemotkError, match=words):
        DeviceBench.read(path)


def test_devices_and_folders_exclude_each_other(pristine):
    with pytest.raises(HemotkError, match=r"imported \. and images \.: devices measure on the test split"):
        Subject((pristine,), images=Path(), imported=(Path(),))


@pytest.fixture
def with_drawn(make_bundle):
    """A bundle with drawn pictures, and what a device says of them."""
    folder = make_bundle(float32="float32", int8="int8")
    pixels = 255 - draw_images()[:3]
    card = BundleCard.read(folder / BUNDLE_CARD)
    scorers = {each.kind: Scorer(folder / each.file, SPEC) for each in card.variants}
    says = {kind: [scorer.score(picture) for picture in pixels] for kind, scorer in scorers.items()}
    logits = {f"{kind}_logit": np.array([one.logit for one in scores]) for kind, scores in says.items()}
    np.savez(folder / GOLDEN_FILE, pixels=pixels, **logits)  # type: ignore[arg-type]
    edit_card(folder, files={**card.files, GOLDEN_FILE: sha256_file(folder / GOLDEN_FILE)})
    models = []
    for model, each in zip(device_bench(folder).models, card.variants, strict=True):
        outputs = {output.name: output for output in each.outputs}
        images = tuple(
            DeviceImage(
                str(place),
                sha256_bytes(picture.tobytes()),
                *(stored(getattr(one, name), outputs[name]) for name in ("logit", "probability")),
            )
            for place, (picture, one) in enumerate(zip(pixels, says[each.kind], strict=True))
        )
        models.append(dataclasses.replace(model, images=images))
    return folder, device_bench(folder, models=tuple(models))


def test_a_device_that_ran_drawn_pictures_alone_is_timed_and_checked(with_drawn, write):
    folder, found = with_drawn
    report = bench(Subject((folder,), imported=(write(found),)), EASY)
    row = report.variant("int8", source=NAME)
    assert row.drawn == DrawnCheck(3, 0.0, 0.0) and row.latency.p50_ns == 501
    assert (row.scores, row.metrics, row.paired, row.findings) == (None, None, None, ())
    assert report.passed
    assert f"only drawn pictures were run on {NAME}: no limit on decisions was held there" in report.notes
    assert claim(report) == "int8 decides as float32 does, within the limits"
    said = [verdict.sentence for verdict in report.verdicts if verdict.source == NAME]
    assert said and all("gives what the bundle records for 3 drawn pictures" in sentence for sentence in said)
    assert BenchReport.from_dict(json.loads(report.to_json()), Path("report")).variants == report.variants


def test_a_self_check_times_nothing_and_is_checked_all_the_same(with_drawn, write):
    folder, found = with_drawn
    untimed = {"load_ns": None, "first_ns": None, "warmup_ns": (), "rounds_ns": ()}
    (own,) = [dataclasses.replace(model, **untimed) for model in found.models if model.file == "int8.tflite"]
    report = bench(Subject((folder,), imported=(write(dataclasses.replace(found, models=(own,))),)), EASY)
    row = report.variant("int8", source=NAME)
    assert row.drawn == DrawnCheck(3, 0.0, 0.0) and row.latency is None
    assert report.passed
    refused = dataclasses.replace(own, failure="the device did not pass its own check (1.png)")
    report = bench(Subject((folder,), imported=(write(dataclasses.replace(found, models=(refused,))),)), EASY)
    assert not report.passed and "its own check" in report.variant("int8", source=NAME).failure


def test_what_became_of_accelerators_is_a_fact_of_the_device(with_drawn, write):
    folder, found = with_drawn
    tried = (TriedAccelerator("gpu", "not passed", "logit differs by up to 0.5 (at most 0.1)"),)
    path = write(dataclasses.replace(found, accelerators=tried))
    report = bench(Subject((folder,), imported=(path,)), EASY)
    (source,) = [each for each in report.sources if each.name == NAME]
    assert source.environment["accelerators"] == "gpu not passed"
    path.write_text(path.read_text().replace('"not passed"', '"passed well"'))
    with pytest.raises(HemotkError, match="outcome' must be one of 'passed'"):
        DeviceBench.read(path)


def test_what_slows_a_phone_is_a_warning_and_a_fact(write, pristine, measured):
    slow = dataclasses.replace(measured.device, foreground=False, power_save=True, charging=False)
    report = bench(Subject((pristine,), imported=(write(dataclasses.replace(measured, device=slow)),)), EASY)
    assert f"the app was not in the foreground of {NAME} all the time" in report.warnings
    assert f"power saving was on at {NAME}" in report.warnings
    facts = device_facts(slow)
    assert [facts[name] for name in ("in front", "power saving", "charging")] == ["no", "yes", "no"]
    assert "charging" not in device_facts(PHONE)


def test_a_device_whose_answers_for_drawn_pictures_are_others_fails(with_drawn, write):
    folder, found = with_drawn
    other = edit(found, model=1, image=2, logit="00")
    report = bench(Subject((folder,), imported=(write(other),)), EASY)
    failed = [verdict.sentence for verdict in report.verdicts if not verdict.passed]
    assert len(failed) == 1
    assert failed[0].startswith(f"int8 on {NAME}: does not give what the bundle records for 3 drawn pictures")


def test_drawn_pictures_and_the_test_split_do_not_mix(with_drawn, write):
    folder, found = with_drawn
    mixed = edit(found, model=0, image=0, input_sha256="0" * 64)
    with pytest.raises(HemotkError, match=r"was run on 3 other pictures: none is in the test split of .*"):
        import_devices([write(mixed)], [open_with_testset(folder)])

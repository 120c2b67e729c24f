"""What a model card says, and what it keeps to itself."""

import dataclasses

import pytest
from written_artefacts import METRICS, write_run

from hemotk.artifacts import (
    RUN_CARD,
    Estimate,
    Learned,
    RunCard,
    SeriesPoint,
    SliceLevel,
    SplitItem,
    SplitManifest,
)
from hemotk.describe.model_card import CardSources, ExportedModel, model_card
from hemotk.store.learned_from import unknown_note

INT8 = ExportedModel("int8", 1_500_000, 26, 0.001, 0.02, 1, 36.71)


@pytest.fixture
def sources(tmp_path):
    """Makes the sources of a run on four pictures of three patients."""
    run = RunCard.read(write_run(tmp_path / "run") / RUN_CARD)
    return lambda **changes: make_sources(run, **changes)


def make_sources(run, **changes):
    items = (
        SplitItem("secret/a.png", "0" * 64, 0, "pSMITH", "train"),
        SplitItem("secret/b.png", "1" * 64, 1, "pJONES", "validation"),
        SplitItem("secret/c.png", "2" * 64, 1, "pBROWN", "test"),
        SplitItem("secret/d.png", "3" * 64, 0, "pBROWN", "test"),
    )
    split = SplitManifest("now", "/home/anna/head_ct", ("normal", "bleed|old"), 7, 0.2, 0.2, "patient", items)
    card = dataclasses.replace(run, labels=split.classes, metrics={"test": METRICS}, **changes)
    return CardSources(card, "f" * 64, split)


def test_the_run_is_described(sources):
    text = model_card(sources(threshold=0.25, temperature=2.0, notes=("Chosen *somehow*.",)))
    assert "Research, not for diagnosis" in text and "`" + "f" * 64 + "`" in text
    assert "| test | 2 | 1 | 1 | 1 |" in text and "seed 7" in text
    assert "| test | 4 | 0.750 [0.301, 0.954] |" in text
    assert "sigmoid(logit / 2) is 0.25 or more" in text and "Both are the defaults" not in text
    assert "Chosen \\*somehow\\*." in text and "'bleed\\|old'" in text
    assert "Nobody looked for them" in text and "## Exported models" not in text
    assert "Images of one group are alike" in text


def test_an_auc_stands_beside_what_the_slice_level_reaches(sources):
    level = SliceLevel(Estimate(0.83, 0.8, 0.86), Estimate(0.73, 0.63, 0.81), 90, 30, 40, True)
    text = model_card(sources(slice_level={"test": level}))
    assert "- test: the share of soft tissue alone has an AUC of 0.830 [0.800, 0.860]" in text
    assert "within the 90 brain slices (30 with label 1) the network's AUC is 0.730 [0.630, 0.810]" in text
    assert "soft tissue" not in model_card(sources())


def test_what_a_series_goes_by(sources):
    text = model_card(sources())
    assert "one verdict was not chosen on data" in text and "a patient or on a whole series" in text
    text = model_card(sources(study=SeriesPoint(4, 0.625)))
    assert "where the mean of its 4 highest probabilities is 0.625 or more" in text and "whole series" not in text


def test_no_patient_and_no_path_is_named(sources):
    settings = {"weights": "/home/anna/net.h5", "model": "C:\\Users\\anna\\m.keras", "recipe": "hemotk"}
    notes = unknown_note(Learned(None, (), ("the weights /home/anna/net.h5 that first began with", "jones.h5")))
    text = model_card(sources(settings=settings, notes=notes))
    for secret in ("SMITH", "BROWN", "secret", "anna", "/home", "head_ct", "net.h5", "m.keras", "jones", "Users"):
        assert secret not in text
    assert "--weights FILE" in text and "- model: a file\n" in text
    assert "- What some of the weights before it learned from is not known: if it was images of the val" in text


@pytest.mark.parametrize("value", ["net.h5", "runs/first", "..\\first"])
def test_weights_of_a_file_are_not_named_wherever_they_lie(sources, value):
    text = model_card(sources(settings={"weights": value, "recipe": "hemotk", "deep": {"teacher": ["a/b", "plain"]}}))
    assert value not in text and "first" not in text and "--weights FILE" in text
    assert "- deep: teacher a file, plain\n" in text
    assert "- weights: imagenet\n" in model_card(sources(settings={"weights": "imagenet"}))
    assert "seconds_in_epochs" not in model_card(sources(settings={"weights": "imagenet", "seconds_in_epochs": 2.0}))


def test_models_and_shortcuts(sources):
    found = dataclasses.replace(sources(), models=(INT8,), calibration=100, shortcuts=("Colour: AUC 0.9.",))
    text = model_card(found)
    assert "| int8 | 1.50 | 1 | 0.00100 | 0.02000 | 36.7 |" in text and "on 26 validation images" in text
    assert "gathered on 100 images" in text and "- Colour: AUC 0.9." in text
    assert "There may be others." in model_card(dataclasses.replace(found, shortcuts=()))


def test_an_ungrouped_split_says_so(sources):
    found = sources()
    text = model_card(dataclasses.replace(found, split=dataclasses.replace(found.split, grouping="none")))
    assert "makes every figure below look better" in text


def test_a_merged_split_says_what_was_not_compared(sources):
    found = sources()
    items = tuple(dataclasses.replace(item, group=f"{item.group}@a") for item in found.split.items)
    groups = tuple(dataclasses.replace(group, name=f"{group.name}@a") for group in found.split.groups)
    text = model_card(dataclasses.replace(found, split=dataclasses.replace(found.split, items=items, groups=groups)))
    assert "compared within each and not between them" in text and "come from the same collections" in text
    assert "merged" not in model_card(found) and "come from one collection" in model_card(found)


@pytest.mark.parametrize("grouping", ["patient", "none"])
def test_a_split_without_checksums_says_what_was_not_compared(sources, grouping):
    found = sources()
    items = tuple(dataclasses.replace(item, sha256=None) for item in found.split.items)
    text = model_card(
        dataclasses.replace(found, split=dataclasses.replace(found.split, items=items, grouping=grouping))
    )
    assert "compared" in text and "copies" in text and "copies of one picture, are never" not in text
    assert ("Images of one patient are never in two parts" in text) == (grouping == "patient")


def test_the_command_is_what_was_asked_for(sources):
    settings = {"recipe": "paper", "arch": "cnn", "learning_rate": None, "epochs": 5}
    settings["operating"] = {"rule": "sensitivity", "min_sensitivity": 0.95, "threshold": 0.5, "calibrate": True}
    text = model_card(sources(settings=settings))
    command = "hemotk train split.json --arch cnn --recipe paper --epochs 5 --min-sensitivity 0.95 --calibrate"
    assert f"    {command}\n" in text
    assert "hemotk train" not in model_card(sources(settings=settings, source="imported"))


def test_the_command_names_the_phase_of_the_head_and_the_precision_where_they_are_not_the_usual(sources):
    settings = {"recipe": "hemotk", "weights": "imagenet", "head_epochs": 5, "head_views": 8, "epochs": 9}
    text = model_card(sources(settings={**settings, "precision": "bfloat16"}))
    assert "--weights imagenet --head-epochs 5 --head-views 8 --epochs 9 --precision bfloat16" in text
    text = model_card(sources(settings={**settings, "weights": "none", "head_epochs": 0, "precision": "float32"}))
    assert "--weights none --epochs 9\n" in text
    settings = {"recipe": "hemotk", "weights": "imagenet", "epochs": 9}  # from before there was such a phase
    assert "--weights imagenet --head-epochs 0 --epochs 9\n" in model_card(sources(settings=settings))

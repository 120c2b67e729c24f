"""What every bundle carries for an app of one's own: README.md, golden.json and its PNG files."""

import hashlib
import json
import math
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from converted_bundles import SIZE, edit_card
from fed_bundles import TEMPERATURE, THRESHOLD
from PIL import Image

from hemotk.artifacts import BUNDLE_CARD, BundleCard, TensorSpec
from hemotk.embedding.feeding import Feeding, logit_of, stored
from hemotk.embedding.golden import coloured, golden_files, read_golden
from hemotk.embedding.readme import readme
from hemotk.errors import HemotkError
from hemotk.exporting.golden import golden_pictures
from hemotk.tflite.scorer import Scorer


def written(folder: Path) -> dict:
    return json.loads((folder / "golden.json").read_text("utf-8"))


def pixels_of(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path))


def test_json_and_png_alone_tell_what_the_network_sees(fed: Path) -> None:
    golden = written(fed)
    assert golden["size"] == SIZE and len(golden["pictures"]) == 5
    for picture in golden["pictures"]:
        shown = Image.open(fed / picture["file"])
        assert shown.size == (picture["width"], picture["height"])
        gray = np.asarray(shown.convert("L"))
        assert hashlib.sha256(gray.tobytes()).hexdigest() == picture["gray_sha256"]
        side = max(shown.size)
        square = Image.new("L", (side, side))
        square.paste(Image.fromarray(gray), ((side - shown.width) // 2, (side - shown.height) // 2))
        expected = np.asarray(square.resize((SIZE, SIZE), Image.Resampling.BILINEAR))
        assert np.array_equal(pixels_of(fed / picture["input"]), expected)
        assert hashlib.sha256(expected.tobytes()).hexdigest() == picture["input_sha256"]


def test_each_model_says_of_the_input_pictures_what_is_written(fed: Path) -> None:
    golden, card = written(fed), BundleCard.read(fed / BUNDLE_CARD)
    for model in golden["models"]:
        scorer = Scorer(fed / model["file"], card.preprocess)
        assert scorer.position("logit") == model["output"] != scorer.position("probability")
        for picture, said in zip(golden["pictures"], model["scores"], strict=True):
            pixels = pixels_of(fed / picture["input"])
            assert scorer.score(pixels).logit == said["logit"]
            assert hashlib.sha256(scorer.stored(pixels).tobytes()).hexdigest() == said["tensor_sha256"]
            probability = 1 / (1 + math.exp(-said["logit"] / TEMPERATURE))
            assert said["probability"] == pytest.approx(probability, abs=1e-12)
            assert said["label"] == (probability >= THRESHOLD)
            assert said["verdict"] == ("normal", "hemorrhage")[said["label"]]


def test_the_pictures_can_show_every_mistake(fed: Path) -> None:
    sizes = [Image.open(fed / picture["file"]).size for picture in written(fed)["pictures"]]
    assert any(width > height for width, height in sizes) and any(width < height for width, height in sizes)
    assert any((width - height) % 2 for width, height in sizes if width > height)
    colours = pixels_of(fed / "golden_4.png").astype(int)
    assert colours.ndim == 3 and np.abs(colours[..., 0] - colours[..., 2]).mean() > 10


@pytest.mark.parametrize("shape", [(40, 30), (40, 31)])
def test_the_wide_picture_has_an_odd_pixel_to_pad(shape: tuple[int, int]) -> None:
    height, width, _ = coloured(np.full(shape, 200, np.uint8)).shape
    assert width > height and (width - height) % 2


def test_tolerances_are_the_cards_and_never_wider_than_drawn_pictures_allow(fed: Path, models) -> None:
    assert [model["tolerance"] for model in written(fed)["models"]] == [0.05, 0.05]
    card = BundleCard.read(fed / BUNDLE_CARD)
    wide = dict.fromkeys(card.runtimes, 99.0)
    feeding = Feeding(card.name, card.labels, card.preprocess, card.threshold, card.temperature, card.variants, wide)
    both = {kind: models[kind] for kind in ("float32", "int8")}
    found = json.loads(golden_files(feeding, both, golden_pictures())["golden.json"])
    step = logit_of(card.variant("int8")).scale
    assert found["models"][1]["tolerance"] == pytest.approx(2.5 * step)
    assert found["models"][0]["tolerance"] < 1


def test_near_is_said_of_a_verdict_that_another_device_may_turn(fed: Path) -> None:
    for model in written(fed)["models"]:
        at = TEMPERATURE * math.log(THRESHOLD / (1 - THRESHOLD))
        for said in model["scores"]:
            assert said["near"] == (abs(said["logit"] - at) <= model["tolerance"])


def test_near_is_true_at_the_threshold(fed: Path, models) -> None:
    feeding = Feeding.of(BundleCard.read(fed / BUNDLE_CARD))
    logit = written(fed)["models"][0]["scores"][0]["logit"]
    at = replace(feeding, threshold=feeding.probability(logit + 0.04), variants=feeding.variants[:1])
    (model,) = json.loads(golden_files(at, models, golden_pictures())["golden.json"])["models"]
    assert model["scores"][0]["near"] and model["scores"][0]["label"] == 0
    assert not all(score["near"] for score in model["scores"])


def test_what_is_stored_is_what_the_scorer_feeds(fed: Path) -> None:
    card = BundleCard.read(fed / BUNDLE_CARD)
    pixels = np.arange(SIZE * SIZE).reshape(SIZE, SIZE).astype(np.uint8)
    for variant in card.variants:
        fed_by_scorer = Scorer(fed / variant.file, card.preprocess).stored(pixels)[0, :, :, 0]
        assert np.array_equal(stored(variant, card.preprocess, pixels), fed_by_scorer)


def test_the_readme_has_the_numbers_of_the_card(fed: Path) -> None:
    text = (fed / "README.md").read_text("utf-8")
    card = BundleCard.read(fed / BUNDLE_CARD)
    assert f"[1, {SIZE}, {SIZE}, 1]" in text and "exp(−logit / 1.75)" in text and "probability is 0.3 or more" in text
    assert "Most apps need one file: `int8.tflite`" in text
    scale = re.search(r"`float32.tflite` \| `pixels` \| float32 \| \(p − 115\) · ([0-9.]+)", text)
    assert scale and float(scale[1]) == pytest.approx(card.preprocess.scale, rel=1e-8)
    logit = logit_of(card.variant("int8"))
    assert f"| uint8 | p itself | {logit.scale:.9g} · (value − {logit.zero_point}) |" in text
    at = re.search(r"logit of\n  (\S+) or more", text)
    assert at and float(at[1]) == pytest.approx(1.75 * math.log(0.3 / 0.7), rel=1e-5)
    assert "16-bit gray keeps its upper byte" in text and max(map(len, text.splitlines())) <= 200


def test_the_readme_says_what_16_bit_gray_is(fed: Path) -> None:

    feeding = Feeding.of(BundleCard.read(fed / BUNDLE_CARD))
    text = readme(replace(feeding, preprocess=replace(feeding.preprocess, hu_offset=1024)))
    assert "Hounsfield units + 1024" in text and "upper byte" not in text


def test_a_changed_picture_is_refused(fed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(fed, folder)
    assert len(read_golden(folder).pictures) == 5
    (folder / "golden_4.png").write_bytes((folder / "golden_3.png").read_bytes())
    with pytest.raises(HemotkError, match=r"golden_4\.png"):
        read_golden(folder)


def test_an_older_bundle_is_told_what_to_do(bundle: Path) -> None:
    with pytest.raises(HemotkError, match=r"an older hemotk made this bundle; export its run again"):
        read_golden(bundle)


def test_an_input_that_no_app_can_feed_is_refused(fed: Path) -> None:
    card = BundleCard.read(fed / BUNDLE_CARD)

    odd = replace(card.variants[0], input=TensorSpec("pixels", "int32", (1, SIZE, SIZE, 1)))
    with pytest.raises(HemotkError, match="takes int32"):
        stored(odd, card.preprocess, np.zeros((2, 2), np.uint8))


def test_edit_card_keeps_files(fed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(fed, folder)
    card = BundleCard.read(folder / BUNDLE_CARD)
    edit_card(folder, files={name: sha for name, sha in card.files.items() if name != "golden.json"})
    with pytest.raises(HemotkError, match="older hemotk"):
        read_golden(folder)

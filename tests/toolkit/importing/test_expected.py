"""The author's own scores: what is read, what agrees, and what is said of the cause where they do not."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from keras_classifiers import SIZE, model, predicted, save
from PIL import Image

from hemotk.artifacts import RunCard, SplitManifest
from hemotk.data.read.preprocess import load_pixels
from hemotk.data.scan.folder import scan
from hemotk.data.split.make import SplitConfig, make_split
from hemotk.errors import CheckFailed, HemotkError
from hemotk.files import sha256_file
from hemotk.importing.config import ImportConfig
from hemotk.importing.expected import compare, read_expected
from hemotk.importing.network import read_network
from hemotk.importing.run import ImportJob, import_run
from hemotk.importing.scoring import make_scorer

TORCH = Path(__file__).parents[2] / "torch_fixtures"


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> SplitManifest:
    """Pictures of 48×40, which must be padded and resized."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(5)
    for number in range(24):
        image = np.asarray(Image.fromarray(rng.integers(0, 256, (6, 5), np.uint8)).resize((40, 48), 2))
        path = folder / ("hemorrhage" if number % 2 else "normal") / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).save(path)
    return make_split(scan(folder), SplitConfig())


def scores(network: Path, split: SplitManifest, said: ImportConfig, scale: float = 1.0) -> np.ndarray:
    """Logits of all pictures, as an author's pipeline might have them."""
    imported = read_network(network, said)
    pixels = np.stack([load_pixels(split.root() / item.path, imported.preprocess) for item in split.items])
    return scale * make_scorer(imported)(pixels)


def write(path: Path, split: SplitManifest, values: np.ndarray, column: str = "logit") -> Path:
    lines = [f"{item.path},{value!r}" for item, value in zip(split.items, values.tolist(), strict=True)]
    path.write_text("\n".join([f"path,{column}", *lines, ""]))
    return path


def failed(job: ImportJob, config: ImportConfig, table: Path, limit: float = 0.005) -> str:
    expected = read_expected(table, job.split, limit)
    with pytest.raises(CheckFailed) as caught:
        import_run(replace(job, expected=expected), config)
    assert not job.out.exists()
    return str(caught.value)


@pytest.fixture
def job(split: SplitManifest, tmp_path: Path) -> ImportJob:
    return ImportJob(TORCH / "mlp_module.pt", split, tmp_path / "run")


def test_scores_that_agree_are_recorded(job: ImportJob, tmp_path: Path) -> None:
    config = ImportConfig(SIZE, "torch")
    table = write(tmp_path / "s.csv", job.split, scores(job.model, job.split, config))
    card = import_run(replace(job, expected=read_expected(table, job.split, 0.005)), config)
    assert isinstance(card, RunCard) and card.parents["scores"] == sha256_file(table)
    assert any("Checked against s.csv: greatest difference" in note and "100.0%" in note for note in card.notes)


@pytest.mark.parametrize(
    ("given", "meant", "said"),
    [
        ("unit", "torch", "with normalization torch the greatest difference"),
        ("torch", "tf", "with normalization tf the"),
    ],
)
def test_a_wrong_normalization_is_named(job: ImportJob, tmp_path: Path, given: str, meant: str, said: str) -> None:
    table = write(tmp_path / "s.csv", job.split, scores(job.model, job.split, ImportConfig(SIZE, meant)))
    message = failed(job, ImportConfig(SIZE, given), table)
    assert said in message and "import it with that" in message and "there," in message


def test_a_wrong_class_is_named(job: ImportJob, tmp_path: Path) -> None:
    config = ImportConfig(SIZE, "torch")
    table = write(tmp_path / "s.csv", job.split, -scores(job.model, job.split, config))
    assert "with positive_class 0 the greatest" in failed(job, config, table)


def test_a_wrong_output_is_named(job: ImportJob, tmp_path: Path) -> None:
    job = replace(job, model=TORCH / "chexnet.pth.tar")
    table = write(tmp_path / "s.csv", job.split, scores(job.model, job.split, ImportConfig(SIZE, "torch", output=1)))
    assert "with output 1 the greatest" in failed(job, ImportConfig(SIZE, "torch", output=2), table, 0.002)


def test_another_resizing_is_named(job: ImportJob, tmp_path: Path) -> None:
    config = ImportConfig(SIZE, "torch")
    imported = read_network(job.model, config)
    pixels = np.stack(
        [np.asarray(Image.open(job.split.root() / item.path).resize((SIZE, SIZE), 2)) for item in job.split.items]
    )
    table = write(tmp_path / "s.csv", job.split, make_scorer(imported)(pixels))
    message = failed(job, config, table)
    assert "with pictures stretched to a square without padding" in message and "save its pictures" in message


def cornered(image: Image.Image) -> Image.Image:
    square = Image.new("L", (48, 48))
    square.paste(image, (0, 0))
    return square.resize((SIZE, SIZE), 2)


PIPELINES = {
    "pictures padded on the right or below alone": cornered,
    "the shorter side resized to the size and the centre cut": lambda image: image.resize((32, 38), 2).crop(
        (0, 3, 32, 35)
    ),
    "the shorter side resized to 256/224 of": lambda image: image.resize((37, 44), 2).crop((2, 6, 34, 38)),
}


@pytest.mark.parametrize("told", PIPELINES)
def test_another_way_to_the_size_is_named(job: ImportJob, tmp_path: Path, told: str) -> None:
    config = ImportConfig(SIZE, "torch")
    images = [Image.open(job.split.root() / item.path) for item in job.split.items]
    pixels = np.stack([np.asarray(PIPELINES[told](image)) for image in images])
    table = write(tmp_path / "s.csv", job.split, make_scorer(read_network(job.model, config))(pixels))
    assert f"with {told}" in failed(job, config, table)


@pytest.mark.parametrize("mode", ["torch", "raw"])
def test_a_picture_that_is_scaled_by_itself_is_named(job: ImportJob, tmp_path: Path, mode: str) -> None:
    """As MONAI's ScaleIntensity (least to greatest) and NormalizeIntensity (mean and deviation) do it."""
    imported = read_network(job.model, ImportConfig(SIZE, mode))
    pixels = np.stack([load_pixels(job.split.root() / item.path, imported.preprocess) for item in job.split.items])
    pixels = pixels.astype(np.float64)
    low, high, mean, spread = (getattr(pixels, of)((1, 2), keepdims=True) for of in ("min", "max", "mean", "std"))
    seen = 255 * (pixels - low) / (high - low) if mode == "torch" else (pixels - mean) / spread
    table = write(tmp_path / "s.csv", job.split, make_scorer(imported)(seen))
    message = failed(job, ImportConfig(SIZE, "torch"), table)
    told = "stretched from its least value to its greatest" if mode == "torch" else "brought to mean 0 and deviation 1"
    assert f"with each picture {told} by itself" in message and "train with a fixed one" in message


def test_what_no_usual_cause_explains_is_said(job: ImportJob, tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(0, 2, len(job.split.items))
    assert "none of the usual causes" in failed(
        job, ImportConfig(SIZE, "torch"), write(tmp_path / "s.csv", job.split, values)
    )


def test_keras_models_are_checked_too(split: SplitManifest, tmp_path: Path) -> None:
    path = save("tf_keras", "bare", ".h5", tmp_path, "tf")
    spec = read_network(path, ImportConfig(normalization="tf")).preprocess
    pixels = np.stack([load_pixels(split.root() / item.path, spec) for item in split.items])
    says = predicted(model("tf_keras", "bare", "tf"), pixels, "tf")
    values = says[:, -1].astype(np.float64)
    table = write(tmp_path / "s.csv", split, values, "probability")
    job = ImportJob(path, split, tmp_path / "run")
    assert "with normalization tf the greatest" in failed(job, ImportConfig(normalization="unit"), table)
    import_run(replace(job, expected=read_expected(table, split, 0.005)), ImportConfig(normalization="tf"))


def test_pairs_in_another_order_fail_even_where_probabilities_hardly_differ() -> None:
    far = -20 + 0.01 * np.arange(30, dtype=np.float64)
    assert not compare(far[::-1], far, 0.02).good and compare(far, far, 0.02).good
    assert compare(far[::-1], far, 0.02).agreement == 0 and compare(far, far, 0.02).agreement == 1


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n", "has the columns a, b; call them"),
        ("path,logit\nnone.png,1\n", "'none.png' is no picture of the data"),
        ("path,logit\n1.png,1\n1.png,2\n", "'1.png' is there twice"),
        ("path,logit\n1.png,x\n", "'x' is no number"),
        ("path,logit\n1.png,nan\n", "'nan' is no number"),
        ("path,logit\n1.png,1\n", "has 1 pictures, and 5 are needed"),
        ("path,prob\n1.png,1\n2.png,3\n3.png,0\n4.png,0\n5.png,0\n", "has probabilities from 0 to 3"),
    ],
)
def test_what_a_table_must_hold(split: SplitManifest, tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "s.csv").write_text(text)
    with pytest.raises(HemotkError, match=told):
        read_expected(tmp_path / "s.csv", split, 0.02)

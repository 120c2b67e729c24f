"""The trainings of the study: what each learns from, how, and what it is tested on."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from transfer.learn import Recipe
from transfer.pictures import Pictures

ALL = Recipe(80, appearance=True, balanced=True)
PLAIN = replace(ALL, appearance=False, balanced=False)
# What the recipe is made of, each alone and all together; every network also gives its averaged weights.
STEPS = {
    "plain": PLAIN,
    "appearance": replace(PLAIN, appearance=True),
    "smoothing": replace(PLAIN, smoothing=0.1),
    "all": ALL,
}
STEP_EPOCHS, STEP_SIZE, STEP_SEEDS = 50, 128, 1
SMALL_BATCH, FINE_RATE = 16, 2e-4
SLICES, DRAWS = (50, 100, 200, 400), 4


@dataclass(frozen=True)
class Job:
    """One training on the pictures at the places `learned`, from the averaged weights of the job `start`."""

    name: str
    arch: str
    recipe: Recipe
    learned: np.ndarray
    tested: dict[str, np.ndarray]
    start: str | None = None
    seed: int = 0
    kept: bool = False


def first_jobs(pictures: Pictures) -> Iterator[Job]:
    """Networks trained on RSNA and PHE-SICH, and on either alone with each step of the recipe."""
    both = np.concatenate([pictures.where("rsna", "train"), pictures.where("phe", "train")])
    tests = {
        **{f"rsna {part}": pictures.where("rsna", part) for part in ("validation", "test")},
        **{f"phe {part}": pictures.where("phe", part) for part in ("validation", "test")},
        "ct_ich": pictures.where("ct_ich"),
        "head_ct": pictures.where("head_ct"),
    }
    for arch in ("densenet201", "densenet121"):
        yield Job(f"pretrained {arch}", arch, ALL, both, tests, kept=True)
    for name, changed in STEPS.items():
        recipe = replace(changed, epochs=STEP_EPOCHS, size=STEP_SIZE)
        for learned, other in (("phe", "rsna"), ("rsna", "phe")):
            for seed in range(STEP_SEEDS):
                places = pictures.where(learned, "train", "validation")
                tested = {other: pictures.where(other), f"{learned} test": pictures.where(learned, "test")}
                yield Job(f"step {name}, {learned}, seed {seed}", "densenet121", recipe, places, tested, seed=seed)


def second_jobs(pictures: Pictures) -> Iterator[Job]:
    """Fine-tuning on a small set of one's own, beside training on it from scratch."""
    yield from _folds(pictures)
    yield from _curve(pictures)


def _folds(pictures: Pictures) -> Iterator[Job]:
    scratch = replace(ALL, epochs=100, batch=SMALL_BATCH)
    fine = replace(ALL, epochs=40, batch=SMALL_BATCH, rate=FINE_RATE)
    folds = sorted(set(pictures.parts[pictures.sets == "head_ct"]))
    for fold in folds:
        learned = pictures.where("head_ct", *(name for name in folds if name != fold))
        tested = {"head_ct": pictures.where("head_ct", fold), "ct_ich": pictures.where("ct_ich")}
        arch = "densenet201"
        yield Job(f"{fold}, scratch", arch, scratch, learned, tested)
        yield Job(f"{fold}, pretrained", arch, fine, learned, tested, f"pretrained {arch}")


def _curve(pictures: Pictures) -> Iterator[Job]:
    """With slices of some patients of ct_ich, tested on other patients."""
    tested = {"ct_ich": pictures.where("ct_ich", "test", "validation")}
    own = pictures.where("ct_ich", "train")
    arch = "densenet121"
    for slices in SLICES:
        for draw in range(DRAWS):
            learned = _some_patients(own, pictures, slices, np.random.default_rng(draw))
            scratch = replace(ALL, epochs=40, batch=SMALL_BATCH)
            fine = replace(scratch, epochs=30, rate=FINE_RATE)
            name = f"{slices} slices, draw {draw}"
            yield Job(f"{name}, scratch", arch, scratch, learned, tested, seed=draw)
            yield Job(f"{name}, pretrained", arch, fine, learned, tested, f"pretrained {arch}", seed=draw)


def _some_patients(own: np.ndarray, pictures: Pictures, slices: int, rng: np.random.Generator) -> np.ndarray:
    """Slices of patients drawn until there are enough; the last patient's are cut. Both classes are among them."""
    while True:
        patients = rng.permutation(np.unique(pictures.groups[own]))
        found = np.concatenate([own[pictures.groups[own] == patient] for patient in patients])[:slices]
        if 3 <= pictures.labels[found].sum() < len(found):
            return found

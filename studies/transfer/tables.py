"""The tables of the study, from the logits that `transfer.first` wrote, in Markdown.

    PYTHONPATH=studies python -m transfer.tables PACKED OUT

Every interval is 95 %, over patients where they are known. Decisions are at a probability of 0.5. Writes beside the
scores what `hemotk import --expect` takes, for each pretrained network.
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hemotk.artifacts import Estimate
from hemotk.data.read.tissue import BRAIN
from hemotk.data.series import MAX_K, choose_k, series_score
from hemotk.render.numbers import interval, with_interval
from hemotk.stats.grouped import auc_by_group, share
from hemotk.stats.metrics import auc, log_loss, sigmoid, wilson
from hemotk.stats.paired import auc_difference, mcnemar_by_group
from hemotk.training.operating_point import find_threshold

NETWORKS = ("densenet201", "densenet121")
STEPS = ("plain", "appearance", "smoothing", "all")
SLICES, DRAWS = (50, 100, 200, 400), 4


class Study:
    """The pictures' table and the logits found, by the names that `transfer.jobs` gives."""

    def __init__(self, packed: Path, out: Path) -> None:
        rows = json.loads((packed / "pictures.json").read_text())
        self.rows = {name: np.array([row[name] for row in rows]) for name in rows[0]}
        self.scores = dict(np.load(out / "scores.npz"))
        self.said = json.loads((out / "trainings.json").read_text())

    def where(self, name: str, *parts: str) -> np.ndarray:
        """Places of a set's pictures, or of these parts of it."""
        inside = self.rows["set"] == name
        return np.flatnonzero(inside & np.isin(self.rows["part"], parts) if parts else inside)

    def labels(self, places: np.ndarray) -> np.ndarray:
        """0 or 1."""
        return self.rows["label"][places]

    def brain(self, places: np.ndarray) -> np.ndarray:
        """Which of the places show brain."""
        return self.rows["tissue"][places] >= BRAIN

    def auc(self, places: np.ndarray, scores: np.ndarray) -> Estimate:
        """Over patients."""
        return auc_by_group(self.labels(places), scores, self.rows["group"][places])

    def pair(self, places: np.ndarray, scores: np.ndarray) -> tuple[str, str]:
        """The AUC of all slices and of brain slices."""
        inside = self.brain(places)
        return with_interval(self.auc(places, scores)), with_interval(self.auc(places[inside], scores[inside]))


def pretrained(study: Study) -> Iterator[str]:
    """The networks trained on two sets, on parts and sets they did not learn from."""
    yield "| tested on | scores | AUC, all slices | AUC, brain slices |\n|---|---|---|---|"
    for test in ("rsna test", "phe test", "ct_ich", "head_ct"):
        places = study.where(*test.split())
        patients = len(np.unique(study.rows["group"][places]))
        for arch in NETWORKS:
            every, brain = study.pair(places, study.scores[f"pretrained {arch}|averaged|{test}"])
            yield f"| {test}, {len(places)} slices, {patients} groups | {arch} | {every} | {brain} |"
        every, brain = study.pair(places, study.rows["tissue"][places])
        yield f"| | tissue alone | {every} | {brain} |"


def steps(study: Study) -> Iterator[str]:
    """What each part of the recipe changes on the set that was not trained on."""
    yield "| recipe | learned from | tested on | AUC, all | AUC, brain | brain, against plain |"
    yield "|---|---|---|---|---|---|"
    for step in STEPS:
        for learned, other in (("phe", "rsna"), ("rsna", "phe")):
            places = study.where(other)
            found, plain = (study.scores[f"step {name}, {learned}, seed 0|last|{other}"] for name in (step, "plain"))
            inside = study.brain(places)
            chosen = places[inside]
            groups = study.rows["group"][chosen]
            change = auc_difference(study.labels(chosen), found[inside], plain[inside], groups)
            every, brain = study.pair(places, found)
            told = "" if step == "plain" else f"{change.value:+.3f} {interval(change, signed=True)}"
            yield f"| {step} | {learned} | {other} | {every} | {brain} | {told} |"
    pairs = [(name, name.replace("|last|", "|averaged|")) for name in study.scores if "|last|" in name]
    gaps = [_auc(study, b) - _auc(study, a) for a, b in pairs if a.startswith(("step", "pretrained"))]
    yield f"\nAveraged weights against the last ones, {len(gaps)} tests: AUC {min(gaps):+.3f} to {max(gaps):+.3f}."


def _auc(study: Study, name: str) -> float:
    places = study.where(*name.rsplit("|", 1)[1].split())
    return study.auc(places, study.scores[name]).value


def folds(study: Study) -> Iterator[str]:
    """Five folds of head_ct, each slice scored by a network that never saw its group."""
    places = study.where("head_ct")
    labels, groups = study.labels(places), study.rows["group"][places]
    found = {
        "from scratch": _of_folds(study, places, "scratch"),
        "pretrained, fine-tuned": _of_folds(study, places, "pretrained"),
        "pretrained, no slice of head_ct seen": study.scores["pretrained densenet201|averaged|head_ct"],
    }
    elsewhere = {
        "from scratch": _elsewhere(study, "scratch"),
        "pretrained, fine-tuned": _elsewhere(study, "pretrained"),
        "pretrained, no slice of head_ct seen": study.pair(
            study.where("ct_ich"), study.scores["pretrained densenet201|averaged|ct_ich"]
        )[1],
    }
    yield "| DenseNet201 | accuracy | AUC | log-loss | AUC on brain slices of ct_ich |\n|---|---|---|---|---|"
    for name, logits in found.items():
        right = share((logits > 0) == labels, groups)
        yield (
            f"| {name} | {with_interval(right)} | {with_interval(study.auc(places, logits))} "
            f"| {log_loss(labels, logits):.3f} | {elsewhere[name]} |"
        )
    before, after = ((found[name] > 0) == labels for name in ("from scratch", "pretrained, fine-tuned"))
    change = before.astype(int) - after.astype(int)
    p = mcnemar_by_group(change, groups)
    gained, lost = int(np.sum(change < 0)), int(np.sum(change > 0))
    yield f"\nOf {len(places)} slices, the pretrained network gained {gained} and lost {lost}: p {p:.2f}."
    gap = auc_difference(labels, found["pretrained, fine-tuned"], found["from scratch"], groups)
    yield f"AUC {gap.value:+.3f} {interval(gap, signed=True)}."


def _of_folds(study: Study, places: np.ndarray, kind: str) -> np.ndarray:
    logits = np.zeros(len(study.rows["label"]))
    for fold in sorted(set(study.rows["part"][places])):
        logits[study.where("head_ct", fold)] = study.scores[f"{fold}, {kind}|averaged|head_ct"]
    return logits[places]


def _elsewhere(study: Study, kind: str) -> str:
    """The networks of the folds on another hospital."""
    places = study.where("ct_ich")
    inside = study.brain(places)
    found = [study.scores[f"fold{fold}, {kind}|averaged|ct_ich"][inside] for fold in range(1, 6)]
    return _spread([study.auc(places[inside], scores).value for scores in found])


def curve(study: Study) -> Iterator[str]:
    """With slices of one's own: the mean over draws, and the worst and best draw."""
    places = study.where("ct_ich", "test", "validation")
    yield "| slices of ct_ich learned from | start | AUC, all slices | AUC, brain slices |\n|---|---|---|---|"
    whole = study.where("ct_ich")
    seen = study.scores["pretrained densenet121|averaged|ct_ich"][np.isin(whole, places)]
    for name, scores in (("pretrained", seen), ("tissue alone", study.rows["tissue"][places])):
        every, brain = study.pair(places, scores)
        yield f"| none | {name} | {every} | {brain} |"
    inside = study.brain(places)
    for slices in SLICES:
        for start in ("scratch", "pretrained"):
            drawn = [study.scores[f"{slices} slices, draw {n}, {start}|averaged|ct_ich"] for n in range(DRAWS)]
            all_slices = _spread([study.auc(places, scores).value for scores in drawn])
            in_brain = _spread([study.auc(places[inside], scores[inside]).value for scores in drawn])
            yield f"| {slices} | {start} | {all_slices} | {in_brain} |"


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def series(study: Study) -> Iterator[str]:
    """A verdict for each patient of ct_ich; k and threshold are chosen on the others."""
    places = study.where("ct_ich")
    labels, groups = study.labels(places), study.rows["group"][places]
    names = np.unique(groups)
    truth = np.array([labels[groups == name].max() for name in names])
    yield "| scores | k chosen | sensitivity | specificity | AUC over patients |"
    yield "|---|---|---|---|---|"
    for arch in NETWORKS:
        shown = sigmoid(study.scores[f"pretrained {arch}|averaged|ct_ich"])
        told = [_left_out(shown, labels, groups, name) for name in names]
        called = np.array([verdict for _, verdict in told])
        sensitivity = wilson(int(called[truth == 1].sum()), int(truth.sum()))
        specificity = wilson(int((~called[truth == 0]).sum()), int((truth == 0).sum()))
        ranked = auc(truth, [series_score(shown[groups == name], MAX_K) for name in names])
        ks = sorted({k for k, _ in told})
        yield f"| {arch} | {ks} | {with_interval(sensitivity)} | {with_interval(specificity)} | {ranked:.3f} |"


def _left_out(shown: np.ndarray, labels: np.ndarray, groups: np.ndarray, name: str) -> tuple[int, bool]:
    """k, and whether the patient `name` is called, by what is chosen on all others."""
    rest = groups != name
    k = choose_k(shown[rest].tolist(), labels[rest].tolist(), groups[rest].tolist())
    others = np.unique(groups[rest])
    scores = np.array([series_score(shown[groups == other], k) for other in others])
    truth = np.array([labels[groups == other].max() for other in others], bool)
    threshold = find_threshold(truth, np.log(scores) - np.log1p(-scores), None)
    return k, bool(series_score(shown[groups == name], k) >= threshold)


def expected(study: Study, folder: Path) -> None:
    """Write the logits of each pretrained network, as `hemotk import --expect` reads them."""
    tests = [f"{name} {part}" for name in ("rsna", "phe") for part in ("validation", "test")]
    for arch in NETWORKS:
        lines = ["path,logit"]
        for test in tests:
            scores = study.scores[f"pretrained {arch}|averaged|{test}"].tolist()
            lines += [f"{study.rows['path'][p]},{s!r}" for p, s in zip(study.where(*test.split()), scores, strict=True)]
        (folder / f"pretrained {arch}.csv").write_text("\n".join([*lines, ""]))


def main() -> None:
    """Print all tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("packed", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    study = Study(given.packed, given.out)
    for table in (pretrained, steps, folds, curve, series):
        print(f"\n### {table.__name__}\n")
        print("\n".join(table(study)))
    expected(study, given.out)
    print(f"\nshare of the epochs {study.said['share of epochs']:.2f}; seconds of a step {study.said['steps']}")
    for arch in NETWORKS:
        told = study.said[f"pretrained {arch}"]
        print(f"{arch}: {len(told['losses'])} epochs in {told['seconds']} s, beside other trainings")


if __name__ == "__main__":
    main()

"""The model card of a run and its bundle as Markdown, in the sections of Mitchell et al. 2019 (arXiv 1810.03993).

It names no patient and no file or folder of the machine: the images are known by the checksum of their split.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hemotk.artifacts import PARTS, Metrics, RunCard, SplitManifest
from hemotk.artifacts.pixels import BRAIN
from hemotk.render.numbers import with_interval
from hemotk.stats.slice_level import beside

MODEL_CARD = "MODEL_CARD.md"

_MEASURES = ("accuracy", "sensitivity", "specificity", "auc")
_HEADINGS = ("part", "images", "accuracy", "sensitivity", "specificity", "AUC", "log-loss", "Brier score")
_GROUPING = {
    "patient": "Images of one patient, and copies of one picture, are never in two parts.",
    "auto": "Images of one patient where patients are known, copies of one picture and near duplicates are never in "
    "two parts.",
    "none": "Patients were not known or not used: slices of one patient may lie in different parts, which makes every "
    "figure below look better than it is. Only equal pictures were kept together.",
}
_GROUPING_UNREAD = {
    "patient": "Images of one patient are never in two parts. Pictures were too many to be compared: copies may be.",
    "none": "Patients were not used and pictures not compared: slices of one patient, and copies, may lie in different "
    "parts, which makes every figure below look better than it is.",
}
_MERGED = (
    " It was merged of several folders: patients and pictures were compared within each and not between them, so one "
    "patient, or copies of one picture, that lie in two of them may be in different parts."
)
_MERGED_COMPARED = (
    " It was merged of several folders: pictures were compared between them, too; patients were not, so one who lies "
    "in two of them may be in different parts."
)
# Settings that may hold a file's name, the words of theirs that are none, and what is said instead.
_OF_FILES = ("weights", "model")
_NO_FILES = ("none", "imagenet")
_FILE = "a file"
# How a run's note begins that names weights, runs and files from before it, and how that is said without their names.
_UNKNOWN = re.compile(r"What .* learned from is not known\b", re.DOTALL)
_UNNAMED = "What some of the weights before it learned from is not known"
_REASONS = {"patient": "one patient", "exact": "equal pictures", "near": "near duplicates"}


@dataclass(frozen=True)
class ExportedModel:
    """One .tflite: its kind and size, and how it agrees with its float32 parent on `count` validation images.

    `drift` is the mean and `worst` the greatest |Δ probability|, `flips` counts other decisions, `sqnr` is in dB.
    `bias` and `sd` are mean and standard deviation of the logit's error, `shift` is |bias| over the standard deviation
    of float32's logits; None in bundles from before there were these.
    """

    kind: str
    bytes: int
    count: int
    drift: float
    worst: float
    flips: int
    sqnr: float | None
    bias: float | None = None
    sd: float | None = None
    shift: float | None = None


@dataclass(frozen=True)
class CardSources:
    """The sources of a card: a run with the SHA-256 of its card, its split, the models that were exported from it.

    `calibration` is the number of training images that gave quantized models their ranges. `shortcuts` are sentences on
    properties that alone predict the label; None if nobody looked for them.
    """

    run: RunCard
    sha256: str
    split: SplitManifest
    models: Sequence[ExportedModel] = ()
    calibration: int = 0
    shortcuts: Sequence[str] | None = None


def model_card(sources: CardSources) -> str:
    """The card as Markdown; the same sources give the same text."""
    parts = (_model, _use, _data, _metrics, _decision, _models, _shortcuts, _limits, _again)
    return "\n".join(line for part in parts for line in (*part(sources), "")) + "\n"


def _model(sources: CardSources) -> Iterator[str]:
    card = sources.run
    spec, classes = card.preprocess, card.labels
    yield f"# Model card: {_text(card.name)}"
    yield ""
    yield "**Research, not for diagnosis.**"
    yield ""
    yield f"- Network: {_text(card.arch)}, {card.source} by hemotk {card.versions.get('hemotk', '(version unknown)')}."
    yield f"- Made {card.created[:10]}; run card SHA-256 `{sources.sha256}`."
    yield (
        f"- In: one head CT slice as gray picture of {spec.size}×{spec.size}; DICOM is seen through a window of level "
        f"{spec.window.level:g} HU, width {spec.window.width:g} HU."
    )
    yield f"- Out: the probability of '{_text(classes[1])}' against '{_text(classes[0])}'."
    yield from (f"- {_text(_UNKNOWN.sub(_UNNAMED, note))}" for note in card.notes)


def _use(sources: CardSources) -> Iterator[str]:
    positive = _text(sources.run.labels[1])
    series = " or on a whole series" if sources.run.study is None else ""
    yield "## Intended use"
    yield ""
    yield (
        "Research on single slices, and measuring what quantization costs. It is no medical device, and nobody has "
        "tested it in care."
    )
    yield ""
    yield (
        f"Not for: a verdict on a patient{series}; the kind, place or age of a finding; anything other than "
        f"'{positive}'; other windows, other modalities, other parts of the body, photographs of a screen."
    )


def _data(sources: CardSources) -> Iterator[str]:
    split = sources.split
    yield "## Data"
    yield ""
    grouping = _GROUPING[split.grouping] if split.checked else _GROUPING_UNREAD[split.grouping]
    if split.merged:
        grouping += _MERGED_COMPARED if split.compared_between else _MERGED
    where = f"fold {split.fold} of {split.folds}" if split.fold else f"test share {split.test:g}"
    yield (
        f"{len(split.items)} images, divided with seed {split.seed} ({where}, validation share "
        f"{split.validation:g} of the rest). {grouping}"
    )
    yield ""
    yield from _table(
        ("part", "images", _text(split.classes[0]), _text(split.classes[1]), "groups"),
        [_counts(split, part) for part in PARTS],
    )
    for reason, words in _REASONS.items():
        joined = [group for group in split.groups if reason in group.reasons]
        if joined:
            yield ""
            yield f"{len(joined)} groups of several images, {sum(g.images for g in joined)} images: {words}."


def _counts(split: SplitManifest, part: Any) -> tuple[str, ...]:
    items = split.part(part)
    positives = sum(item.label for item in items)
    groups = len({item.group for item in items})
    return part, str(len(items)), str(len(items) - positives), str(positives), str(groups)


def _metrics(sources: CardSources) -> Iterator[str]:
    yield "## Figures of the float network"
    yield ""
    if not sources.run.metrics:
        yield "The run holds none."
        return
    yield from _table(_HEADINGS, [_row(part, metrics) for part, metrics in sources.run.metrics.items()])
    yield ""
    for line in beside(sources.run.slice_level or {}):
        yield f"- {line}"
        yield ""
    yield "Fractions with 95 % intervals, which take images as independent where nothing else is said."
    if sources.run.source == "imported":
        yield "The network was trained elsewhere, perhaps on images of any part: then no part says what it is worth."
    else:
        yield (
            "The test part is the one to quote: the network learned from the training part, and settings may have been "
            "chosen on the validation part."
        )


def _row(part: str, metrics: Metrics) -> tuple[str, ...]:
    estimates = (with_interval(getattr(metrics, measure)) for measure in _MEASURES)
    return part, str(metrics.count), *estimates, f"{metrics.loss:.4f}", f"{metrics.brier:.4f}"


def _decision(sources: CardSources) -> Iterator[str]:
    card = sources.run
    yield "## Operating point"
    yield ""
    yield (
        f"'{_text(card.labels[1])}' is called where sigmoid(logit / {card.temperature:.6g}) is {card.threshold:.6g} or "
        "more."
    )
    if (card.threshold, card.temperature) == (0.5, 1.0):
        yield "Both are the defaults."
    yield ""
    if card.study is None:
        yield (
            "How a series of slices gets one verdict was not chosen on data: `hemotk predict --series` says so, and "
            "holds the highest slices against the threshold for one slice, which they reach more easily."
        )
    else:
        yield (
            f"A series of slices is called where the mean of its {card.study.k} highest probabilities is "
            f"{card.study.threshold:.6g} or more; both were chosen on the series of the validation part, and the "
            "figures above are of single slices."
        )


def _models(sources: CardSources) -> Iterator[str]:
    if not sources.models:
        return
    yield "## Exported models"
    yield ""
    rows = [
        (
            model.kind,
            f"{model.bytes / 1e6:.2f}",
            str(model.flips),
            f"{model.drift:.5f}",
            f"{model.worst:.5f}",
            "–" if model.sqnr is None else f"{model.sqnr:.1f}",
            "–" if model.bias is None or model.sd is None else f"{model.bias:+.4f} ± {model.sd:.4f}",
        )
        for model in sources.models
    ]
    yield from _table(("kind", "MB", "flips", "mean drift", "greatest drift", "SQNR, dB", "logit error"), rows)
    yield ""
    yield (
        f"Against float32 on {sources.models[0].count} validation images: flips are images that are decided otherwise, "
        "drift is |Δ probability|, SQNR the ratio of the logit's variance to its mean squared error. The logit error "
        "is given as mean ± standard deviation."
    )
    if sources.calibration:
        yield f"Ranges of int8 were gathered on {sources.calibration} images of the training part."


def _shortcuts(sources: CardSources) -> Iterator[str]:
    yield "## Shortcuts"
    yield ""
    if sources.shortcuts is None:
        yield (
            "Nobody looked for them here. Colour, picture size, burnt-in letters or borders may give a label away; "
            "`hemotk data audit` looks for such things."
        )
    elif sources.shortcuts:
        yield "Found in the images, where each alone predicts the label better than chance:"
        yield ""
        yield from (f"- {_text(sentence)}" for sentence in sources.shortcuts)
    else:
        yield "None of those looked for predicts the label better than chance. There may be others."


def _limits(sources: CardSources) -> Iterator[str]:
    split = sources.split
    test = split.part("test")
    groups, positives = len({item.group for item in test}), sum(item.label for item in test)
    yield "## Limits"
    yield ""
    yield (
        f"- The test part has {len(test)} images in {groups} groups, {positives} of them "
        f"'{_text(split.classes[1])}': look at the intervals, not only at the values."
    )
    if groups < len(test):
        yield "- Images of one group are alike, so the true intervals are wider than those above."
    collection = "the same collections" if split.merged else "one collection"
    yield (
        f"- Training and test images come from {collection}. Other hospitals, scanners and reconstruction kernels "
        "were not tested: accuracy there can be far lower."
    )
    yield (
        f"- {positives / len(test):.0%} of the test images are positive. Where fewer are, as in most care, more of the "
        "positive verdicts are wrong at the same sensitivity and specificity."
    )
    yield "- A probability is a frequency at best among images like these."


def _again(sources: CardSources) -> Iterator[str]:
    card = sources.run
    yield "## How to make it again"
    yield ""
    yield f"Split SHA-256 `{card.parents.get('split', 'unknown')}`. Settings of the run:"
    yield ""
    yield from (f"- {name}: {_text(_value(value, name))}" for name, value in sorted(card.chosen.items()))
    command = _command(sources)
    if command:
        yield ""
        yield f"    {command}"
    yield ""
    yield "Versions: " + ", ".join(f"{name} {version}" for name, version in card.versions.items()) + "."


def _command(sources: CardSources) -> str:
    """The training as typed; empty for a run that was not trained from a recipe."""
    # A run that names no head phase is from before there was one.
    settings = {"head_epochs": 0, **sources.run.settings}
    if sources.run.source != "trained" or "recipe" not in settings:
        return ""
    words = ["hemotk", "train", "split.json"]
    head = () if settings.get("weights", "none") == "none" else ("head_epochs", "head_views")
    precision = () if settings.get("precision") == "float32" else ("precision",)
    for name in ("arch", "recipe", "weights", "size", *head, "epochs", "batch", *precision, "learning_rate", "seed"):
        if settings.get(name) is not None:
            value = _value(settings[name], name)
            words += ["--" + name.replace("_", "-"), "FILE" if value == _FILE else value]
    window = settings.get("window", asdict(BRAIN))
    if window != asdict(BRAIN):
        words += ["--window", f"{window['level']:g}/{window['width']:g}"]
    operating = settings.get("operating", {})
    if operating.get("rule") == "sensitivity":
        words += ["--min-sensitivity", f"{operating['min_sensitivity']:g}"]
    elif operating.get("rule") == "youden":
        words += ["--threshold", "youden"]
    elif operating.get("threshold", 0.5) != 0.5:
        words += ["--threshold", f"{operating['threshold']:g}"]
    return shlex.join([*words, "--calibrate"] if operating.get("calibrate") else words)


def _value(value: Any, name: str = "") -> str:
    """The setting `name` in words; a file or a path is not named."""
    if isinstance(value, Mapping):
        return ", ".join(f"{inner} {_value(inner_value, inner)}" for inner, inner_value in value.items())
    if isinstance(value, list):
        return ", ".join(_value(inner_value, name) for inner_value in value)
    given = isinstance(value, str) and name in _OF_FILES and value not in _NO_FILES
    return _FILE if given or (isinstance(value, str) and re.search(r"[/\\]", value)) else str(value)


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    rules = ["---", *("---:" for _ in headings[1:])]
    yield from (f"| {' | '.join(cells)} |" for cells in (headings, rules, *rows))


def _text(text: str) -> str:
    """`text` in one line, without what Markdown or HTML would take for markup."""
    marks = str.maketrans({mark: f"\\{mark}" for mark in "\\`*[]<>|"})
    return " ".join(text.split()).translate(marks)

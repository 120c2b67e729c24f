"""Code that feeds one model of a bundle and reads it, with a test on the bundle's golden set, in six languages."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from hemotk.artifacts import BundleCard, Variant
from hemotk.artifacts.bundle import PREFERRED
from hemotk.artifacts.golden import GoldenModel, GoldenSet
from hemotk.embedding.feeding import logit_of
from hemotk.embedding.golden import read_golden
from hemotk.errors import HemotkError
from hemotk.files import check_sha256, printable
from hemotk.store.cards import bundle_card

_INPUTS = ("uint8", "float32")
_MARK = re.compile(r"@([A-Z0-9_]+)@")
_OUTPUTS = {"uint8": "bytes", "float32": "floats"}


@dataclass(frozen=True)
class Language:
    """A language: the ending of its files, and how it writes a string and one golden picture.

    `entry` takes a file as a literal, the logit and the label.
    """

    name: str
    ending: str
    quote: Callable[[str], str]
    entry: str


def _json(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _without_dollars(text: str) -> str:
    return _json(text).replace("$", "\\$")


LANGUAGES: Mapping[str, Language] = {
    language.name: language
    for language in (
        Language("kotlin", "kt", _without_dollars, "    Golden({file}, {logit}, {label}),"),
        Language("swift", "swift", _json, "    ({file}, {logit}, {label}),"),
        Language("dart", "dart", _without_dollars, "  ({file}, {logit}, {label}),"),
        Language("javascript", "mjs", _json, "  [{file}, {logit}, {label}],"),
        Language("python", "py", _json, "    ({file}, {logit}, {label}),"),
        Language("cpp", "cc", _json, "    {{{file}, {logit}, {label}}},"),
    )
}


def snippet(folder: Path, language: str, kind: str | None = None) -> str:
    """The source file in `language` for the variant `kind` of the bundle in `folder`, by default as `predict` chooses.

    Raises:
        HemotkError: an unknown language, no readable bundle, one without golden.json, no such variant, or one whose
            input no snippet can feed.
    """
    if language not in LANGUAGES:
        raise HemotkError(f"‹language› {language}: is unknown; choose one of {', '.join(LANGUAGES)}.")
    card, variant, golden = model_and_golden(folder, kind)
    spoken = LANGUAGES[language]
    if variant.input.dtype not in _INPUTS or logit_of(variant).dtype not in _OUTPUTS:
        raise HemotkError(
            f"‹variant› {variant.kind}: takes {variant.input.dtype} and is there to compare with; choose another one."
        )
    template = (files(__package__) / "templates" / f"snippet.{spoken.ending}.in").read_text(encoding="utf-8")
    kept = {variant.input.dtype, _OUTPUTS[logit_of(variant).dtype]}
    text = "\n".join(_kept(template.split("\n"), kept))
    values = _values(card, variant, golden, spoken)
    return _MARK.sub(lambda found: values[found[1]], text)


def model_and_golden(folder: Path, kind: str | None) -> tuple[BundleCard, Variant, GoldenSet]:
    """The card of the bundle in `folder`, its variant `kind` (None: the preferred one) and its golden set, all checked.

    Raises:
        HemotkError: no readable bundle, one without golden.json, no such variant, or a file that is not the recorded
            one.
    """
    card = bundle_card(folder)
    kinds = [variant.kind for variant in card.variants]
    variant = card.variant(kind or min(kinds, key=PREFERRED.index))
    if variant is None:
        raise HemotkError(f"‹variant› {kind}: is not in {folder}; choose one of {', '.join(kinds)}.")
    golden = read_golden(folder)
    check_sha256(folder / variant.file, variant.sha256)
    return card, variant, golden


def said_of(golden: GoldenSet, variant: Variant, folder: Path) -> GoldenModel:
    """What the golden set of the bundle in `folder` has on a variant.

    Raises:
        HemotkError: it has nothing.
    """
    found = golden.model(variant.kind)
    if found is None:
        raise HemotkError(f"{folder}: has no golden outputs of {variant.kind}; export the run again.")
    return found


def _kept(lines: list[str], tags: set[str]) -> Iterator[str]:
    """The lines without a tag, and those of `tags` without it: `%uint8 return pixels`."""
    for line in lines:
        tag, space, rest = line.partition(" ")
        if not line.startswith("%"):
            yield line
        elif space and tag[1:] in tags:
            yield rest


def _values(card: BundleCard, variant: Variant, golden: GoldenSet, spoken: Language) -> dict[str, str]:
    logit, model = logit_of(variant), said_of(golden, variant, Path(card.name))
    entries = [
        spoken.entry.format(
            file=spoken.quote(picture.file), logit=repr(score.logit), label=-1 if score.near else score.label
        )
        for picture, score in zip(golden.pictures, model.scores, strict=True)
    ]
    return {
        "BUNDLE": printable(card.name),
        "MODEL": variant.file,
        "MODEL_LITERAL": spoken.quote(variant.file),
        "SHA256": variant.sha256,
        "SIZE": str(card.preprocess.size),
        "THRESHOLD": repr(card.threshold),
        "TEMPERATURE": repr(card.temperature),
        "NORMAL": spoken.quote(card.labels[0]),
        "POSITIVE": spoken.quote(card.labels[1]),
        "INPUT_NAME": variant.input.name,
        "SCALE": repr(card.preprocess.scale),
        "ZERO": str(card.preprocess.zero_point),
        "OUT_SCALE": repr(logit.scale),
        "OUT_ZERO": str(logit.zero_point),
        "OUTPUT": str(model.output),
        "TOLERANCE": repr(model.tolerance),
        "GOLDEN": "\n".join(entries),
    }

"""Bundles: export them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hemotk.api.common import PathLike, Progress, block, maybe, table, telling
from hemotk.api.runs import Run
from hemotk.errors import HemotkError
from hemotk.files import refuse_existing
from hemotk.quiet import import_tensorflow
from hemotk.store import bundle as store
from hemotk.store import run as store_run
from hemotk.store.cards import run_card

BUNDLES = Path("bundles")
KINDS = ("fp16", "dynamic", "int8", "int16x8")
OUTPUT_TYPES = ("float32", "uint8")
STEPS = ("room", "roundings", "biases", "logit-bias")


@dataclass(frozen=True)
class Bundle(store.StoredBundle):
    """A bundle folder whose files are what its card says: float32 and quantized .tflite, and what an app needs."""

    @property
    def variants(self) -> dict[str, Path]:
        """The .tflite of each kind."""
        return {variant.kind: self.path(variant) for variant in self.card.variants}

    def __repr__(self) -> str:
        return f"<hemotk.Bundle {self.folder}: {', '.join(self.variants)}>"

    def _repr_html_(self) -> str:
        rows = [(each.kind, each.file, f"{each.bytes / 1e6:.2f}") for each in self.card.variants]
        return block(f"Bundle {self.name}", table(("variant", "file", "MB"), rows))


def export(
    run: PathLike | Run,
    *,
    quantize: str | Sequence[str] = ("int8",),
    out: PathLike | None = None,
    data: PathLike | None = None,
    calibration: int = 100,
    author: str = "not stated",
    license: str = "not stated",
    cam: bool = False,
    outputs: str = "float32",
    without: str | Sequence[str] = (),
    auto: bool = False,
    max_accuracy_drop: float | None = None,
    max_score_drift: float | None = None,
    overwrite: bool = False,
    progress: Progress = True,
) -> Bundle:
    """Turn a run into a bundle: float32 and quantized .tflite, labels, card, golden outputs; beside it its test set.

    `quantize` names what is made beside float32: 'int8', 'fp16', 'dynamic', 'int16x8', several of them, or 'none'.
    `calibration` is the most images of the training part that int8 ranges are gathered on. `author` and `license` are
    those of the models, as their metadata says. With `cam` every model also gives its class-activation map. `outputs`
    is what int8 gives: 'float32' or 'uint8'. `without` are steps of int8 and int16x8 to leave out: 'room', 'roundings',
    'biases', 'logit-bias'. With `auto` int8 keeps as many layers in float32 as it takes to stay within
    `max_accuracy_drop` and `max_score_drift` on the validation part.

    Raises:
        HemotkError: a run or images that are missing or changed, or `out` exists and `overwrite` is false.
        CheckFailed: a variant does not do what its float parent does; nothing is written.
    """
    folder = run.folder if isinstance(run, store_run.StoredRun) else Path(run)
    place = BUNDLES / folder.resolve().name if out is None else Path(out)
    asked = (quantize,) if isinstance(quantize, str) else tuple(quantize)
    kinds = tuple(dict.fromkeys(kind for kind in asked if kind != "none"))
    _check_kinds(kinds, auto, {"max_accuracy_drop": max_accuracy_drop, "max_score_drift": max_score_drift})
    left_out = (without,) if isinstance(without, str) else tuple(dict.fromkeys(without))
    _check_choices(outputs, left_out)
    if auto and left_out:
        raise HemotkError(
            f"‹without› {', '.join(left_out)} and ‹auto›: auto takes every step while int8 is good enough, and none "
            "once it keeps layers in float32; leave one of both out."
        )
    for name, value in (("author", author), ("license", license)):
        if not value.strip():
            raise HemotkError(f"‹{name}›: is empty; give a text, or leave the option out.")
    run_card(folder)
    refuse_existing(place, overwrite)  # before the seconds that TensorFlow takes to load
    import_tensorflow()
    from hemotk.exporting.bundle import export_run
    from hemotk.exporting.config import ExportConfig
    from hemotk.exporting.recipe import Recipe
    from hemotk.exporting.selective.sensitivity import Tolerance

    limits = {"accuracy_drop": max_accuracy_drop, "score_drift": max_score_drift}
    given = {name: value for name, value in limits.items() if value is not None}
    config = ExportConfig(
        recipes=tuple(Recipe(kind, outputs=outputs, without=left_out) for kind in kinds),  # type: ignore[arg-type]
        calibration=calibration,
        data=maybe(data),
        author=author,
        license=license,
        cam=cam,
        auto=Tolerance(**given) if auto else None,
    )
    with telling(progress) as tell:
        export_run(folder, place, config, overwrite, tell)
    return Bundle.open(place)


def _check_choices(outputs: str, without: Sequence[str]) -> None:
    if outputs not in OUTPUT_TYPES:
        raise HemotkError(f"‹outputs› {outputs}: is unknown; choose one of {', '.join(OUTPUT_TYPES)}.")
    for step in without:
        if step not in STEPS:
            raise HemotkError(f"‹without› {step}: is no step of int8; choose of {', '.join(STEPS)}.")


def _check_kinds(kinds: Sequence[str], auto: bool, limits: dict[str, float | None]) -> None:
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise HemotkError(f"‹quantize› {', '.join(unknown)}: is unknown; choose of none, {', '.join(KINDS)}.")
    if auto and "int8" not in kinds:
        raise HemotkError("‹auto›: chooses layers of the int8 variant, which is not asked for; add ‹quantize› int8.")
    for name, value in limits.items():
        if value is not None and not auto:
            raise HemotkError(f"‹{name}›: is a limit for ‹auto›; add ‹auto›, or leave it out.")

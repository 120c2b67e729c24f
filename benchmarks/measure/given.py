"""Bare .tflite files, benched on a folder as bundles of one model that is its own parent."""

from pathlib import Path
from typing import TYPE_CHECKING

from hemotk.artifacts import BundleCard, PreprocessSpec, TensorSpec, Variant
from hemotk.artifacts.bundle import LABELS
from hemotk.artifacts.foreign import ForeignOptions
from hemotk.errors import HemotkError
from hemotk.files import sha256_file
from hemotk.store.bundle import StoredBundle

if TYPE_CHECKING:
    from hemotk.tflite.facts import ModelFacts


def is_given(path: Path) -> bool:
    """Whether `path` is a .tflite file instead of a bundle folder."""
    if not path.is_file():
        return False
    # Imported late: most benches are of bundles, and what opens foreign files takes time to load.
    from hemotk.tflite.facts import is_model

    return is_model(path)


def open_given(path: Path, asked: ForeignOptions) -> StoredBundle:
    """The .tflite at `path` as a bundle without a test split: the threshold is 0.5, the temperature 1.

    Raises:
        HemotkError: as `foreign_of`.
    """
    from hemotk.tflite.facts import read_facts
    from hemotk.tflite.foreign import foreign_of

    foreign = foreign_of(path, asked)
    facts = read_facts(path)
    size = facts.inputs[0].shape[1] if foreign is None else foreign.size
    sha256 = sha256_file(path)
    variant = Variant(
        kind="given",
        file=path.name,
        sha256=sha256,
        bytes=path.stat().st_size,
        input=TensorSpec("pixels", "uint8", (1, size, size, 1)),
        outputs=_outputs(facts, one=foreign is not None),
    )
    card = BundleCard(
        name=path.name,
        created="",
        arch="",
        labels=LABELS,
        preprocess=PreprocessSpec(size),
        threshold=0.5,
        temperature=1.0,
        variants=(variant,),
        files={},
        parents={},
        testset="",
        recipe={},
        calibration=(),
        metrics={},
        versions={},
        seconds=0.0,
    )
    return StoredBundle(path.name, path.parent, card, sha256, foreign=foreign, is_file=True)


def check_given(paths: tuple[Path, ...], asked: ForeignOptions, *, images: bool) -> None:
    """Refuse what bare files cannot be benched with, and words about files where there are none.

    Raises:
        HemotkError: there is no folder of images, or nothing that the words are about.
    """
    given = [path for path in paths if is_given(path)]
    if given and not images:
        raise HemotkError(
            f"{', '.join(map(str, given))}: without a bundle a .tflite has no test split; name a folder of labelled "
            "pictures with ‹images›, or the bundle that `hemotk export` made."
        )
    if asked.anything and not given:
        raise HemotkError(
            "‹normalization›, ‹output› and ‹positive_class›: are for bare .tflite files, and bundles say these "
            "themselves; leave them out."
        )


def _outputs(facts: "ModelFacts", *, one: bool) -> tuple[TensorSpec, ...]:
    """`probability` and `logit` with the steps that they come in; of a foreign model both are of one output."""
    steps = {output.name: output.scale for output in facts.outputs}
    if one:
        (step,) = steps.values()
        steps = {"probability": step, "logit": 4 * step}
    return tuple(TensorSpec(name, "float32", (1,), steps[name]) for name in ("probability", "logit"))

"""Hypothesis strategies for every kind of artefact, made from the fields' types and what the fields must hold."""

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from hemotk.artifacts import (
    HERE,
    AppOutputs,
    AppPicture,
    Artifact,
    AuditPair,
    AuditReport,
    BenchedBundle,
    BenchReport,
    BundleCard,
    Calibrated,
    CalibrationManifest,
    ComparedOutputs,
    Device,
    DeviceBench,
    DeviceImage,
    DeviceModel,
    DrawnCheck,
    Estimate,
    GoldenInput,
    GoldenModel,
    GoldenPicture,
    GoldenScore,
    GoldenSet,
    GroupMetrics,
    ImageScores,
    Latency,
    Learned,
    Metrics,
    NamelessTestSet,
    Paired,
    PreprocessSpec,
    ProbeResult,
    RowSource,
    RunCard,
    RuntimeSpread,
    SameModel,
    SeriesPoint,
    SiteCard,
    SliceLevel,
    SplitGroup,
    SplitItem,
    SplitManifest,
    Stratum,
    TensorSpec,
    TestItem,
    TestSetCard,
    TriedAccelerator,
    Variant,
    VariantResult,
    Verdict,
)
from hemotk.artifacts.baseline import BaselineRow
from hemotk.models.shape import ApplicationShape, CnnShape, DenseNetShape, LayerShape

SHARES = st.floats(0.01, 0.99)
POSITIVE = st.integers(1, 10**6)
NAMES = st.text("abcäß-_ 0", min_size=1, max_size=8).map(lambda name: name + ".x")
SHA = st.text("0123456789abcdef", min_size=64, max_size=64)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a field of type `kind`."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind in SCALARS:
        return SCALARS[kind]
    if origin is typing.Literal:
        return st.sampled_from(args)
    if origin in (types.UnionType, typing.Union):
        return st.one_of([st.none() if arg is type(None) else values(arg) for arg in args])
    if origin is tuple and args[-1] is Ellipsis:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, args))
    if origin is Mapping:
        return st.dictionaries(values(args[0]), values(args[1]), max_size=2)
    return built(kind)


SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    Any: JSON,
    str: st.text(max_size=5),
    int: st.integers(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
}


def built(kind: Any, /, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Instances of the dataclass `kind`; `fields` overrule what RULES says."""
    fields = {**RULES.get(kind, {}), **fields}
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]
    drawn = {name: fields[name] if name in fields else values(hints[name]) for name in names}
    return st.builds(kind, **drawn)


@st.composite
def splits(draw: st.DrawFn) -> SplitManifest:
    """A manifest in which images are groups of their own, but for the last; with checksums or not; a fold or none."""
    parts = [
        "train",
        "validation",
        "test",
        *draw(st.lists(st.sampled_from(("train", "validation", "test")), max_size=3)),
    ]
    checked = draw(st.booleans())
    items = tuple(
        SplitItem(
            f"{i}/ä.png",
            f"{i:064x}" if checked else None,
            draw(st.integers(0, 1)),
            f"patient {i}",
            typing.cast(Any, part),
        )
        for i, part in enumerate(parts)
    )
    twin = SplitItem("twin.png", "f" * 64 if checked else None, 1, "patient 0", "train")
    group = draw(built(SplitGroup, name=st.just("patient 0"), images=st.just(2)))
    fold, folds = draw(st.sampled_from(((None, None), (2, 3))))
    groups = draw(st.sampled_from(((), (group,))))
    grouping = draw(st.sampled_from(("auto", "patient", "none") if checked else ("patient", "none")))
    rest = {"items": (*items, twin), "grouping": grouping, "groups": groups, "fold": fold, "folds": folds}
    return draw(built(SplitManifest, **{name: st.just(value) for name, value in rest.items()}))


@st.composite
def densenets(draw: st.DrawFn) -> DenseNetShape:
    """Any widths, one transition less than blocks, gray normalization complete or absent."""
    blocks = draw(st.lists(st.lists(built(LayerShape), min_size=1, max_size=2).map(tuple), min_size=1, max_size=3))
    between = draw(st.lists(POSITIVE, min_size=len(blocks) - 1, max_size=len(blocks) - 1))
    triple = st.tuples(*[st.floats(0.1, 1.0)] * 3)
    mean, std = draw(st.one_of(st.just((None, None)), st.tuples(triple, triple)))
    return draw(
        built(
            DenseNetShape,
            blocks=st.just(tuple(blocks)),
            transitions=st.just(tuple(between)),
            gray_mean=st.just(mean),
            gray_std=st.just(std),
        )
    )


VARIANT_OUTPUTS = st.tuples(st.just("probability"), st.just("logit")).map(
    lambda names: tuple(TensorSpec(name, "uint8", (1, 1), 0.5, 3) for name in names)
)

RULES: dict[Any, dict[str, st.SearchStrategy[Any]]] = {
    Estimate: {
        "value": st.none() | st.just(0.5),
        "low": st.none() | st.floats(0, 0.5),
        "high": st.none() | st.floats(0.5, 1),
    },
    Metrics: {"count": st.just(9), "positives": st.integers(0, 9)},
    GroupMetrics: {
        "groups": st.just(9),
        **dict.fromkeys(("with_positive", "with_negative"), st.none() | st.integers(0, 9)),
    },
    PreprocessSpec: {
        "size": st.integers(16, 1024),
        "scale": st.floats(1e-6, 10),
        "zero_point": st.integers(0, 255),
        "window_level": st.floats(-1000, 1000),
        "window_width": st.floats(1, 4000),
        "hu_offset": st.none() | st.integers(-100_000, 100_000),
    },
    SplitGroup: {"reasons": st.permutations(("patient", "exact", "near")).map(lambda names: tuple(names[:2]))},
    SplitManifest: {"test": SHARES, "validation": SHARES},
    RunCard: {
        "name": NAMES,
        "threshold": SHARES,
        "temperature": st.floats(0.25, 8),
        "files": st.just({"shape.json": "1", "weights.npz": "2", "split.json": "3"}),
    },
    SeriesPoint: {"k": POSITIVE, "threshold": SHARES},
    TensorSpec: {"shape": st.lists(POSITIVE, max_size=4).map(tuple)},
    Variant: {"file": NAMES, "outputs": VARIANT_OUTPUTS},
    BundleCard: {
        "threshold": SHARES,
        "temperature": st.floats(0.25, 8),
        "variants": st.deferred(lambda: built(Variant, kind=st.just("float32")).map(lambda one: (one,))),
        "files": st.dictionaries(NAMES, SHA, max_size=2),
    },
    Calibrated: {
        "images": st.integers(2, 9),
        "positives": st.integers(0, 2),
        "sha256": st.sets(SHA, max_size=2).map(lambda found: tuple(sorted(found))),
    },
    RuntimeSpread: {
        "ways": st.just(("ai-edge-litert, 1 thread", "ai-edge-litert, 4 threads")),
        "logit": st.floats(0, 0.1),
        "tolerance": st.floats(0.1, 1),
    },
    TestSetCard: {"items": st.lists(st.deferred(lambda: built(TestItem)), min_size=1, max_size=3).map(tuple)},
    LayerShape: {"bottleneck": POSITIVE, "growth": POSITIVE},
    DenseNetShape: {
        "stem": POSITIVE,
        "hidden": st.lists(POSITIVE, max_size=2).map(tuple),
        "bn_epsilon": st.floats(1e-9, 1e-2),
    },
    ApplicationShape: {
        "size": st.integers(32, 512),
        "operations": POSITIVE,
        "table": st.lists(POSITIVE, min_size=1, max_size=4).map(
            lambda gamma: {"gamma": tuple(gamma), "logit/bias": (1,)}
        ),
    },
    CnnShape: {
        "filters": st.lists(POSITIVE, min_size=1, max_size=3).map(tuple),
        "hidden": POSITIVE,
        "size": st.integers(16, 512),
    },
    Latency: {"rounds_ns": st.lists(st.lists(POSITIVE, min_size=1, max_size=2).map(tuple), min_size=1).map(tuple)},
    Device: {
        "maker": NAMES,
        "model": NAMES,
        "cores": POSITIVE,
        **dict.fromkeys(("thermal_before", "thermal_after"), st.none() | st.integers(0, 6)),
    },
    DeviceImage: {"input_sha256": SHA, "logit": st.just("0a"), "probability": st.sampled_from(["ff00", "0000803f"])},
    DeviceModel: {
        "sha256": SHA,
        "load_ns": st.none() | POSITIVE,
        "first_ns": st.none() | POSITIVE,
        "warmup_ns": st.lists(POSITIVE, max_size=2).map(tuple),
        "rounds_ns": st.lists(st.lists(POSITIVE, max_size=2).map(tuple), max_size=2).map(tuple),
        "images": st.deferred(lambda: built(DeviceImage)).map(lambda one: (one,)),
    },
    DeviceBench: {
        "threads": POSITIVE,
        "models": st.deferred(lambda: built(DeviceModel)).map(lambda one: (one,)),
        "accelerators": st.none() | st.deferred(lambda: built(TriedAccelerator)).map(lambda one: (one,)),
    },
    TriedAccelerator: {"delegate": NAMES},
    DrawnCheck: {"images": st.just(5)},
    BaselineRow: {"images": st.just(5)},
    SameModel: {"images": st.just(5), "identical": st.integers(0, 5)},
    SliceLevel: {"brain_images": st.just(5), "brain_positives": st.integers(0, 5)},
    Stratum: {"images": st.just(5), "positives": st.integers(0, 5)},
    Verdict: {"passed": st.just(True), "outcome": st.sampled_from([None, "holds", "cannot tell"])},
    VariantResult: {
        "bundle": st.just("b"),
        "source": st.just(HERE),
        "file": NAMES,
        "scores": st.none() | st.just(ImageScores((), (), ())),
        "paired": st.none() | st.deferred(lambda: built(Paired)),
    },
    BenchReport: {
        "bundles": st.deferred(lambda: built(BenchedBundle, name=st.just("b"))).map(lambda one: (one,)),
        "sources": st.deferred(lambda: built(RowSource, name=st.just(HERE))).map(lambda one: (one,)),
        "images": st.just(()),
        "variants": st.deferred(lambda: built(VariantResult, kind=st.just("float32")).map(lambda one: (one,))),
        "verdicts": st.lists(st.deferred(lambda: built(Verdict)), max_size=2).map(tuple),
        "passed": st.just(True),
    },
}

RULES[GoldenPicture] = {"width": POSITIVE, "height": POSITIVE, "outputs": st.just({"logit": "0f"})}
RULES[SiteCard] = {
    "threshold": st.just(0.5),
    "tolerance": st.just(1e-4),
    "test_images": st.integers(0, 9),
    "probabilities": st.sampled_from(((), (0.25,) * 256)),
    "golden": st.deferred(lambda: built(GoldenPicture)).map(lambda one: (one,)),
}
RULES[AppPicture] = {
    "label": st.none() | st.integers(0, 1),
    **dict.fromkeys(("gray_sha256", "pixels_sha256", "tensor_sha256"), st.none()),
}
RULES[AppOutputs] = {"pictures": st.deferred(lambda: built(AppPicture)).map(lambda one: (one,))}
RULES[GoldenInput] = {"file": NAMES, "input": NAMES, "width": POSITIVE, "height": POSITIVE}
RULES[GoldenScore] = {"label": st.integers(0, 1), "probability": SHARES}
RULES[GoldenModel] = {
    "output": st.integers(0, 2),
    "tolerance": st.floats(1e-6, 1),
    "scores": st.deferred(lambda: built(GoldenScore)).map(lambda one: (one,)),
}
RULES[GoldenSet] = {"pictures": st.deferred(lambda: built(GoldenInput)).map(lambda one: (one,))}
RULES[SliceLevel] = {"brain_images": st.just(9), "brain_positives": st.integers(0, 9)}
RULES[AuditPair] = {"first": st.just("a.png"), "second": st.just("ä.png"), "similarity": st.floats(0, 1)}
RULES[ProbeResult] = dict.fromkeys(("p", "adjusted"), st.none() | st.floats(0, 1))
RULES[AuditReport] = {
    "counts": st.just((3, 4)),
    "kinds": st.just({"PNG L": 5, "JPEG RGB": 2}),
    "groups": st.sampled_from(((), (("a.png", "ä.png"), ("b.png", "c.png", "d.png")))),
}

ARTIFACTS: dict[type[Artifact], st.SearchStrategy[Artifact]] = {
    AuditReport: built(AuditReport),
    SplitManifest: splits(),
    RunCard: built(RunCard),
    Learned: built(Learned),
    BundleCard: built(BundleCard, calibrated=st.none()) | built(BundleCard, calibration=st.just(())),
    CalibrationManifest: built(CalibrationManifest),
    TestSetCard: built(TestSetCard),
    NamelessTestSet: built(NamelessTestSet),
    GoldenSet: built(GoldenSet),
    AppOutputs: built(AppOutputs),
    ComparedOutputs: built(ComparedOutputs),
    BenchReport: built(BenchReport),
    DeviceBench: built(DeviceBench),
    SiteCard: built(SiteCard),
    DenseNetShape: densenets(),
    CnnShape: built(CnnShape),
    ApplicationShape: built(ApplicationShape),
}

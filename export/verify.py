"""Checks of finished .tflite files before they are published: form, operators, placement, agreement with the parent."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hemotk.artifacts import PreprocessSpec, require
from hemotk.errors import CheckFailed
from hemotk.exporting.tflite.flatbuffer import operators, specs
from hemotk.stats.metrics import calibrated, decide
from hemotk.tflite.placement import Placement, placement
from hemotk.tflite.runtime import Runtime, find_runtime
from hemotk.tflite.scorer import Scorer

Scores = npt.NDArray[np.float64]

PARENT = "float32"
INPUT_DTYPES = {"float32": "float32", "fp16": "float32", "dynamic": "float32", "int8": "uint8", "int16x8": "int16"}
# The types that the outputs may have, all the same one; other kinds give what they take.
OUTPUT_DTYPES = {"int8": ("float32", "uint8")}
KNOWN = frozenset(
    {
        "ADD",
        "CONCATENATION",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "DEQUANTIZE",
        "FULLY_CONNECTED",
        "HARD_SWISH",
        "LOGISTIC",
        "MAXIMUM",
        "MAX_POOL_2D",
        "MEAN",
        "MUL",
        "PAD",
        "QUANTIZE",
        "RELU",
        "RESHAPE",
        "STRIDED_SLICE",
        "TRANSPOSE",
    }
)
# What XNNPACK may leave to the interpreter, by kind; None: anything.
OUTSIDE: Mapping[str, frozenset[str] | None] = {
    "float32": frozenset(),
    "fp16": frozenset({"DEQUANTIZE"}),
    "dynamic": frozenset({"CONV_2D", "FULLY_CONNECTED"}),
    "int8": frozenset({"MAXIMUM", "QUANTIZE"}),
    "int16x8": None,
}
XNNPACK_RUNTIME = "ai_edge_litert"
# What the gate of a bench refuses unless told otherwise. An export says it and goes on: LiteRT's own quantizer, which
# networks other than DenseNets go through, moves single pictures further.
FAR = 0.1
SHIFT = 0.02
# Few validation images near the threshold prove nothing.
FREE_FLIPS = 2


@dataclass(frozen=True)
class Limits:
    """How far a variant may be from its float32 parent on the validation part; all are fractions.

    `drift` is the mean |Δ probability|, `flips` the share of images with another decision, of which
    `FREE_FLIPS` are always allowed.
    """

    drift: float = 0.05
    flips: float = 0.1

    def __post_init__(self) -> None:
        require(0 < self.drift <= 1, "drift", "a fraction above 0")
        require(0 <= self.flips <= 1, "flips", "a fraction")


@dataclass(frozen=True)
class Decision:
    """How a logit becomes a decision."""

    threshold: float
    temperature: float


@dataclass(frozen=True)
class Agreement:
    """How a variant's scores on `count` validation images compare with its parent's.

    `drift` is the mean and `worst` the greatest |Δ probability| after temperature scaling, `flips` counts decisions
    that differ; `sqnr` is 10 · log10 of the variance of the parent's logits over the mean squared error, in dB, None
    where nothing differs. `bias` and `sd` are mean and standard deviation of the logit's error, `shift` is the size of
    the mean as a share of the standard deviation of the parent's logits, 0 where these do not differ.
    """

    count: int
    drift: float
    worst: float
    flips: int
    sqnr: float | None
    bias: float = 0.0
    sd: float = 0.0
    shift: float = 0.0


@dataclass(frozen=True)
class Check:
    """What was found about one variant."""

    kind: str
    operators: Mapping[str, int]
    placement: Placement | None
    agreement: Agreement


class Verifier:
    """Checks variants against their float32 parent on validation images, given one by one.

    Raises:
        CheckFailed: from `finish`, naming the variant and what is wrong with it.
    """

    def __init__(
        self, models: Mapping[str, bytes], spec: PreprocessSpec, limits: Limits, runtime: Runtime | None = None
    ) -> None:
        self._models = models
        self._spec = spec
        self._limits = limits
        self._runtime = find_runtime() if runtime is None else runtime
        self._scores: dict[str, list[float]] = {kind: [] for kind in models}
        for kind, content in models.items():
            check_form(kind, content, spec)
        self._scorers = {kind: Scorer(content, spec, runtime=self._runtime) for kind, content in models.items()}

    def add(self, image: npt.NDArray[np.uint8]) -> None:
        """Score one more image, uint8 [size, size]."""
        for kind, scorer in self._scorers.items():
            self._scores[kind].append(scorer.score(image).logit)

    def finish(self, decision: Decision) -> tuple[Check, ...]:
        """What was found, one check per variant, the parent first.

        Raises:
            CheckFailed: a variant does not hold.
        """
        parent = np.array(self._scores[PARENT])
        checks = []
        for kind, content in self._models.items():
            found = placement(content, self._runtime)
            check_placement(kind, found, self._runtime.name)
            logits = np.array(self._scores[kind])
            check_varies(kind, logits, parent)
            counts = Counter(operator.name for operator in operators(content))
            check = Check(kind, dict(counts.most_common()), found, compare(logits, parent, decision))
            check_agreement(check, self._limits)
            checks.append(check)
        return tuple(checks)


def check_form(kind: str, content: bytes, spec: PreprocessSpec) -> None:
    """Check types, static shapes, the input's bytes, and that every operator is known.

    Raises:
        CheckFailed: something is not of the pixel contract.
    """
    pixels, outputs = specs(content)
    expected = INPUT_DTYPES[kind]
    if pixels.dtype != expected:
        raise _failed(kind, f"the input is {pixels.dtype} instead of {expected}")
    dtypes, likely = {output.dtype for output in outputs.values()}, OUTPUT_DTYPES.get(kind, (expected,))
    if len(dtypes) > 1 or not dtypes <= {*likely}:
        raise _failed(kind, f"the outputs are {', '.join(sorted(dtypes))} instead of {' or '.join(likely)}")
    if pixels.shape != (1, spec.size, spec.size, 1):
        raise _failed(kind, f"the input has shape {list(pixels.shape)} instead of [1, {spec.size}, {spec.size}, 1]")
    exact = pixels.zero_point == spec.zero_point and abs(pixels.scale / spec.scale - 1) < 1e-6
    if kind == "int8" and not exact:
        raise _failed(kind, f"the input has scale {pixels.scale} and zero point {pixels.zero_point}, so it is no pixel")
    unknown = {operator.name for operator in operators(content)} - KNOWN
    if unknown:
        raise _failed(kind, f"it has operators that are not known here: {', '.join(sorted(unknown))}")


def check_placement(kind: str, found: Placement | None, runtime: str) -> None:
    """Check that XNNPACK leaves to the interpreter only what it may; other runtimes leave what they like.

    Raises:
        CheckFailed: some operator was left out that should not be.
    """
    allowed = OUTSIDE[kind]
    if found is None or allowed is None or runtime != XNNPACK_RUNTIME:
        return
    left = {name: count for name, count in found.outside.items() if name not in allowed}
    if left:
        named = ", ".join(f"{count} {name}" for name, count in sorted(left.items()))
        raise _failed(kind, f"XNNPACK leaves {named} to the interpreter, which is slow")


def check_varies(kind: str, logits: Scores, parent: Scores) -> None:
    """Check that the output is finite, not constant, and not stuck at an end of its range.

    Raises:
        CheckFailed: it is, and the parent's is not.
    """
    if not np.isfinite(logits).all():
        raise _failed(kind, "its logits are not finite")
    if np.ptp(parent) > 0 and np.ptp(logits) == 0:
        raise _failed(kind, f"its logit is {logits[0]:.4g} whatever the picture")
    for end in (logits.min(), logits.max()):
        stuck = (logits == end).mean()
        if len(logits) >= 4 and stuck > 0.5 and np.unique(parent).size > len(parent) / 2:
            raise _failed(kind, f"its logit is {end:.4g} for {stuck:.0%} of the pictures: it is saturated")


def compare(logits: Scores, parent: Scores, decision: Decision) -> Agreement:
    """Measure scores against the parent's."""
    pair = (logits, parent)
    ours, theirs = (calibrated(scores, decision.temperature) for scores in pair)
    called, expected = (decide(scores, decision.threshold, decision.temperature) for scores in pair)
    difference, variance = logits - parent, float(parent.var())
    error = float(np.mean(difference**2))
    return Agreement(
        count=len(logits),
        drift=float(np.abs(ours - theirs).mean()),
        worst=float(np.abs(ours - theirs).max()),
        flips=int((called != expected).sum()),
        sqnr=10 * math.log10(variance / error) if error > 0 and variance > 0 else None,
        bias=float(difference.mean()),
        sd=float(difference.std()),
        shift=abs(float(difference.mean())) / math.sqrt(variance) if variance > 0 else 0.0,
    )


def check_agreement(check: Check, limits: Limits) -> None:
    """Check drift and flips against the limits.

    Raises:
        CheckFailed: they are beyond.
    """
    found = check.agreement
    if found.drift > limits.drift:
        raise _failed(
            check.kind,
            f"its probabilities differ from the float parent's by {found.drift:.3f} on average over {found.count} "
            f"validation images, at most {limits.drift:.3f} is allowed",
        )
    allowed = max(FREE_FLIPS, int(limits.flips * found.count))
    if found.flips > allowed:
        raise _failed(
            check.kind,
            f"{found.flips} of {found.count} validation images are decided otherwise than by the float parent, "
            f"at most {allowed} may be",
        )


def remarks(drifts: Mapping[str, float], shifts: Mapping[str, float] | None = None) -> Iterator[str]:
    """Name each kind that a bench may fail: the greatest |Δ probability| above `FAR`, or the shift above `SHIFT`."""
    for kind, shift in (shifts or {}).items():
        if shift > SHIFT:
            yield (
                f"{kind}: its logits are shifted by {shift:.3f} of the float parent's standard deviation on the "
                f"validation images, and a bench fails it from {SHIFT:g} on unless told otherwise"
            )
    for kind, worst in drifts.items():
        if worst > FAR:
            yield (
                f"{kind}: the probability of a validation image differs from the float parent's by {worst:.3f}, and a "
                f"bench fails it from {FAR:g} on unless told otherwise: look at that before you use it"
            )


def _failed(kind: str, reason: str) -> CheckFailed:
    return CheckFailed(f"export check of {kind}: {reason}; nothing was published, export with other ‹quantize› kinds.")

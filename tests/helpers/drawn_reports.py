"""Draws whole bench reports with figures that fit together; seeded."""

import dataclasses
import functools

import numpy as np

from hemotk.artifacts import (
    HERE,
    BenchedBundle,
    BenchReport,
    Estimate,
    ImageRef,
    Latency,
    OperatorTime,
    Profile,
    RowSource,
    SameModel,
    VariantResult,
    Verdict,
)
from hemotk.benchmarks.judge.accuracy import RowJudge
from hemotk.tflite.scorer import Scores

THRESHOLD = 0.4
HOSTILE = "class1/<script>alert('1')</script>&\"|`*_]]>\x00\x1b\udcff\u202e.png"


def images(count=24, labelled=True, first_id="class0/0.png"):
    found = [ImageRef(f"class{index % 2}/{index}.png", index % 2 if labelled else None) for index in range(count)]
    return (dataclasses.replace(found[0], id=first_id), *found[1:])


def logits(count, noise, seed=0):
    drawn = np.random.default_rng(seed).normal(0, 2, count) + 2.5 * (np.arange(count) % 2)
    return drawn + noise * np.random.default_rng(seed + 1).normal(0, 1, count)


def row(kind, refs, *, noise=0.0, bundle="first", source=HERE, seed=0, **changes):
    """One row scored with the float parent's logits plus noise."""
    judge = RowJudge(refs, THRESHOLD, 1.0)
    ours, theirs = (
        judge.judged([Scores(float(x), float(1 / (1 + np.exp(-x)))) for x in logits(len(refs), amount, seed)])
        for amount in (noise, 0.0)
    )
    base = 10_000_000 if kind == "int8" else 70_000_000
    rounds = tuple(
        tuple(int(base * (1 + 0.01 * abs(x))) for x in np.random.default_rng(turn).normal(0, 1, 8)) for turn in range(5)
    )
    times = np.concatenate(rounds)
    p50_ns, p90_ns, p99_ns = (float(np.quantile(times, share)) for share in (0.5, 0.9, 0.99))
    latency = Latency(
        5_000_000,
        2 * base,
        (base,),
        rounds,
        p50_ns,
        p90_ns,
        p99_ns,
        Estimate(base / 70_000_000, base / 70_000_000 - 0.01, base / 70_000_000 + 0.01),
    )
    found = VariantResult(
        bundle=bundle,
        source=source,
        kind=kind,
        file=f"model_{kind}.tflite",
        sha256="ab" * 32,
        bytes=18_687_576 if kind == "int8" else 72_074_792,
        scores=ours.scores(),
        metrics=judge.metrics(ours),
        calibration=judge.calibration(ours),
        paired=None if kind == "float32" else judge.paired(ours, theirs),
        latency=latency,
        peak_memory_bytes=98_100_000,
        base_memory_bytes=42_900_000,
    )
    return dataclasses.replace(found, **changes)


def report(*rows, refs, verdicts=(), **changes):
    names = dict.fromkeys(item.bundle for item in rows)
    sources = dict.fromkeys((HERE, *(item.source for item in rows)))
    plain = BenchReport(
        created="2026-01-01T00:00:00+00:00",
        command="hemotk bench bundles/first --html bench.html",
        bundles=tuple(
            BenchedBundle(name, f"bundles/{name}", "0" * 64, "1" * 64, 32, ("normal", "hemorrhage"), THRESHOLD, 1.0)
            for name in names
        ),
        sources=tuple(
            RowSource(name, {"runtime": "ai_edge_litert", "runtime_version": "9.9", "versions": {"numpy": "2.0"}})
            for name in sources
        ),
        folder="",
        images=refs,
        skipped=(),
        settings={"threads": 1, "limits": {"flips": None, "latency_ratio": 1.1}},
        warnings=(),
        notes=(),
        variants=rows,
        verdicts=verdicts,
        passed=all(verdict.passed for verdict in verdicts),
        conclusion="What 24 test images can show: not much.",
        seconds=12.3,
    )
    return dataclasses.replace(plain, **changes)


def verdict(passed=True, kind="int8", bundle="first", source=HERE):
    sentence = f"{kind}: latency ratio {0.143 if passed else 1.5}, at most 1.1 allowed"
    return Verdict("latency ratio", bundle, source, kind, 0.143 if passed else 1.5, 1.1, passed, sentence)


@functools.cache
def usual():
    """float32 and a noisy int8 with flips, one check of two failed, a profile, a warning."""
    refs = images()
    profile = Profile("LiteRT's profiler", 10, (OperatorTime("CONV_2D", 200, 8_000_000.0, 0.8),))
    return report(
        row("float32", refs),
        row("int8", refs, noise=2.0, profile=profile),
        refs=refs,
        verdicts=(verdict(), verdict(passed=False)),
        warnings=("it was busy",),
        notes=("a note",),
    )


@functools.cache
def everywhere():
    """Two bundles and a device."""
    refs = images()
    same = SameModel(24, 24, (), 0.0)
    old = [
        row(kind, refs, noise=noise, bundle="old", seed=3, paired_first=row("int8", refs, noise=2.0).paired)
        for kind, noise in (("float32", 0.0), ("int8", 0.5))
    ]
    device = row("int8", refs, noise=0.3, source="Maker Phone", same_model=same, peak_memory_bytes=None)
    rows = (row("float32", refs), row("int8", refs, noise=0.3), *old, device)
    return report(*rows, refs=refs, verdicts=(verdict(), verdict(source="Maker Phone"), verdict(bundle="old")))

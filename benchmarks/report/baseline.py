"""What a report says of the earlier one that it was held against."""

from collections.abc import Iterator

from hemotk.artifacts import BenchReport


def baseline_lines(report: BenchReport) -> Iterator[str]:
    """What the baseline says, a sentence each: sizes, times and AUC of then, and notes."""
    base = report.baseline
    if base is None:
        return
    yield f"Baseline of {base.created} (SHA-256 {base.sha256[:12]})"
    for found in base.rows:
        row = report.variant(found.kind, found.bundle)
        if row is None:
            continue
        words = ["the same file"] if found.same_file else [f"{row.bytes / 1e6:.2f} MB, then {found.bytes / 1e6:.2f}"]
        if found.median_ns is not None and row.latency is not None:
            words.append(
                f"median {row.latency.p50_ns / 1e6:.3g} ms, then {found.median_ns / 1e6:.3g} (not measured in turns)"
            )
        if found.paired.auc_difference.value is not None:
            words.append(f"AUC {found.paired.auc_difference.value:+.3f} on the same images")
        words.append(f"{len(found.paired.flips)} of {found.images} decisions differ")
        yield f"{report.name_of(row)}: {', '.join(words)}"
    for note in base.notes:
        yield f"baseline: {note}"

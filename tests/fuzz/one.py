"""Fuzzes one target in this process until the time is over or something is found: `one.py TARGET FOLDER LIBFUZZER…`."""

import os
import resource
import sys
import tempfile
from pathlib import Path

import atheris

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

with atheris.instrument_imports(include=["hemotk", "pydicom"]):
    from targets import TARGETS, check, forked

    from hemotk import probing

MOST_KB = 1_000_000  # that reading one file may add to the process, as Linux counts its peak


def main() -> None:
    """Begin with the target's seeds and whatever an earlier run has kept in FOLDER."""
    probing.try_reader = forked
    target, corpus = TARGETS[sys.argv[1]], Path(sys.argv[2])
    corpus.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        for number, seed in enumerate(target.seeds(Path(name))):
            (corpus / f"seed-{number}").write_bytes(seed)
    with tempfile.TemporaryDirectory() as name:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

        def once(data: bytes) -> None:
            check(target, data, Path(name))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert peak - before < MOST_KB, f"took {peak - before} KB more than at the beginning"

        atheris.Setup([sys.argv[0], *sys.argv[3:], str(corpus)], once)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

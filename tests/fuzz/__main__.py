"""Coverage-guided fuzzing of everything that reads files: `python tests/fuzz [--seconds 60] [TARGET …]`.

Each target runs in a process of its own, from the same seed. What is promised: no exception but a HemotkError, no input
that takes 10 s, no gigabyte. An input that breaks this is kept in build/fuzz/TARGET/ and named.
"""

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = Path("build/fuzz")
SLOWEST, LARGEST = 10, 1024  # seconds, megabytes


def main() -> int:
    """Run the targets one after the other; 1 if one of them broke."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="in all, for the targets together")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("targets", nargs="*")
    given, rest = parser.parse_known_args()
    if given.child:
        return fuzz(given.child, rest)
    if importlib.util.find_spec("atheris") is None:
        version = ".".join(map(str, sys.version_info[:2]))
        print(f"atheris is not installed, or has no wheel for Python {version}: nothing is fuzzed")
        return 0
    sys.path.insert(0, str(HERE))
    from targets import TARGETS

    names = given.targets or list(TARGETS)
    return max(one(name, max(given.seconds // len(names), 1)) for name in names)


def one(name: str, seconds: int) -> int:
    """Fuzz one target in a process of its own for so long."""
    corpus = BUILD / name
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={seconds}", f"-timeout={SLOWEST}", f"-rss_limit_mb={LARGEST}"]
    options = [
        *limits,
        "-seed=1",
        "-max_len=65536",
        f"-artifact_prefix={corpus}/broken-",
        "-verbosity=0",
        "-print_final_stats=1",
    ]
    command = [sys.executable, str(HERE), "--child", name, *options, str(corpus)]
    found = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    wanted = ("stat::number_of_executed_units", "stat::new_units_added", "stat::peak_rss_mb")
    figures = [line.split()[-1] for word in wanted for line in found.stdout.splitlines() if line.startswith(word)]
    if found.returncode == 0:
        inputs, paths, megabytes = figures
        print(f"{name:10} {seconds:5} s: {inputs} inputs, {paths} new paths, {megabytes} MB at most, nothing broke")
        return 0
    print(found.stdout[-6000:])
    print(f"{name}: broke; the input is in {corpus}/")
    return 1


def fuzz(name: str, options: list[str]) -> int:
    """The fuzzer's process; ends inside of libFuzzer."""
    import atheris

    sys.path.insert(0, str(HERE))
    with atheris.instrument_imports(include=["hemotk", "pydicom"]):
        from targets import TARGETS
    from seeds import SEEDS

    from hemotk.errors import HemotkError

    for place, seed in enumerate(SEEDS[name]()):
        (BUILD / name / f"seed{place}").write_bytes(seed)
    run = TARGETS[name][1]

    def test(data: bytes) -> None:
        try:
            run(data)
        except HemotkError as error:
            if not str(error).strip():
                raise AssertionError("a refusal without a sentence") from error

    atheris.Setup([sys.argv[0], *options], test)
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""What `import hemotk` offers, and what it costs."""

import subprocess
import sys

import pytest

import hemotk

PUBLIC = """
AndroidApp Audit Bundle CheckFailed Classifier ComparedRuns CrossValidation HemotkError Info Plan Prediction
Predictions Report Review Run RunStrata Runs Split Sweep UnreadablePicture Verification WebPage __version__
android_app audit bench card compare_runs cross_validate draw_phantoms export folds import_model info load merge plan
prune prune_magnitude prune_sweep read_patients review runs snippet split strata train verify web_page
"""


def test_the_public_names_are_these() -> None:
    assert sorted(hemotk.__all__) == sorted(PUBLIC.split())
    assert set(hemotk.__all__) <= set(dir(hemotk))


@pytest.mark.parametrize("name", sorted(set(PUBLIC.split()) - {"__version__"}))
def test_every_name_is_there_and_is_described(name: str) -> None:
    found = getattr(hemotk, name)
    assert found.__name__ == name and found.__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'splits'"):
        _ = hemotk.splits


def test_a_name_is_not_hidden_by_a_package_of_the_same_name() -> None:
    code = (
        "import hemotk, hemotk.exporting.bundle, hemotk.benchmarks.bench, hemotk.data.split.make; "
        "print(all(map(callable, (hemotk.export, hemotk.bench, hemotk.split, hemotk.train))))"
    )
    assert python(code) == "True"


def test_the_import_takes_a_moment_and_loads_nothing() -> None:
    # The least of several, and processor time rather than time on the wall: other work on the machine hardly shows.
    code = (
        "import sys, time; start = time.process_time(); import hemotk; took = time.process_time() - start; "
        "print(took, sorted({'numpy', 'PIL', 'click', 'tensorflow', 'tf_keras'} & set(sys.modules)))"
    )
    said = [python(code).split(maxsplit=1) for _ in range(5)]
    assert {loaded for _, loaded in said} == {"[]"}
    assert min(float(took) for took, _ in said) < 0.05


def test_data_and_scoring_load_no_tensorflow() -> None:
    code = (
        "import sys, hemotk; hemotk.split, hemotk.audit, hemotk.load, hemotk.bench, hemotk.export, hemotk.train; "
        "print(sorted({'tensorflow', 'tf_keras', 'h5py'} & set(sys.modules)))"
    )
    assert python(code) == "[]"


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.strip()

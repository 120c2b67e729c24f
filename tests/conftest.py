"""What every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings
from longest_files import LONGEST

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")
# Tests run beside each other, one for each processor: threads of linear algebra would wait for each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Fixtures that more than one room of the tests uses.
pytest_plugins = ("bundle_fixtures", "command_fixtures")

settings.register_profile("hemotk", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("hemotk")


def pytest_configure(config: pytest.Config) -> None:
    """Let xdist hand out the files in the order below, not those with the most tests first."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: one that came last would leave the other processors idle."""
    places = {name: place for place, name in enumerate(LONGEST)}
    tests = Path(__file__).parent
    items.sort(key=lambda item: places.get(item.path.relative_to(tests).as_posix(), len(LONGEST)))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with the real images (`head_ct/`, `ct_ich/`, `dicom/`); tests that need it are skipped without it."""
    folder = os.environ.get("HEMOTK_REAL_DATA", "")
    if not folder:
        pytest.skip("HEMOTK_REAL_DATA names no folder with real images")
    if not Path(folder).is_dir():
        pytest.fail(f"HEMOTK_REAL_DATA={folder} is no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def cases(real_data: Path) -> Path:
    """The folder with drawn inputs of odd shapes, beside the one with the real images."""
    folder = real_data.parent / "cases"
    if not folder.is_dir():
        pytest.skip(f"{folder}: no such folder")
    return folder

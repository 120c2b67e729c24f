"""What every test may use."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("MPLBACKEND", "Agg")

# Fixtures that more than one room of the tests uses.
pytest_plugins = ("bundle_fixtures", "command_fixtures")

settings.register_profile("hemotk", deadline=None, derandomize="CI" in os.environ, print_blob=True)
settings.load_profile("hemotk")


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

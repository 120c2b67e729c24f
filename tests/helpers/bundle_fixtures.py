"""Fixtures: tiny bundles; the models are converted once per session."""

import shutil

import pytest
from converted_bundles import COUNT, convert, draw_images, write_bundle
from fed_bundles import write_fed_bundle

from hemotk.artifacts import TESTSET_SUFFIX


@pytest.fixture(scope="session")
def models():
    """name → bytes of the .tflite."""
    return convert()


@pytest.fixture(scope="session")
def labels():
    """0, 1, 0, 1, …"""
    return [row % 2 for row in range(COUNT)]


@pytest.fixture(scope="session")
def pristine(tmp_path_factory, models, labels):
    """A bundle that no test may write to."""
    both = {kind: models[kind] for kind in ("float32", "int8")}
    return write_bundle(tmp_path_factory.mktemp("pristine") / "tiny", both, draw_images(), labels)


@pytest.fixture(scope="session")
def fed(tmp_path_factory, models):
    """A bundle with a golden set and a README, as an export writes them; no test may write to it."""
    return write_fed_bundle(
        tmp_path_factory.mktemp("fed") / "fed", {kind: models[kind] for kind in ("float32", "int8")}
    )


@pytest.fixture
def make_bundle(tmp_path, models, labels):
    """Make a bundle of one's own from kind → name of a model, or its bytes."""

    def make(labels=labels, **variants):
        found = {kind: models[model] if isinstance(model, str) else model for kind, model in variants.items()}
        return write_bundle(tmp_path / "made", found, draw_images()[: len(labels)], labels)

    return make


@pytest.fixture
def bundle(tmp_path, pristine):
    """A bundle of one's own."""
    for folder in (pristine, pristine.with_name(pristine.name + TESTSET_SUFFIX)):
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / pristine.name

"""The folder that a sweep benches."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from hemotk.artifacts import SplitItem
from hemotk.benchmarks.measure.pictures import find_pictures
from hemotk.data.scan.folder import LABELS_CSV
from hemotk.files import sha256_file
from hemotk.stats.groups import groups_of
from hemotk.sweep.making import link_images


@pytest.fixture
def linked(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of links to pictures of the groups that the test asks for."""
    items = []
    (tmp_path / "ct").mkdir()
    for place, group in enumerate(request.param):
        path = tmp_path / "ct" / f"{place}.png"
        Image.fromarray(np.full((8, 8), place, np.uint8)).save(path)
        items.append(SplitItem(path.name, sha256_file(path), place % 2, group, "validation"))
    (tmp_path / "links").mkdir()
    link_images(items, tmp_path / "ct", tmp_path / "links")
    return tmp_path / "links"


@pytest.mark.parametrize("linked", [["pA", "pB ", "pA", "", "pB "]], indirect=True)
def test_a_sweep_benches_images_of_the_groups_of_its_split(linked: Path) -> None:
    found = find_pictures(linked, ("normal", "hemorrhage")).images
    groups = groups_of(found)
    assert groups is not None and groups.tolist() == [1, 2, 1, 3, 2]
    assert [(image.id, image.label) for image in found] == [(f"{place}.png", place % 2) for place in range(5)]
    assert "A" not in (linked / LABELS_CSV).read_text()


@pytest.mark.parametrize("linked", [["i0", "i1", "p2"]], indirect=True)
def test_images_that_are_alone_have_no_column_of_patients(linked: Path) -> None:
    assert (linked / LABELS_CSV).read_text() == "id,label\n0.png,0\n1.png,1\n2.png,0\n"

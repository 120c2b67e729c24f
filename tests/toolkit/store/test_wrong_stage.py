"""A folder of the wrong stage is named for what it is, with the next step."""

from pathlib import Path

import pytest
from written_artefacts import write_bundle, write_run

from hemotk.artifacts import TESTSET_SUFFIX
from hemotk.errors import HemotkError
from hemotk.store.cards import bundle_card, run_card


def test_the_right_stage_is_read(tmp_path: Path) -> None:
    assert run_card(write_run(tmp_path / "run")).name == "run"
    assert bundle_card(write_bundle(tmp_path / "bundle")).name == "bundle"


def test_a_run_is_no_bundle_and_a_bundle_no_run(tmp_path: Path) -> None:
    run, bundle = write_run(tmp_path / "run"), write_bundle(tmp_path / "bundle")
    with pytest.raises(HemotkError, match=r"is a run, not a bundle; make one of it with `hemotk export .*run`"):
        bundle_card(run)
    with pytest.raises(HemotkError, match="is a bundle, not a run; name the run that it was exported from"):
        run_card(bundle)
    testset = bundle.with_name(bundle.name + TESTSET_SUFFIX)
    with pytest.raises(HemotkError, match="is a test set, not a bundle; name the bundle that it belongs to"):
        bundle_card(testset)
    with pytest.raises(HemotkError, match="is a test set, not a run; name a run folder"):
        run_card(testset)


def test_files_missing_and_other_folders(tmp_path: Path) -> None:
    (tmp_path / "split.json").write_text("{}")
    (tmp_path / "mine.partial").mkdir()
    with pytest.raises(HemotkError, match=r"split\.json: is a file, not a run; name the folder that `hemotk train`"):
        run_card(tmp_path / "split.json")
    with pytest.raises(HemotkError, match="none: no such folder; name a bundle, which `hemotk export` makes"):
        bundle_card(tmp_path / "none")
    with pytest.raises(HemotkError, match=r"mine\.partial: is unfinished; go on with the same command and resume"):
        run_card(tmp_path / "mine.partial")
    with pytest.raises(HemotkError, match=r"is not a bundle: it holds no bundle\.json"):
        bundle_card(tmp_path)

"""What TF_CONFIG says, and what is refused before anything is trained."""

import json
from pathlib import Path
from typing import Any

import pytest
from prunable_runs import split_of_squares

from hemotk.cli.main import run
from hemotk.errors import HemotkError
from hemotk.training.cluster import Cluster, read_cluster

TWO = ["a:1", "b:2"]


def tf_config(cluster: Any, kind: Any = "worker", index: Any = 0) -> str:
    return json.dumps({"cluster": cluster, "task": {"type": kind, "index": index}})


def test_the_first_worker_is_the_chief_unless_there_is_one() -> None:
    assert read_cluster(tf_config({"worker": TWO})) == Cluster(("a:1", "b:2"), 0)
    assert read_cluster(tf_config({"worker": TWO}, index="1")) == Cluster(("a:1", "b:2"), 1)
    with_chief = {"chief": ["c:3"], "worker": TWO}
    assert read_cluster(tf_config(with_chief, "chief")) == Cluster(("c:3", "a:1", "b:2"), 0)
    assert read_cluster(tf_config(with_chief, index=1)).rank == 2
    assert [read_cluster(tf_config(with_chief, index=i)).chief for i in (0, 1)] == [False, False]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not set"),
        ("{", "no description"),
        ("[]", "no description"),
        ('{"cluster": {"worker": ["a:1"]}}', "no description"),
        (tf_config({"worker": "a:1"}), "no description"),
        (tf_config({"worker": ["a"]}), "no description"),
        (tf_config({"worker": TWO}, index="first"), "no description"),
        (tf_config({"worker": TWO}).replace('"index": 0', '"index": 1e400'), "no description"),
        (tf_config([]), "no description"),
        (tf_config(None), "no description"),
        (tf_config({"worker": TWO}, ["x"]), r"task \['x'\] 0 is none"),
        (tf_config({"worker": ["a:1", "b:2", "a:1"]}), "names a:1 more than once"),
        (tf_config({"chief": ["b:2"], "worker": TWO}), "names b:2 more than once"),
        (tf_config({"worker": TWO}, index=2), "task worker 2 is none of the cluster's 2"),
        (tf_config({"worker": TWO}, index=-1), "task worker -1 is none"),
        (tf_config({"worker": TWO}, "chief"), "task chief 0 is none"),
        (tf_config({"worker": TWO, "ps": ["p:1"]}), "names ps"),
        (tf_config({"chief": TWO}, "chief"), "more than one chief"),
    ],
)
def test_what_is_no_cluster_is_said(text: str, said: str) -> None:
    with pytest.raises(HemotkError, match=f"^TF_CONFIG: .*{said}"):
        read_cluster(text)


def test_what_several_workers_cannot_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    split_of_squares(tmp_path / "pictures").write(tmp_path / "split.json")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TF_CONFIG", raising=False)
    for env, arguments, said in (
        (None, ["split.json", "--strategy", "multiworker"], "TF_CONFIG: is not set"),
        (tf_config({"worker": TWO}), ["pictures", "--strategy", "multiworker"], "pictures: is a folder"),
        (
            None,
            ["split.json", "--strategy", "mirrored", "--folds", "3"],
            "--strategy mirrored and --folds 3: do not go together",
        ),
    ):
        if env:
            monkeypatch.setenv("TF_CONFIG", env)
        assert run(["train", *arguments]) == 2
        assert f"hemotk: {said}" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pictures", "split.json"]

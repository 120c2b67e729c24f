import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from artifact_strategies import ARTIFACTS, JSON
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hemotk.artifacts import Artifact, require
from hemotk.errors import HemotkError
from hemotk.files import sha256_file

quick = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
every_kind = pytest.mark.parametrize("kind", ARTIFACTS, ids=lambda kind: kind.__name__)


@dataclass(frozen=True)
class Inner:
    number: float
    choice: Literal[1, 3] = 1

    def __post_init__(self) -> None:
        require(self.number >= 0, "number", "at least 0")


@dataclass(frozen=True)
class Toy(Artifact):
    SCHEMA: ClassVar[str] = "hemotk.toy/2"

    word: str
    count: int
    share: float
    flag: bool
    pair: tuple[int, str]
    inners: tuple[Inner, ...]
    table: Mapping[str, float]
    free: Any = None
    maybe: float | None = None


TOY = Toy("wört", 3, 0.25, True, (1, "a"), (Inner(0.5), Inner(1.5, 3)), {"x": 1.0}, {"any": [1, None]})


def changed(**fields: Any) -> bytes:
    """TOY's file with some fields replaced."""
    return json.dumps({**json.loads(TOY.to_json()), **fields}).encode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "toy.json"


@every_kind
@given(data=st.data())
@quick
def test_every_artefact_comes_back_as_it_was(kind: type[Artifact], tmp_path: Path, data: st.DataObject) -> None:
    artifact = data.draw(ARTIFACTS[kind])
    path = tmp_path / "artifact.json"
    artifact.write(path)
    back = kind.read(path)
    assert back == artifact
    assert back.to_json() == path.read_bytes()
    assert artifact.sha256() == sha256_file(path)


@every_kind
@given(data=st.data())
@quick
def test_every_artefact_refuses_being_cut_short(kind: type[Artifact], tmp_path: Path, data: st.DataObject) -> None:
    whole = data.draw(ARTIFACTS[kind]).to_json()
    path = tmp_path / "artifact.json"
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 2))])
    with pytest.raises(HemotkError, match=r"artifact\.json: .*(is no JSON|cannot be read as text).*copy it again"):
        kind.read(path)


@every_kind
@given(data=st.data())
@quick
def test_every_artefact_reads_an_edited_file_or_says_one_sentence(
    kind: type[Artifact], tmp_path: Path, data: st.DataObject
) -> None:
    body = json.loads(data.draw(ARTIFACTS[kind]).to_json())
    holder, key = data.draw(st.sampled_from(list(places(body))))
    if isinstance(holder, dict) and data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(JSON | st.just(math.nan) | st.just(10**400))
    path = tmp_path / "artifact.json"
    path.write_text(json.dumps(body), "utf-8")
    try:
        assert isinstance(kind.read(path), kind)
    except HemotkError as error:
        assert str(error).startswith(f"{path}: ")
        assert ";" in str(error) or ": use the hemotk" in str(error)


def places(body: Any) -> list[tuple[Any, Any]]:
    """Every (container, key or index) in parsed JSON."""
    pairs = list(body.items()) if isinstance(body, dict) else list(enumerate(body)) if isinstance(body, list) else []
    return [(body, key) for key, _ in pairs] + [place for _, inner in pairs for place in places(inner)]


@given(noise=st.binary(max_size=80))
@quick
def test_noise_is_refused_in_one_sentence(tmp_path: Path, noise: bytes) -> None:
    (tmp_path / "toy.json").write_bytes(noise)
    with pytest.raises(HemotkError, match=r"toy\.json: "):
        Toy.read(tmp_path / "toy.json")


def test_the_file_is_readable_and_begins_with_its_schema(file: Path) -> None:
    TOY.write(file)
    assert file.read_text("utf-8").startswith('{\n "schema": "hemotk.toy/2",\n "word": "wört",\n')
    assert file.read_bytes().endswith(b"\n}\n")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no JSON"),
        (b"[" * 200_000, "is no JSON"),
        (b"1" * 5000, "is no JSON"),
        (b"\xff\xfe", "cannot be read as text"),
        (b"[]", "field 'schema' is not 'hemotk.toy/2': this is another kind of file; check the path"),
        (b"{}", "another kind of file"),
        (changed(schema=2), "another kind of file"),
        (changed(schema="hemotk.toyota/2"), "another kind of file"),
        (changed(schema="hemotk.toy/3"), "has version 3 of 'hemotk.toy', this hemotk reads version 2: use the hemotk"),
        (changed(new=1), "field 'new' is unknown; make the file again, or undo the edit"),
        (changed(inners=[{"number": 1, "new": 1}]), r"field 'inners\[0\]\.new' is unknown"),
        (changed(inners=[{}]), r"field 'inners\[0\]\.number' is missing"),
        (changed(inners={}), "field 'inners' must be a list"),
        (changed(inners=[3]), r"field 'inners\[0\]' must be an object"),
        (changed(inners=[{"number": 1}, {"number": -1}]), r"inners\[1\]: field 'number' must be at least 0"),
        (changed(inners=[{"number": 1, "choice": 2}]), r"field 'inners\[0\]\.choice' must be one of 1, 3"),
        (changed(inners=[{"number": 1, "choice": True}]), "must be one of 1, 3"),
        (changed(inners=[{"number": 1, "choice": 1.0}]), "must be one of 1, 3"),
        (changed(word=1), "field 'word' must be of type str"),
        (changed(word=None), "field 'word' must be of type str"),
        (changed(count=1.0), "field 'count' must be of type int"),
        (changed(count=True), "field 'count' must be of type int"),
        (changed(share="1"), "field 'share' must be of type float"),
        (changed(share=True), "field 'share' must be of type float"),
        (changed(share=math.nan), "field 'share' must be a finite number"),
        (changed(share=math.inf), "field 'share' must be a finite number"),
        (changed(share=10**400), "field 'share' must be a finite number"),
        (changed(maybe=math.nan), "field 'maybe' must be a finite number"),
        (changed(flag=1), "field 'flag' must be of type bool"),
        (changed(pair=[1]), "field 'pair' must be a list of 2"),
        (changed(pair=["a", 1]), r"field 'pair\[0\]' must be of type int"),
        (changed(table=[]), "field 'table' must be an object"),
        (changed(table={"x": "1"}), r"field 'table\.x' must be of type float"),
    ],
)
def test_what_does_not_fit_is_refused(file: Path, content: bytes, sentence: str) -> None:
    file.write_bytes(content)
    with pytest.raises(HemotkError, match=rf"toy\.json: .*{sentence}"):
        Toy.read(file)


def test_a_missing_field_is_named(file: Path) -> None:
    body = json.loads(TOY.to_json())
    del body["share"]
    file.write_text(json.dumps(body))
    with pytest.raises(HemotkError, match="field 'share' is missing; make the file again"):
        Toy.read(file)


def test_what_fits_is_taken(file: Path) -> None:
    file.write_bytes(changed(share=1, maybe=2, free=[1, {"x": None}]))
    toy = Toy.read(file)
    assert (toy.share, toy.maybe, toy.free) == (1.0, 2.0, [1, {"x": None}])
    assert isinstance(toy.share, float)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(HemotkError, match=r"toy\.json: no such file; check the path"):
        Toy.read(tmp_path / "toy.json")
    with pytest.raises(HemotkError, match="is a folder; name a file"):
        Toy.read(tmp_path)


def test_nan_becomes_null_only_where_null_may_be(file: Path) -> None:
    dataclasses.replace(TOY, maybe=math.nan).write(file)
    assert Toy.read(file).maybe is None
    before = file.read_bytes()
    with pytest.raises(HemotkError, match=r"toy\.json: is not written because field 'share' must be of type float"):
        dataclasses.replace(TOY, share=math.inf).write(file)
    assert file.read_bytes() == before


def test_a_name_that_is_no_unicode_is_not_written(file: Path) -> None:
    with pytest.raises(HemotkError, match="is not written because 'utf-8' codec"):
        dataclasses.replace(TOY, word="\udcff").write(file)
    assert not file.exists()


def test_writing_refuses_to_replace(file: Path) -> None:
    TOY.write(file, overwrite=False)
    with pytest.raises(HemotkError, match="already exists"):
        TOY.write(file, overwrite=False)
    TOY.write(file)

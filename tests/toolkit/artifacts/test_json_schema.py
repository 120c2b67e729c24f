"""The published JSON Schemas: current, and of what hemotk writes."""

import json
from pathlib import Path

import pytest
from artifact_strategies import ARTIFACTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hemotk.artifacts import Artifact, SplitManifest
from hemotk.artifacts.json_schema import PUBLISHED, json_schema, schema_files

DOCS = Path(__file__).parents[3] / "docs" / "schemas"


def test_the_published_files_are_current() -> None:
    assert {path.name: path.read_text() for path in DOCS.iterdir()} == dict(schema_files())


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
def test_every_published_schema_is_one(kind: type[Artifact]) -> None:
    Draft202012Validator.check_schema(json_schema(kind))


@pytest.mark.parametrize("kind", [each for each in PUBLISHED if each in ARTIFACTS], ids=lambda kind: kind.__name__)
@given(data=st.data())
@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
def test_what_hemotk_writes_fits_its_schema(kind: type[Artifact], data: st.DataObject) -> None:
    schema = json_schema(kind)
    body = json.loads(data.draw(ARTIFACTS[kind]).to_json())
    if body["schema"] != kind.SCHEMA:
        assert kind is SplitManifest  # of versions 1 and 3
        return
    validator = Draft202012Validator(schema)
    assert not list(validator.iter_errors(body))
    assert list(validator.iter_errors({**body, "unknown": 1}))
    assert list(validator.iter_errors({**body, "schema": "hemotk.other/1"}))
    first = schema["required"][1]
    assert list(validator.iter_errors({key: value for key, value in body.items() if key != first}))
    for key, value in body.items():
        if key != "schema" and isinstance(value, str):
            assert list(validator.iter_errors({**body, key: 7})), key

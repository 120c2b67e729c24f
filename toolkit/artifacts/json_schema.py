"""JSON Schemas (draft 2020-12) of artefacts, for programs that read them without hemotk.

    python -m hemotk.artifacts.json_schema docs/schemas

A schema says types and keys. What else a value must be, such as a share between 0 and 1, only hemotk checks.
"""

import dataclasses
import inspect
import json
import sys
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hemotk.artifacts.audit import AuditReport
from hemotk.artifacts.bundle import BundleCard, TestSetCard
from hemotk.artifacts.codec import Artifact
from hemotk.artifacts.cv import CvReport
from hemotk.artifacts.device import DeviceBench
from hemotk.artifacts.golden import GoldenSet
from hemotk.artifacts.outputs import AppOutputs, ComparedOutputs
from hemotk.artifacts.plan import PlanReport
from hemotk.artifacts.predictions import ScoredPictures
from hemotk.artifacts.report import BenchReport
from hemotk.artifacts.run import RunCard
from hemotk.artifacts.split import SplitManifest
from hemotk.artifacts.sweep import SweepReport

DIALECT = "https://json-schema.org/draft/2020-12/schema"
# Those that other programs may want to read.
PUBLISHED: tuple[type[Artifact], ...] = (
    AppOutputs,
    AuditReport,
    BenchReport,
    BundleCard,
    ComparedOutputs,
    CvReport,
    DeviceBench,
    GoldenSet,
    PlanReport,
    RunCard,
    ScoredPictures,
    SplitManifest,
    SweepReport,
    TestSetCard,
)
_SCALARS = {str: "string", int: "integer", float: "number", bool: "boolean"}


def json_schema(kind: type[Artifact]) -> dict[str, Any]:
    """The schema of the JSON files of `kind`."""
    definitions: dict[str, Any] = {}
    body = _object(kind, definitions)
    body["properties"] = {"schema": {"const": kind.SCHEMA}, **body["properties"]}
    body["required"] = ["schema", *body["required"]]
    title = {"$schema": DIALECT, "title": kind.SCHEMA}
    return {**title, **body, **({"$defs": dict(sorted(definitions.items()))} if definitions else {})}


def file_name(kind: type[Artifact]) -> str:
    """`hemotk.bench/2` → `bench-2.json`."""
    return kind.SCHEMA.removeprefix("hemotk.").replace("/", "-") + ".json"


def schema_files() -> Iterator[tuple[str, str]]:
    """Name and text of the file of every published schema."""
    for kind in PUBLISHED:
        yield file_name(kind), json.dumps(json_schema(kind), indent=1) + "\n"


def _object(kind: type[Any], definitions: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind)
    fields = dataclasses.fields(kind)
    missing = dataclasses.MISSING
    return {
        "description": " ".join(inspect.cleandoc(kind.__doc__ or "").split()),
        "type": "object",
        "properties": {field.name: _type(hints[field.name], definitions) for field in fields},
        "required": [f.name for f in fields if f.default is missing and f.default_factory is missing],
        "additionalProperties": False,
    }


def _type(kind: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value of type `kind`, as `codec.decode` reads it; dataclasses go into `definitions`."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return {}
    if kind in _SCALARS:
        return {"type": _SCALARS[kind]}
    if origin is typing.Literal:
        return {"enum": list(args)}
    if origin in (types.UnionType, typing.Union):
        return {"anyOf": [{"type": "null"} if arg is type(None) else _type(arg, definitions) for arg in args]}
    if origin is tuple and args[-1] is Ellipsis:
        return {"type": "array", "items": _type(args[0], definitions)}
    if origin is tuple:
        items = [_type(arg, definitions) for arg in args]
        return {"type": "array", "prefixItems": items, "minItems": len(args), "maxItems": len(args)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": _type(args[1], definitions)}
    if kind.__name__ not in definitions:
        definitions[kind.__name__] = {}  # it may hold itself
        definitions[kind.__name__] = _object(kind, definitions)
    return {"$ref": f"#/$defs/{kind.__name__}"}


def main() -> None:
    """Write every published schema into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in schema_files():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

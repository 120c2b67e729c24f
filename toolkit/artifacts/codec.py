"""JSON in and out of frozen dataclasses: typed, versioned, strict about what it does not know."""

import dataclasses
import json
import math
import sys
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from hemotk.artifacts.stages import kind_of, not_wanted, schema_kind
from hemotk.errors import FieldError, HemotkError
from hemotk.files import sha256_bytes, write_bytes

A = TypeVar("A", bound="Artifact")


def require(holds: bool, field: str, must: str) -> None:
    """Check one field of an artefact.

    Raises:
        FieldError: naming `field` and what it `must` be.
    """
    if not holds:
        raise FieldError(f"field '{field}' must be {must}", field, must)


class Artifact:
    """A frozen dataclass with a `SCHEMA` of the form 'hemotk.<what>/<version>' that is kept as one JSON file.

    Fields named in `LATER` are not written while they are None: files from before them keep their checksums.
    """

    SCHEMA: ClassVar[str]
    LATER: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def schema_name(cls) -> str:
        """The name of the kind: 'bench' of 'hemotk.bench/2'."""
        return cls.SCHEMA.partition("/")[0].removeprefix("hemotk.")

    def to_json(self) -> bytes:
        """UTF-8 JSON: the schema first, then the fields in their order."""
        return (json.dumps(self.body(), indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()

    def body(self) -> dict[str, Any]:
        """The contents of the JSON file, as plain JSON values."""
        return {"schema": self.SCHEMA, **encode(self)}

    def sha256(self) -> str:
        """SHA-256 of the JSON file that `write` makes."""
        return sha256_bytes(self.to_json())

    def write(self, path: Path, *, overwrite: bool = True) -> None:
        """Write the artefact to `path`, atomically.

        Raises:
            HemotkError: `path` cannot be written, or exists and `overwrite` is false; or a field holds what `read`
                would refuse (NaN where a number must be, a name that is no Unicode).
        """
        try:
            decode(type(self), encode(self), "")
            data = self.to_json()
        except (FieldError, UnicodeEncodeError) as error:
            raise HemotkError(f"{path}: is not written because {error}; look for what went wrong before.") from error
        write_bytes(path, data, overwrite=overwrite)

    @classmethod
    def read(cls: type[A], path: Path) -> A:
        """Read and validate the artefact at `path`.

        Raises:
            HemotkError: missing, cut short, of another kind or version, or with a field that does not fit.
        """
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError as error:
            raise HemotkError(f"{path}: no such file; check the path.") from error
        except IsADirectoryError as error:
            found = kind_of(path)
            sentence = not_wanted(path, found, cls.schema_name()) if found else f"{path}: is a folder; name a file."
            raise HemotkError(sentence) from error
        except (OSError, UnicodeDecodeError) as error:
            raise HemotkError(f"{path}: cannot be read as text; make it again or copy it again.") from error
        try:
            body = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise HemotkError(
                f"{path}: is no JSON ({error}): it was cut short or edited; make it again or copy it again."
            ) from error
        return cls.from_dict(body, path)

    @classmethod
    def from_dict(cls: type[A], body: Any, where: Path) -> A:
        """Validate parsed JSON; `where` is named in errors.

        Raises:
            HemotkError: as for `read`.
        """
        if (found := schema_kind(body)) and found != cls.schema_name():
            raise HemotkError(not_wanted(where, found, cls.schema_name()))
        kind, _, version = cls.SCHEMA.partition("/")
        schema = body.get("schema") if isinstance(body, dict) else None
        if not isinstance(schema, str) or not schema.startswith(kind + "/"):
            raise HemotkError(
                f"{where}: field 'schema' is not '{cls.SCHEMA}': this is another kind of file; check the path."
            )
        if schema != cls.SCHEMA:
            raise HemotkError(
                f"{where}: has version {schema.partition('/')[2]} of '{kind}', this hemotk reads version {version}: "
                "use the hemotk that wrote it, or make it again."
            )
        fields = {key: value for key, value in body.items() if key != "schema"}
        try:
            return decode(cls, fields, "")
        except FieldError as error:
            raise HemotkError(f"{where}: {error}; make the file again, or undo the edit.") from error


def schema_of(path: Path) -> str:
    """The schema that the JSON file at `path` names, such as 'hemotk.split/2'; empty for another file.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return str(json.loads(path.read_text(encoding="utf-8"))["schema"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return ""


def encode(value: Any) -> Any:
    """Dataclasses, tuples and mappings as plain JSON values; NaN and infinities as null.

    Fields that a dataclass names in `LATER` are left out while they are None.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        later = getattr(value, "LATER", ())
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return {name: encode(item) for name, item in fields.items() if item is not None or name not in later}
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Path):
        return value.as_posix()
    return value


def decode(kind: Any, value: Any, at: str) -> Any:
    """Build a value of type `kind` from parsed JSON; `at` is the dotted path of the field for errors.

    Raises:
        FieldError: the value does not fit the type, a field is missing or unknown.
    """
    origin = typing.get_origin(kind)
    if kind is Any:
        return value
    if origin is typing.Literal:
        choices = typing.get_args(kind)
        fits = any(type(value) is type(choice) and value == choice for choice in choices)
        require(fits, at, "one of " + ", ".join(repr(choice) for choice in choices))
        return value
    if origin in (types.UnionType, typing.Union):
        return _decode_union(kind, value, at)
    if origin is tuple:
        return _decode_tuple(kind, value, at)
    if origin in (dict, Mapping):
        return _decode_mapping(kind, value, at)
    if dataclasses.is_dataclass(kind):
        return _decode_dataclass(kind, value, at)
    return _decode_scalar(kind, value, at)


def _decode_scalar(kind: Any, value: Any, at: str) -> Any:
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        require(abs(value) <= sys.float_info.max, at, "a finite number")
        return float(value)
    fits = isinstance(value, kind) and not (isinstance(value, bool) and kind is not bool)
    require(fits, at, f"of type {kind.__name__}")
    return value


def _decode_union(kind: Any, value: Any, at: str) -> Any:
    options = typing.get_args(kind)
    if value is None and type(None) in options:
        return None
    others = [option for option in options if option is not type(None)]
    for option in others[:-1]:
        try:
            return decode(option, value, at)
        except FieldError:
            continue
    return decode(others[-1], value, at)


def _decode_tuple(kind: Any, value: Any, at: str) -> Any:
    require(isinstance(value, list), at, "a list")
    args = typing.get_args(kind)
    if len(args) == 2 and args[1] is Ellipsis:
        return tuple(decode(args[0], item, f"{at}[{i}]") for i, item in enumerate(value))
    require(len(value) == len(args), at, f"a list of {len(args)}")
    return tuple(decode(arg, item, f"{at}[{i}]") for i, (arg, item) in enumerate(zip(args, value, strict=True)))


def _decode_mapping(kind: Any, value: Any, at: str) -> Any:
    require(isinstance(value, dict), at, "an object")
    _, item_kind = typing.get_args(kind)
    return {key: decode(item_kind, item, f"{at}.{key}".lstrip(".")) for key, item in value.items()}


def _decode_dataclass(kind: Any, value: Any, at: str) -> Any:
    require(isinstance(value, dict), at or "the file", "an object")
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    dot = f"{at}." if at else ""
    for key in value:
        if key not in fields:
            raise FieldError(f"field '{dot}{key}' is unknown")
    values = {}
    for name, field in fields.items():
        if name in value:
            values[name] = decode(hints[name], value[name], dot + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise FieldError(f"field '{dot}{name}' is missing")
    try:
        return kind(**values)
    except FieldError as error:
        raise FieldError(f"{at + ': ' if at else ''}{error}") from error

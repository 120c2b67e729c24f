"""What an app is called and which version it is."""

import re
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from hemotk.errors import HemotkError

PROPERTIES = "gradle.properties"
NAME_FILE = Path("app/src/main/res/values/name.xml")
OPTIONS_FILE = Path("app/src/main/res/values/options.xml")
APPLICATION_ID = "org.hemotk.app"

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)+")
_LONGEST_ID, _LONGEST_NAME = 200, 50
_VERSION = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,2}))?(?:\.([0-9]{1,2}))?")
# Words that Java keeps for itself cannot be a part of an id.
# fmt: off
_KEPT = frozenset((
    "abstract", "assert", "boolean", "break", "byte", "case", "catch", "char", "class", "const", "continue",
    "default", "do", "double", "else", "enum", "extends", "false", "final", "finally", "float", "for", "goto",
    "if", "implements", "import", "instanceof", "int", "interface", "long", "native", "new", "null", "package",
    "private", "protected", "public", "return", "short", "static", "strictfp", "super", "switch",
    "synchronized", "this", "throw", "throws", "transient", "true", "try", "void", "volatile", "while",
))
# fmt: on


@dataclass(frozen=True)
class AppOptions:
    """The app's id, by which phones and stores tell it from others, its name under the icon, and its version.

    `app_version` is one to three numbers with dots, each after the first below 100: they give the version code, which
    must rise. `secure` forbids screenshots.

    Raises:
        HemotkError: one of them that phones or Gradle would refuse.
    """

    application_id: str = APPLICATION_ID
    name: str = "hemotk"
    app_version: str = "1"
    secure: bool = False

    def __post_init__(self) -> None:
        parts = self.application_id.split(".")
        if not _ID.fullmatch(self.application_id) or _KEPT & {*parts} or len(self.application_id) > _LONGEST_ID:
            raise HemotkError(
                f"‹application_id› {self.application_id}: must be two or more names of letters, digits and _ with dots "
                "between them, none of them a word of Java; use one like org.example.slices."
            )
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > _LONGEST_NAME:
            raise HemotkError(f"‹name›: must have 1 to {_LONGEST_NAME} letters on one line; choose another name.")
        if self.version_code < 1:
            raise HemotkError(
                f"‹app_version› {self.app_version}: must be above 0 and have one to three numbers, those after the "
                "first below 100; use one like 2, 1.4 or 1.4.2."
            )

    @property
    def version_code(self) -> int:
        """The version as one number; 0 where it is none."""
        found = _VERSION.fullmatch(self.app_version)
        if found is None:
            return 0
        major, minor, patch = (int(part or 0) for part in found.groups())
        return major * 10_000 + minor * 100 + patch


def write_options(project: Path, options: AppOptions) -> None:
    """Put the options into the copied project at that path."""
    settings = {
        "hemotk.applicationId": options.application_id,
        "hemotk.versionName": options.app_version,
        "hemotk.versionCode": str(options.version_code),
    }
    properties = project / PROPERTIES
    lines = properties.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if line.partition("=")[0].strip() not in settings]
    text = "\n".join([*kept, *(f"{key}={value}" for key, value in settings.items())])
    properties.write_text(text + "\n", encoding="utf-8")
    _replace(project / NAME_FILE, r"(?<=>)[^<]*(?=</string>)", resource_text(options.name))
    _replace(project / OPTIONS_FILE, r'(?<=<bool name="secure">)\w+', str(options.secure).lower())


def _replace(path: Path, pattern: str, text: str) -> None:
    content = path.read_text(encoding="utf-8")
    path.write_text(re.sub(pattern, lambda _: text, content, count=1), encoding="utf-8")


def resource_text(text: str) -> str:
    """The text as a string resource: XML's and aapt's own signs are escaped."""
    plain = text.replace("\\", "\\\\").replace("'", "\\'").replace('"', '\\"')
    return escape("\\" + plain if plain[0] in "@?" else plain)

"""Elements of HTML and SVG as text that is well-formed XML, with everything foreign escaped."""

import base64
import io
import re
from html import escape

from PIL import Image

# No XML document may hold these, not even escaped; undecodable bytes of file names come as lone surrogates.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_VOID = frozenset({"meta", "br", "hr", "img", "input"})


class Markup(str):
    """Text that is markup already and is not escaped again."""

    __slots__ = ()


def printable(text: str) -> str:
    """`text` with what no document may hold replaced by U+FFFD."""
    return _FORBIDDEN.sub("\ufffd", text)


def escaped(text: str) -> str:
    """`text` as the content of an element or an attribute; markup stays as it is."""
    return text if isinstance(text, Markup) else escape(printable(text), quote=True)


def element(name: str, /, *content: str, **attributes: str | float | None) -> Markup:
    """`<name …>content</name>`; attributes that are None are left out.

    In attribute names a trailing underscore falls away and others become hyphens: `class_`, `stroke_width`.
    """
    words = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{_value(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID:
        return Markup(f"<{name}{words}/>")
    return Markup(f"<{name}{words}>{join(*content)}</{name}>")


def picture(image: Image.Image, words: str, width: int = 320) -> Markup:
    """An image with its pixels in the document, `width` pixels wide; `words` stand for it where it cannot be seen."""
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return element(
        "img", src=f"data:image/png;base64,{base64.b64encode(stream.getvalue()).decode()}", alt=words, width=width
    )


def join(*content: str) -> Markup:
    """Pieces one after the other, each escaped unless it is markup."""
    return Markup("".join(map(escaped, content)))


def _value(value: str | float) -> str:
    # Two decimals are a hundredth of a pixel; −0 would be another text for the same place.
    return f"{round(value, 2) + 0.0:g}" if isinstance(value, float) else escaped(str(value))

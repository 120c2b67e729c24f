"""The frame of every HTML page: one file without network, for screens of any width and for paper."""

from datetime import datetime, timezone
from importlib import resources

from hemotk.render.markup import Markup, element

# Nothing may be fetched or run, whatever a page holds.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
EMBEDDED_PICTURES = POLICY.replace("base-uri", "img-src data:; base-uri")


def page(title: str, *content: Markup, policy: str = POLICY, style: str = "") -> str:
    """The whole document, well-formed as XML too; `style` are further rules of its style sheet."""
    style = resources.files("hemotk.render").joinpath("page.css").read_text(encoding="utf-8") + style
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("title", title),
        element("style", Markup(f"\n{style}")),
    )
    body = element("body", element("main", *content))
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def minute(moment: str) -> str:
    """A moment of ISO 8601 as people read it, '2026-11-26 03:54 UTC'; anything else as it is."""
    try:
        read = datetime.fromisoformat(moment.replace("Z", "+00:00"))
    except ValueError:
        return moment
    return f"{read.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC" if read.tzinfo else moment


def section(title: str, *content: str, class_: str | None = None) -> Markup:
    """A part of the page under a heading of its own."""
    return element("section", element("h2", title), *content, class_=class_)

"""The page as one HTML file: words, style, programs, model and runtime, under a policy that lets nothing out."""

import base64
import functools
import gzip
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from hemotk.artifacts import SiteCard
from hemotk.errors import HemotkError
from hemotk.web.icons import svg
from hemotk.web.runtime import BUILT, text_of

_HOLE = re.compile(r"\{\{(\w+)\}\}")
_ENDS = re.compile(r"</script|<!--", re.IGNORECASE)


@dataclass(frozen=True)
class Programs:
    """The bundled texts that every page has: its HTML with holes, style, the page's program, the worker's, licences."""

    html: str
    style: str
    app: str
    worker: str
    licences: str

    @classmethod
    def load(cls, built: Path = BUILT) -> "Programs":
        """Read them.

        Raises:
            HemotkError: one is missing, or would end the element that holds it.
        """
        html, style, app, worker, licences = (
            text_of(name, built) for name in ("index.html", "style.css", "app.js", "worker.js", "licences.txt")
        )
        for name, text in (("app.js", app), ("worker.js", worker), ("licences.txt", licences)):
            if _ENDS.search(text):
                raise HemotkError(f"{built / name}: cannot stand in a page; install hemotk again.")
        return cls(html, style, app, worker, licences)


def html_page(programs: Programs, card: SiteCard, parts: Mapping[str, bytes], *, installable: bool) -> bytes:
    """The page; with `installable` it has a service worker and a manifest beside it."""
    inside = {
        "html": ' data-worker="sw.js"' if installable else "",
        "policy": policy(programs, installable=installable),
        "head": _head(installable),
        "style": programs.style,
        "app": programs.app,
        "worker": programs.worker,
        "licences": programs.licences,
        "card": _embedded(card.body()),
        "parts": "\n".join(_part(name, content) for name, content in parts.items()),
    }
    return _HOLE.sub(lambda hole: inside[hole[1]], programs.html).encode()


def policy(programs: Programs, *, installable: bool) -> str:
    """The Content-Security-Policy: programs by their checksums, no connection at all.

    A worker from a Blob is bound by it too, while one from an address would not be; the service worker is that of the
    site and touches its own files only.
    """
    rules = {
        "default-src": "'none'",
        "script-src": f"'{_digest(programs.app)}' 'wasm-unsafe-eval'",
        "style-src": f"'{_digest(programs.style)}'",
        "img-src": "data: blob:" + (" 'self'" if installable else ""),
        "connect-src": "'none'",
        "worker-src": "blob:" + (" 'self'" if installable else ""),
        "manifest-src": "'self'" if installable else "'none'",
        "form-action": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _head(installable: bool) -> str:
    if installable:
        return '<link rel="manifest" href="manifest.webmanifest">\n<link rel="icon" href="icon.svg">'
    return f'<link rel="icon" href="data:image/svg+xml,{escape(_quoted(svg().strip()))}">'


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text)


def _embedded(content: Mapping[str, Any]) -> str:
    """JSON that ends no element."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def _part(name: str, content: bytes) -> str:
    return f'<script type="text/plain" id="part-{name}">{_packed(content)}</script>'


@functools.lru_cache(maxsize=16)  # the runtime is the same in every page, and takes a second
def _packed(content: bytes) -> str:
    return base64.b64encode(gzip.compress(content, compresslevel=9, mtime=0)).decode()

"""Shows a site on this machine alone."""

import functools
import http.server
import os
from collections.abc import Callable
from pathlib import Path

LOOPBACK = "127.0.0.1"


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def guess_type(self, path: str | os.PathLike[str]) -> str:
        """The type of a file; not every system knows that of a manifest."""
        return "application/manifest+json" if str(path).endswith(".webmanifest") else super().guess_type(path)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""

    def end_headers(self) -> None:
        """Have the browser ask each time: the next site may be at the same address."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def serve(folder: Path, port: int, ready: Callable[[str], None]) -> None:
    """Serve the site in `folder` on loopback until interrupted; `ready` is called with its address.

    Raises:
        OSError: the port cannot be had.
    """
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer((LOOPBACK, port), handler) as server:
        ready(f"http://{LOOPBACK}:{server.server_address[1]}/")
        server.serve_forever()

"""What mkdocs.yml needs beside mkdocs: pages from outside docs/, links that work on GitHub and on the site."""

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
# file of the repository → page of the site
BESIDE = {
    "README.md": "tour.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "android_stub/README.md": "app.md",
}
LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s:]*)(#[^)\s]*)?\)")
STARTS = re.compile(r" *([-*] |1\. |\|)")
INNER = re.compile(r"^ {2,3}(?=[-*] )")
LOADED = re.compile(r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]*""")


def on_files(files: Files, config: Any) -> Files:
    """Add the pages that lie outside docs/."""
    for source, page in BESIDE.items():
        files.append(File.generated(config, page, abs_src_path=str(ROOT / source)))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """The page as Python-Markdown reads it, with the links of the site."""
    sources = {target: source for source, target in BESIDE.items()}
    source = sources.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    if source == "README.md":  # the site has a first page of its own
        markdown = markdown[markdown.index("# A tour\n") :]
    return spaced(LINK.sub(lambda match: link(match, source, page.file.src_uri, files), markdown))


def link(match: re.Match[str], source: str, page: str, files: Files) -> str:
    """A link of the repository's file `source` as one of the site's `page`; its text alone if it leaves the site."""
    mark, text, path, anchor = match[1], match[2], match[3], match[4] or ""
    if not path:
        return match[0]
    target = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
    if not (ROOT / target).exists():
        return match[0]
    target = BESIDE.get(target, target.removeprefix("docs/"))
    if files.get_file_from_path(target) is None:
        return text
    return f"{mark}[{text}]({posixpath.relpath(target, posixpath.dirname(page) or '.')}{anchor})"


def spaced(markdown: str) -> str:
    """Lists and tables with the blank line and the indent that Python-Markdown asks for and GitHub does not."""
    lines: list[str] = []
    fenced = False
    for line in markdown.splitlines():
        before = lines[-1] if lines else ""
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced and STARTS.match(line) and before.strip() and not STARTS.match(before) and before[0] != " ":
            lines.append("")
        lines.append(line if fenced else INNER.sub("    ", line))
    return "\n".join(lines) + "\n"


def on_post_page(output: str, page: Any, config: Any) -> str:
    """Refuse a page that loads something from another server."""
    if found := LOADED.search(output):
        raise PluginError(f"{page.file.src_uri}: loads from another server: {found[0]}")
    return output


def on_post_build(config: Any) -> None:
    """Take out of the theme's script the addresses from which it would load what old browsers lack."""
    for script in Path(config.site_dir).glob("assets/javascripts/bundle.*.js"):
        script.write_text(script.read_text("utf-8").replace("https://unpkg.com/", "missing/"), "utf-8")

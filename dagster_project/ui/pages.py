"""The company's pages: dashboards, Data Docs and the documentation of the models, read only.

They are served on a port of their own, which makes them an origin of their own: whatever a page
came to do, it could not reach Dagster's webserver as its own pages do. The gate before them is the
same. A page is one self-contained HTML file, and nothing else is served:

- of a publication, only what everybody on the machine may read anyway, whom nobody asks who they
  are: `people.html` is among it where company.yml says `audience: {people: all}`;
- no file but those of its folder, wherever links in it lead;
- no script but those of which the page says the hash, and each page in a sandbox: its scripts see
  no other page.
"""

from __future__ import annotations

import html
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from dagster_project.ui.gate import PAGE
from ingestion.paths import CompanyPaths

ROOMS = {
    "dashboard": "The dashboards: what was published, in pictures.",
    "people": "What is about single people.",
    "data_docs": "The Data Docs: what the audits expected, and what they found.",
    "docs": "The models and their columns (make docs).",
}
"""What there is, by the first part of a page's address."""
OF_PUBLICATION = ("dashboard", "people")

POLICY = (
    "sandbox allow-scripts allow-downloads allow-modals allow-popups allow-popups-to-escape-sandbox"
    "; default-src 'none'; script-src {scripts}; style-src 'unsafe-inline'; img-src data: blob:"
    "; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
HEAD_BYTES = 65536
"""Of a page, within which it says its own policy."""
OWN_POLICY = re.compile(rb"<meta\s[^>]*http-equiv=\W?Content-Security-Policy[^>]*>", re.IGNORECASE)
HASH = re.compile(rb"\bsha(?:256-[A-Za-z0-9+/]{43}=|384-[A-Za-z0-9+/]{64}|512-[A-Za-z0-9+/]{86}==)")

SHELL = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
  :root {{ color-scheme: light dark; }}
  body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 42rem; margin: 2rem auto; }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{body}
</main>
</body>
</html>
"""


class Unserved(Exception):  # noqa: N818
    """A page that is not served: an HTTP status, and why."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


def pages_app(company: str, paths: CompanyPaths) -> Starlette:
    """The company's pages as an application, for the gate to stand before."""

    def page(request: Request) -> HTMLResponse:
        try:
            path = request.path_params["path"]
            return _answer(_page(paths, path) if path else _contents(company, paths))
        except Unserved as unserved:
            return _answer(_shell("No page", str(unserved)), unserved.status)

    return Starlette(routes=[Route("/{path:path}", page, name=PAGE, methods=["GET"])])


def _rooms(paths: CompanyPaths) -> Mapping[str, Path]:
    """Where the pages are, by the first part of their address."""
    published = paths.published.resolve()
    return {
        **{room: published / room for room in OF_PUBLICATION},
        "data_docs": paths.data_docs,
        "docs": paths.root / "docs",
    }


def _page(paths: CompanyPaths, path: str) -> bytes:
    """The content of a page; raises Unserved."""
    room, *parts = path.split("/")
    folder = _rooms(paths).get(room)
    if folder is None or any(not _is_name(part) for part in parts):
        raise Unserved(404, "There is no such page.")
    try:
        base = (paths.published if room in OF_PUBLICATION else paths.root).resolve()
        folder = folder.resolve(strict=True)
        file = folder.joinpath(*parts).resolve(strict=True)
        is_within = folder.is_relative_to(base) and file.is_relative_to(folder)
        if not (is_within and file.suffix == ".html" and file.is_file()):
            raise Unserved(404, "There is no such page.")
        if room in OF_PUBLICATION and not _is_for_all(file):
            raise Unserved(
                403,
                "This page is about single people, and whoever reaches this port is not asked who "
                f"they are. Who may read it opens the file itself: {file}",
            )
        return file.read_bytes()
    except (OSError, RuntimeError):
        raise Unserved(404, "There is no such page.") from None


def _is_name(part: str) -> bool:
    """Whether a part of an address is the name of a file or folder, and no more than that."""
    return bool(part) and not part.startswith(".") and "\\" not in part and part.isprintable()


def _is_for_all(file: Path) -> bool:
    """Whether everybody on the machine may open a page that is there."""
    return file.is_file() and bool(file.stat().st_mode & stat.S_IROTH)


def _contents(company: str, paths: CompanyPaths) -> bytes:
    """The page that leads to the others, as far as they are there."""
    first = {room: folder / "index.html" for room, folder in _rooms(paths).items()}
    first["people"] = first["people"].with_name("people.html")
    found = [
        f'<li><a href="/{room}/{file.name}">{ROOMS[room]}</a></li>'
        for room, file in first.items()
        if (_is_for_all(file) if room in OF_PUBLICATION else file.is_file())
    ]
    if not found:
        return _shell(company, "Nothing is published yet: make run")
    title = html.escape(company)
    return SHELL.format(title=title, body=f"<ul>{''.join(found)}</ul>").encode()


def _shell(title: str, words: str) -> bytes:
    return SHELL.format(title=html.escape(title), body=f"<p>{html.escape(words)}</p>").encode()


def _answer(content: bytes, status: int = 200) -> HTMLResponse:
    policy = POLICY.format(scripts=_scripts(content))
    return HTMLResponse(content, status, HEADERS | {"Content-Security-Policy": policy})


def _scripts(content: bytes) -> str:
    """The scripts that a page may run: those whose hashes its own policy says."""
    own = OWN_POLICY.search(content[:HEAD_BYTES])
    hashes = HASH.findall(own[0]) if own else []
    return " ".join(f"'{one.decode()}'" for one in hashes) or "'none'"

"""Windows of a real browser that is cut off from every network, and that lets no trouble pass."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
"""Debian's, which `.ci/run` installs, or what a machine of GitHub's has."""
LOCAL = ("file", "data", "blob", "about")
"""Schemes of what comes from this machine's disk, or from the page itself."""
OFF_THE_NETWORK = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-sync",
    "--no-pings",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OFF_THE_NETWORK])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(
    browser: Browser, *, origins: Sequence[str] = (), forgiven: Sequence[str] = (), **options: Any
) -> Iterator[Page]:
    """A window of its own, without cookies; fails at its end where anything was wrong in it.

    Wrong is: a request that leaves the disk (but to the `origins`, such as
    `http://127.0.0.1:3001`), an error in the console (but one that contains a text of `forgiven`),
    an exception that a script does not catch, a dialog, a crash. The `options` are those of a
    Playwright context: `color_scheme`, `viewport` …
    """
    with browser.new_context(accept_downloads=True, **options) as context:
        troubles: list[str] = []
        _watch(context, origins, troubles)
        yield context.new_page()
        found = [one for one in troubles if not any(text in one for text in forgiven)]
        assert not found, "\n".join(found)


def _watch(context: BrowserContext, origins: Sequence[str], troubles: list[str]) -> None:
    """Refuse what leaves the disk, and write down all that goes wrong."""

    def is_allowed(url: str) -> bool:
        parts = urlsplit(url)
        return parts.scheme in LOCAL or f"{parts.scheme}://{parts.netloc}" in origins

    def let_through(route: Route) -> None:
        if is_allowed(route.request.url):
            route.continue_()
        else:
            route.abort()

    def note(request: Request) -> None:
        if not is_allowed(request.url):
            troubles.append(f"asked the network for {request.url}")

    def watch(page: Page) -> None:
        page.on("request", note)
        page.on(
            "console",
            lambda said: troubles.append(f"console: {said.text}") if said.type == "error" else None,
        )
        page.on("pageerror", lambda error: troubles.append(f"not caught: {error}"))
        page.on("crash", lambda _: troubles.append("the page has crashed"))

        def dismiss(dialog: Any) -> None:
            troubles.append(f"a dialog: {dialog.message}")
            dialog.dismiss()

        page.on("dialog", dismiss)

    context.route("**/*", let_through)
    context.on("page", watch)


def url(page: Path) -> str:
    """The address of a page on the disk, as a reader opens it."""
    return page.resolve().as_uri()

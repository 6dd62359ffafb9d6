"""Takes the pictures in docs/pictures, of a company of its own, in the system's Chromium.

`make pictures`; it takes some minutes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from ingestion.paths import PROJECT
from tests.eyes.windows import chromium
from tests.orchestration.copies import Copy
from tests.orchestration.uis import Ui, opened
from tests.runs import run
from tests.store import made_once

FOLDER = PROJECT / "docs" / "pictures"
DEFAULT = PROJECT / "company.yml"
SCALE = "0.1"
PATIENCE = 60_000
"""Milliseconds."""
SIZE = {"width": 1280, "height": 900}
STILL = "* { animation: none !important; transition: none !important; caret-color: transparent; }"


@dataclass(frozen=True)
class Shot:
    """A picture: which page, by whose server, and what it must show for the picture to be of it.

    `texts` are shown somewhere; `links` are what its links lead to, from the page's own address.
    """

    name: str
    path: str
    texts: tuple[str, ...]
    links: tuple[str, ...] = ()
    is_of_dagster: bool = False

    def visit(self, ui: Ui, page: Page) -> None:
        """Open it in a window; fails unless it shows what it must."""
        port = ui.port if self.is_of_dagster else ui.pages
        page.goto(f"http://127.0.0.1:{port}{self.path}")
        for text in self.texts:
            shown = page.get_by_text(re.compile(re.escape(text), re.IGNORECASE))
            expect(shown.locator("visible=true").first).to_be_visible(timeout=PATIENCE)
        for link in self.links:
            target = link.format(pages=f"http://127.0.0.1:{ui.pages}")
            expect(page.locator(f"a[href='{target}']").first).to_be_visible(timeout=PATIENCE)
        if not self.is_of_dagster:
            expect(page.locator("svg, canvas").first).to_be_visible(timeout=PATIENCE)


SHOTS = (
    Shot(
        "overview",
        "/dashboard/index.html",
        ("Overview", "Revenue won", "Win rate", "records"),
        ("pipeline.html", "money.html", "quality.html", "trust.html"),
    ),
    Shot("pipeline", "/dashboard/pipeline.html", ("Pipeline", "What moved"), ("index.html",)),
    Shot("money", "/dashboard/money.html", ("Marketing and finance",), ("index.html",)),
    Shot("quality", "/dashboard/quality.html", ("Data quality", "What to fix first")),
    Shot(
        "dagster-published",
        "/assets/published/marts",
        ("Open the dashboards", "revenue won", "Row count", "Freshness policy"),
        ("{pages}/dashboard/index.html",),
        is_of_dagster=True,
    ),
    Shot("dagster-runs", "/runs", ("Success", "daily"), is_of_dagster=True),
    Shot(
        "dagster-lineage",
        "/asset-groups",
        ("sources", "staging", "kpis", "reports", "published"),
        is_of_dagster=True,
    ),
)


def take(ui: Ui, browser: Browser, folder: Path) -> None:
    """Take all pictures."""
    for shot in SHOTS:
        with browser.new_context(viewport=SIZE, color_scheme="light") as context:  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(PATIENCE)
            shot.visit(ui, page)
            page.wait_for_timeout(2000)
            page.screenshot(path=folder / f"{shot.name}.png", style=STILL)


def _founded(folder: Path) -> None:
    file = folder / "company" / DEFAULT.name
    file.parent.mkdir()
    file.write_bytes(DEFAULT.read_bytes())
    done = run(file, folder / "data", "--scale", SCALE)
    assert done.returncode == 0, done.stderr


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    company = Copy(made_once("pictures", _founded, DEFAULT))
    with opened(company) as served, chromium() as started:
        served.location()
        take(served, started, FOLDER)

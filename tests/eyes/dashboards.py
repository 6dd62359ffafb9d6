"""A page of the dashboards in a window: its boards, numbers, filters and downloads."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Locator, Page
from playwright.sync_api import Error as PlaywrightError

from tests.eyes.windows import opened, url
from tests.kpis.companies import Published

PAGES = ("index", "pipeline", "velocity", "money", "quality", "trust")
"""The pages that all may read."""
PEOPLE = "people"
PHONE = {"width": 420, "height": 900}
DESK = {"width": 1280, "height": 900}
SERIOUS = ("serious", "critical")


def file_of(company: Published, name: str) -> Path:
    """The file of a page; that of people lies where only its audience gets."""
    published = company.folder / "published"
    folder = published / ("people" if name == PEOPLE else "dashboard")
    return folder / f"{name}.html"


@dataclass(frozen=True)
class Row:
    """A row of a table: its texts, and the numbers and keys behind them, by column."""

    texts: Mapping[str, str]
    values: Mapping[str, float | None]
    key: str | None


@dataclass(frozen=True)
class Dashboard:
    """A page that is shown in a window."""

    page: Page

    def __post_init__(self) -> None:
        self.wait()

    def wait(self) -> None:
        """Until all is drawn."""
        try:
            self.page.locator("html[data-ready=drawn]").wait_for(timeout=20_000)
        except PlaywrightError:
            raise AssertionError(f"{self.page.url} is not drawn") from None

    @property
    def boards(self) -> Sequence[str]:
        """The boards by their place."""
        return self.page.locator("[data-board]").evaluate_all("all => all.map(one => one.id)")

    def board(self, name: str) -> Locator:
        """The place of a board."""
        return self.page.locator(f"[id='{name}']")

    def choose(self, **filters: str) -> None:
        """Choose by what stands in the filters: `grain="Quarters", cut="Team"`."""
        for name, label in filters.items():
            select = self.page.locator(f"#filters select[name={name}]")
            select.select_option(label=label, timeout=5_000)
        self.wait()

    def choices(self, name: str) -> Sequence[str]:
        """What a filter offers, in its order."""
        options = self.page.locator(f"#filters select[name={name}] option")
        return options.evaluate_all("all => all.map(one => one.textContent)")

    def tiles(self) -> Mapping[str, Mapping[str, Any]]:
        """What the tiles say, by board."""
        return {
            one["id"]: one
            for one in self.page.locator(".tile").evaluate_all(
                """all => all.map(one => ({
                    id: one.id,
                    value: one.querySelector('.value').dataset.value,
                    text: one.querySelector('.value').textContent,
                    cut: one.dataset.cut,
                    sample: one.querySelector('.sample').textContent,
                    target: one.querySelector('.target').textContent,
                    change: one.querySelector('.change').textContent,
                }))"""
            )
        }

    @cached_property
    def data(self) -> Mapping[str, Any]:
        """What the page carries."""
        return json.loads(self.page.locator("#data").text_content() or "")

    def shown_keys(self, name: str) -> set[str]:
        """The keys that the page has of the cut by which a board is shown."""
        of = self.board(name).get_attribute("data-cut")
        return {key for cut in self.data["cuts"] if cut["name"] == of for key in cut["keys"]}

    def starts(self, grain: str) -> set[dt.date]:
        """The first days of the periods of a grain that the page has."""
        [of] = [one for one in self.data["grains"] if one["name"] == grain]
        return {dt.date.fromisoformat(start) for start in of["starts"]}

    def rows(self, name: str) -> Sequence[Row]:
        """The rows of a board's table, which is opened for it."""
        found = self.board(name).evaluate(
            """async place => {
                const details = place.querySelector('.numbers');
                if (!details.open) {
                    details.open = true;
                    const toggled = {once: true};
                    await new Promise(done => details.addEventListener('toggle', done, toggled));
                }
                const table = details.querySelector('table');
                const heads = [...table.querySelectorAll('thead th')].map(one => one.textContent);
                const by = (row, of) => [...row.cells].map((cell, i) => [heads[i], of(cell)]);
                return [...table.querySelectorAll('tbody tr')].map(row => ({
                    texts: by(row, cell => cell.textContent),
                    values: by(row, cell => cell.dataset.value),
                    key: by(row, cell => cell.dataset.key).find(([_, key]) => key !== undefined),
                }));
            }"""
        )
        return [
            Row(
                dict(row["texts"]),
                {name: None if value is None else float(value) for name, value in row["values"]},
                row["key"][1] if row.get("key") else None,
            )
            for row in found
        ]

    def download(self, name: str) -> bytes:
        """What the button of a board saves."""
        with self.page.expect_download(timeout=10_000) as saved:
            self.board(name).locator("button.csv").click()
        return Path(saved.value.path()).read_bytes()

    def downloaded(self, name: str) -> list[list[str]]:
        """The cells of a board's download, as a spreadsheet reads them."""
        text = self.download(name).decode("utf-8-sig")
        return list(csv.reader(io.StringIO(text, newline="")))

    def hindrances(self, **options: Any) -> list[str]:
        """What axe finds serious or worse, with the first place of each."""
        self.page.evaluate(AXE_SCRIPT)
        found = self.page.evaluate(
            "options => axe.run(document, options)", {"resultTypes": ["violations"], **options}
        )
        return [
            f"{one['id']} ({len(one['nodes'])}): {one['help']}: {one['nodes'][0]['html'][:200]}"
            f" {one['nodes'][0].get('failureSummary', '')[:300]}"
            for one in found["violations"]
            if one["impact"] in SERIOUS
        ]


@contextmanager
def shown(browser: Browser, company: Published, name: str, **options: Any) -> Iterator[Dashboard]:
    """A page of a company's in a window of its own, drawn; fails at its end for any trouble."""
    with opened(browser, **({"viewport": DESK} | options)) as page:
        page.goto(url(file_of(company, name)))
        yield Dashboard(page)

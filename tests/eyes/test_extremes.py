"""Dashboards of companies with nothing, with one deal, and with many reps and hostile names.

The many are 3,000 at length only.
"""

from __future__ import annotations

import random
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from dagster_project.dashboard.pages import write_pages
from dagster_project.publication import open_published
from ingestion.company.reading import load_company
from tests.eyes import companies
from tests.eyes.companies import HOSTILE, REPS, SCRIPT
from tests.eyes.comparison import compare, compare_table, compare_tiles
from tests.eyes.conftest import Open
from tests.eyes.dashboards import PAGES, PEOPLE, PHONE, file_of, shown
from tests.eyes.published_numbers import Numbers, plain
from tests.eyes.windows import url
from tests.kpis.companies import Published
from tests.thorough import at_length, thorough

EXTREMES: dict[str, Callable[[], Published]] = {
    "empty": companies.empty,
    "one deal": companies.one_deal,
    "crowd": companies.crowd,
}
SHOWN = {
    "empty": ("index", "velocity", "quality", PEOPLE),
    "one deal": ("index", "pipeline", "money", "trust"),
    # Its other pages are read and downloaded from below.
    "crowd": ("index", "velocity", "trust"),
}
"""Every page of one of them at least; at length all of each."""
LARGEST = 3_000_000
LONGEST = 10
"""CPU seconds that all pages may take, once Vega is bundled."""
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
UNDRAWN = """all => all.filter(one => {
    const svg = one.querySelector('.chart svg');
    const isDrawn = svg && svg.querySelector('[class*=mark-]');
    const sentence = one.querySelector('.empty');
    return !isDrawn && !(sentence && sentence.textContent.trim());
}).map(one => one.id)"""


@pytest.fixture(scope="module")
def crowd() -> Published:
    """Many reps, and hostile names wherever there are names."""
    return companies.crowd()


@pytest.fixture(scope="module")
def numbers(crowd: Published) -> Iterator[Numbers]:
    """What is published of the crowd."""
    with open_published(crowd.folder / "published" / "salesops.duckdb") as connection:
        yield Numbers(connection)


def pages_of_extremes() -> Iterator[Any]:
    for extreme in EXTREMES:
        for page in (*PAGES, PEOPLE):
            marks = () if page in SHOWN[extreme] else thorough
            yield pytest.param(extreme, page, id=f"{extreme}-{page}", marks=marks)


@pytest.mark.parametrize(("extreme", "page"), pages_of_extremes())
def test_a_page_renders(browser: Browser, extreme: str, page: str) -> None:
    """Every board has its picture, or a sentence that says why not; on a phone, too."""
    company = EXTREMES[extreme]()
    assert file_of(company, page).stat().st_size <= LARGEST
    with shown(browser, company, page, viewport=PHONE) as dashboard:
        assert dashboard.page.locator(".board").evaluate_all(UNDRAWN) == []
        assert dashboard.page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        text = dashboard.page.locator("body").inner_text()
        for word in ("undefined", "NaN", "null", "Infinity", "[object"):
            assert word not in text.replace("Nullable", ""), word


def test_a_single_deal_is_told_in_the_companys_money_and_words(browser: Browser) -> None:
    company = companies.one_deal()
    with shown(browser, company, "index") as dashboard:
        tiles = dashboard.tiles()
        assert tiles["tile-revenue_won-default"]["text"].replace("\xa0", " ") in (
            *("1.234.567 ¥", "1.234.567 JP¥", "1,235 Mio. ¥"),
        )
        assert tiles["tile-deals_won-default"]["text"] == "1"
        assert tiles["tile-win_rate-default"]["text"].replace("\xa0", " ") == "100 %"
        [row] = [
            row for row in dashboard.rows("trend-revenue_won-default") if row.values["Records"]
        ]
        assert "1.234.567" in "".join(row.texts.values())


@pytest.mark.parametrize("page", at_length(["index", "pipeline", "money"], "index", "money"))
def test_hostile_names_are_nothing_but_text(browser: Browser, crowd: Published, page: str) -> None:
    """They make no element, and each is there as it was written."""
    with shown(browser, crowd, page) as dashboard:
        made = "document.querySelectorAll('body script, img, [onload], [onerror]').length"
        scripts = "document.querySelectorAll('script').length"
        assert dashboard.page.evaluate(f"{made} - {scripts}") == 0
        assert SCRIPT in dashboard.page.title()
        dashboard.choose(cut="Region")
        assert {plain(it) for it in HOSTILE} <= {plain(it) for it in dashboard.choices("key")}


@pytest.mark.parametrize(
    "key", at_length([SCRIPT, "__proto__", "constructor", "all"], "__proto__", "all")
)
def test_the_numbers_of_a_hostile_name_are_its_own(
    browser: Browser, crowd: Published, numbers: Numbers, key: str
) -> None:
    with shown(browser, crowd, "index") as dashboard:
        dashboard.choose(grain="Quarters", cut="Region")
        [option] = [it for it in dashboard.choices("key")[1:] if plain(it) == key]
        dashboard.choose(key=option)
        assert compare_tiles(dashboard, numbers, "quarter", key) > 10
        compare_table(dashboard, numbers, "trend-win_rate-default", "quarter")
        compare_table(dashboard, numbers, "bars-revenue_won-default", "quarter")


def test_downloads_are_harmless(browser: Browser, crowd: Published) -> None:
    """No cell is a formula, and nothing but what guards it is added to a name."""
    found: set[str] = set()
    for page in ("index", "pipeline", "money", "quality", PEOPLE):
        with shown(browser, crowd, page) as dashboard:
            if page == "index":
                dashboard.choose(cut="Team")
            # Trends of the whole company have no names; a browser saves ten files at a time.
            for name in [it for it in dashboard.boards if page == "index" or "trend-" not in it]:
                button = dashboard.board(name).locator("button.csv")
                if not button.count() or not button.is_visible():
                    continue
                header, *lines = dashboard.downloaded(name)
                rows = dashboard.rows(name)
                assert len(rows) == len(lines)
                for row, line in zip(rows, lines, strict=True):
                    assert len(line) == len(header), f"{page} {name}: {line}"
                    # After the table's columns come those that only a download has.
                    numbers = [value is not None for value in row.values.values()]
                    for is_number, cell in zip_longest(numbers, line, fillvalue=False):
                        assert is_number or not cell.startswith(FORMULAS), f"{page} {name}: {line}"
                        if not is_number and cell.startswith("'"):
                            found.add(cell[1:])
    assert len(found & set(HOSTILE)) >= 4, found


def test_of_3000_reps_those_with_most_records_are_shown_and_the_others_told(
    browser: Browser, crowd: Published, numbers: Numbers
) -> None:
    with shown(browser, crowd, "index") as dashboard:
        dashboard.choose(cut="Rep")
        reps = len(dashboard.choices("key")) - 1
        state = dashboard.page.locator("#filters .state").text_content() or ""
        assert f"{REPS - reps:,} more" in state or f"{REPS + 1 - reps:,} more" in state
        sample = dashboard.board("bars-revenue_won-default").locator(".sample").text_content()
        assert "more, not shown" in (sample or "")
        chance = random.Random(3000)
        for _ in range(2):
            assert compare(dashboard, numbers, chance, "Rep") > 10


def test_data_docs_take_hostile_names_for_text(window: Open, crowd: Published) -> None:
    docs = crowd.folder / "data_docs"
    pages = sorted(docs.rglob("*.html"), key=lambda page: page.stat().st_size)[-2:]
    with window() as page:
        for one in (docs / "index.html", *pages):
            page.goto(url(one))


def test_all_pages_of_3000_reps_are_written_in_time(crowd: Published, tmp_path: Path) -> None:
    for name in ("salesops.duckdb", "people.duckdb"):
        shutil.copy(crowd.folder / "published" / name, tmp_path)
    company = load_company(crowd.company)
    write_pages(tmp_path, company)
    start = time.process_time()
    write_pages(tmp_path, company)
    assert time.process_time() - start < LONGEST

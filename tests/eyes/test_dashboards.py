"""The default company's dashboards in a browser without a network."""

from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from dagster_project.publication import open_published
from ingestion.paths import PROJECT
from tests.eyes.dashboards import DESK, PAGES, PEOPLE, PHONE, Dashboard, shown
from tests.eyes.published_numbers import CUTS, GRAINS, Number, Numbers, is_told, read
from tests.kpis.companies import Published
from tests.people.company import default_company

LARGEST = 3_000_000
KPI_PAGES = ("index", "pipeline", "velocity", "money")
"""The pages with boards of KPIs, which can be filtered."""
OF_A_PAGE = 60
"""Boards of each page that are compared, each with filters of its own; over 200 in all."""


@pytest.fixture(scope="module")
def company() -> Published:
    """The default company, a fifth of its size."""
    return Published(PROJECT / "company.yml", default_company())


@pytest.fixture(scope="module")
def numbers(company: Published) -> Iterator[Numbers]:
    """Its published numbers."""
    with open_published(company.folder / "published" / "salesops.duckdb") as connection:
        yield Numbers(connection, year_begins_in=2)


@pytest.fixture(scope="module", params=[*PAGES, PEOPLE])
def dashboard(
    browser: Browser, company: Published, request: pytest.FixtureRequest
) -> Iterator[Dashboard]:
    """A page, shown once for all tests; whatever goes wrong in it fails the last of them."""
    with shown(browser, company, request.param) as page:
        yield page


def test_every_board_is_drawn(dashboard: Dashboard) -> None:
    assert dashboard.boards
    undrawn = dashboard.page.locator(".board").evaluate_all(
        """all => all.filter(one => {
            const svg = one.querySelector('.chart svg');
            const marks = svg ? svg.querySelectorAll('.mark-group path, .mark-rect path,'
                + ' .mark-symbol path, .mark-line path, .mark-rule line, .mark-text text') : [];
            const box = svg && svg.getBoundingClientRect();
            const sentence = one.querySelector('.empty');
            return !(sentence && sentence.textContent) && !(marks.length && box.width > 100 && box.height > 20);
        }).map(one => one.id)"""
    )
    assert undrawn == []


def test_every_board_says_what_it_is(dashboard: Dashboard) -> None:
    """A title, a note, what the picture says, the definition, the sample and the moment."""
    told = dashboard.page.locator(".board").evaluate_all(
        """all => all.map(one => [one.id, ['h3', '.note', '.sample', '.words'].map(
            part => one.querySelector(part).textContent.trim()),
            one.querySelector('.chart').hidden || one.querySelector('.chart').getAttribute('aria-label')])"""
    )
    wanting = [(name, texts) for name, texts, label in told if not all(texts) or not label]
    assert wanting == []
    titles = dashboard.page.locator(".board h3").evaluate_all(
        "all => all.map(one => one.textContent)"
    )
    for (name, _, label), title in zip(told, titles, strict=True):
        assert label is True or len(label) > len(title), f"{name} does not say its message: {label}"


def test_nothing_hinders_anybody(dashboard: Dashboard) -> None:
    assert dashboard.hindrances() == []


def test_it_can_be_read_in_the_dark(dashboard: Dashboard) -> None:
    dashboard.page.emulate_media(color_scheme="dark")
    try:
        background = dashboard.page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, re.findall(r"\d+", background)[:3])) < 64
        only = {"runOnly": {"type": "rule", "values": ["color-contrast"]}}
        assert dashboard.hindrances(**only) == []
    finally:
        dashboard.page.emulate_media(color_scheme="light")


def test_it_fits_a_phone(dashboard: Dashboard) -> None:
    dashboard.page.set_viewport_size(PHONE)
    try:
        dashboard.page.wait_for_timeout(300)
        over = dashboard.page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert over == [PHONE["width"], PHONE["width"]]
        shrunk = dashboard.page.locator(".chart:not([hidden]) svg").evaluate_all(
            """all => all.filter(svg => svg.getBoundingClientRect().width
                < 0.8 * (svg.viewBox.baseVal.width || svg.width.baseVal.value))
                .map(svg => svg.closest('[data-board]').id)"""
        )
        assert shrunk == [], "texts of these charts are too small to read on a phone"
    finally:
        dashboard.page.set_viewport_size(DESK)


def test_paper_has_the_numbers(dashboard: Dashboard) -> None:
    assert dashboard.page.pdf(format="A4").startswith(b"%PDF")
    dashboard.page.emulate_media(media="print")
    try:
        unseen = dashboard.page.locator(".board:not([data-drawn=empty])").evaluate_all(
            """all => all.filter(one => !(one.querySelector('tbody tr')
                && one.querySelector('tbody').getBoundingClientRect().height > 0)).map(one => one.id)"""
        )
        assert unseen == []
    finally:
        dashboard.page.emulate_media(media="screen")


def test_a_download_is_the_table(dashboard: Dashboard) -> None:
    names = dashboard.page.locator(".board:not([data-drawn=empty])").evaluate_all(
        "all => all.map(one => one.id)"
    )
    for name in random.Random(16).sample(names, min(4, len(names))):
        [header, *cells] = dashboard.downloaded(name)
        rows = dashboard.rows(name)
        assert len(rows) == len(cells) > 0, name
        for row, line in zip(rows, cells, strict=True):
            assert list(row.texts) == header, name
            numbers = dict(zip(header, line, strict=True))
            for column, value in row.values.items():
                if value is not None:
                    assert float(numbers[column]) == value, f"{name}: {column} of {line}"
                    assert is_told(row.texts[column], value), f"{name}: {column} of {row.texts}"


@pytest.mark.parametrize("page", KPI_PAGES)
def test_numbers_are_those_published(
    browser: Browser, company: Published, numbers: Numbers, page: str
) -> None:
    """Whatever is chosen: each tile and table says what `kpi_values` says, and nothing is missing."""
    chance = random.Random(page)
    compared = 0
    with shown(browser, company, page) as dashboard:
        while compared < OF_A_PAGE:
            grain = chance.choice(dashboard.choices("grain"))
            dashboard.choose(grain=grain)
            dashboard.choose(period=chance.choice(dashboard.choices("period")[:24]))
            cut = chance.choice([one for one in dashboard.choices("cut") if one in CUTS])
            dashboard.choose(cut=cut)
            key = None
            if cut != "Whole company" and chance.random() < 0.7:
                key = chance.choice(dashboard.choices("key")[1:])
                dashboard.choose(key=key)
            tiles = _compare_tiles(dashboard, numbers, GRAINS[grain], key)
            boards = [name for name in dashboard.boards if name.startswith(("trend-", "bars-"))]
            for name in chance.sample(boards, 4):
                _compare_table(dashboard, numbers, name, GRAINS[grain])
            compared += tiles + 4


def _chosen(dashboard: Dashboard, name: str) -> str:
    select = dashboard.page.locator(f"#filters select[name={name}]")
    return select.evaluate("one => one.selectedOptions[0].textContent")


def _compare_tiles(dashboard: Dashboard, numbers: Numbers, grain: str, label: str | None) -> int:
    label_of_period = _chosen(dashboard, "period")
    start = numbers.period(grain, label_of_period)
    tiles = dashboard.tiles()
    for name, tile in tiles.items():
        _, metric, variant = name.split("-")
        cut = tile["cut"]
        keys = ["all"] if cut == "company" else numbers.labels(cut)[label or ""]
        told = f"{name} of {grain} {start}, {cut} {label}: {tile}"
        found = [numbers.of(metric, variant, grain, cut, key).get((start, key)) for key in keys]
        value = None if tile["value"] is None else float(tile["value"])
        assert any(_is_same(value, one) for one in found), f"{told}, but {found}"
        [number] = [one for one in found if _is_same(value, one)][:1]
        assert is_told(tile["text"], value), told
        if number:
            assert read(tile["sample"])[0] == number.n_included, told
        targets = [
            target
            for key in keys
            for target in numbers.targets(metric, variant, grain, start, cut, key)
        ]
        assert bool(tile["target"]) == bool(targets), f"{told}, but {targets}"
        if targets:
            assert any(is_told(tile["target"], target) for target in targets), f"{told}: {targets}"
    return len(tiles)


def _compare_table(dashboard: Dashboard, numbers: Numbers, name: str, grain: str) -> None:
    mark, metric, variant = name.split("-")
    cut = dashboard.board(name).get_attribute("data-cut")
    rows = dashboard.rows(name)
    title = dashboard.board(name).locator("h3").text_content()
    if not rows:
        return
    [_, *cells] = dashboard.downloaded(name)
    published = numbers.of(metric, variant, grain, cut)
    seen = set()
    for row, line in zip(rows, cells, strict=True):
        at = (dt.date.fromisoformat(line[0]), row.key or "all")
        number = published.get(at)
        told = f"{name} of {grain} {at}: {row}"
        if number is None:
            assert (metric, variant) in numbers.adds_up, told
            assert row.values[title] == row.values["Records"] == row.values["Left out"] == 0, told
            continue
        assert _is_same(row.values[title], number), f"{told}, but {number}"
        assert is_told(row.texts[title], number.value), told
        assert row.values["Records"] == number.n_included, f"{told}, but {number}"
        assert row.values["Left out"] == number.n_excluded, f"{told}, but {number}"
        seen.add(at)
    starts = {start for start, _ in seen}
    keys = {key for _, key in seen}
    missing = [
        (start, key)
        for start, key in published
        if key in keys
        and starts
        and min(starts) <= start <= max(starts)
        and (start, key) not in seen
    ]
    if mark == "trend":
        assert missing == [], f"{name}, {grain} by {cut}"


def _is_same(value: float | None, number: Number | None) -> bool:
    """Whether a page has what is published, to the cent, and of a share to the millionth."""
    if number is None:
        return value in (None, 0)
    if value is None or number.value is None:
        return value is number.value
    return abs(value - number.value) <= 5.1e-5 * max(1, 1e-9 * abs(value))

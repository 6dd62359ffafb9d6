"""The default company's dashboards in a browser without a network."""

from __future__ import annotations

import random
import re
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page

from dagster_project.dashboard.pages import write_pages
from dagster_project.numbers.headlines import RIPENING
from dagster_project.publication import open_published
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from tests.eyes.comparison import compare
from tests.eyes.dashboards import DESK, PAGES, PEOPLE, PHONE, Dashboard, file_of, shown
from tests.eyes.published_numbers import Numbers, is_told
from tests.kpis.companies import Published
from tests.people.company import default_company
from tests.thorough import IS_THOROUGH, thorough

Show = Callable[[str], Dashboard]
LARGEST = 3_000_000
KPI_PAGES = ("index", "pipeline", "velocity", "money")
"""The pages with boards of KPIs, which can be filtered."""
RESTING = ("marketing_spend", "cost_per_lead", "customer_acquisition_cost", "cac_payback_months")
"""The tiles that rest on costs."""
OF_A_PAGE = 54 if IS_THOROUGH else 9
"""Boards of each page that are compared, those of one choice of filters; at length over 200."""
OF_A_PAIR = 3 if IS_THOROUGH else 1
"""Choices of filters for which a page by pairs is compared."""


@pytest.fixture(scope="module")
def company() -> Published:
    """The default company, a fifth of its size."""
    return Published(PROJECT / "company.yml", default_company())


@pytest.fixture(scope="module")
def numbers(company: Published) -> Iterator[Numbers]:
    """Its published numbers."""
    with open_published(company.folder / "published" / "salesops.duckdb") as connection:
        yield Numbers(connection, year_begins_in=2)


@pytest.fixture(scope="module")
def unfiltered(browser: Browser, company: Published) -> Iterator[Show]:
    """Shows a page in which nothing is chosen, once for all tests.

    Whatever goes wrong in it fails the last test of all.
    """
    with ExitStack() as windows:

        @cache
        def show(name: str) -> Dashboard:
            return windows.enter_context(shown(browser, company, name))

        yield show


@pytest.fixture(scope="module", params=[*PAGES, PEOPLE])
def dashboard(unfiltered: Show, request: pytest.FixtureRequest) -> Dashboard:
    """Each page in turn."""
    return unfiltered(request.param)


@pytest.fixture(scope="module")
def script(unfiltered: Show) -> Page:
    """A page whose functions are called."""
    return unfiltered("index").page


def test_every_board_is_drawn(dashboard: Dashboard) -> None:
    assert dashboard.boards
    undrawn = dashboard.page.locator(".board").evaluate_all(
        """all => all.filter(one => {
            const svg = one.querySelector('.chart svg');
            const marks = svg ? svg.querySelectorAll('.mark-group path, .mark-rect path,'
                + ' .mark-symbol path, .mark-line path, .mark-rule line, .mark-text text') : [];
            const box = svg && svg.getBoundingClientRect();
            const sentence = one.querySelector('.empty');
            const isDrawn = marks.length && box.width > 100 && box.height > 20;
            return !isDrawn && !(sentence && sentence.textContent);
        }).map(one => one.id)"""
    )
    assert undrawn == []


def test_every_board_says_what_it_is(dashboard: Dashboard) -> None:
    """A title, a note, what the picture says, the definition, the sample and the moment."""
    told = dashboard.page.locator(".board").evaluate_all(
        """all => all.map(one => {
            const text = part => one.querySelector(part).textContent.trim();
            const chart = one.querySelector('.chart');
            const message = chart.hidden || chart.getAttribute('aria-label');
            return [one.id, ['h3', '.note', '.sample', '.words'].map(text), message];
        })"""
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
            """all => all.filter(one => {
                const body = one.querySelector('tbody');
                return !body || !body.rows.length || !body.getBoundingClientRect().height;
            }).map(one => one.id)"""
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
        # A spreadsheet is told units and the moment, which a page says elsewhere.
        assert header[-1] == "As of"
        for row, line in zip(rows, cells, strict=True):
            assert all(map(str.startswith, header, row.texts)), name
            numbers = dict(zip(row.texts, line, strict=False))
            for column, value in row.values.items():
                if value is not None:
                    assert float(numbers[column]) == value, f"{name}: {column} of {line}"
                    assert is_told(row.texts[column], value), f"{name}: {column} of {row.texts}"


@pytest.mark.parametrize("page", KPI_PAGES)
def test_numbers_are_those_published(
    browser: Browser, company: Published, numbers: Numbers, page: str
) -> None:
    """Whatever is chosen, tiles and tables say what `kpi_values` says, and all of it."""
    chance = random.Random(page)
    compared = 0
    with shown(browser, company, page) as dashboard:
        while compared < OF_A_PAGE:
            compared += compare(dashboard, numbers, chance)


@pytest.mark.parametrize("pair", ["Team × segment", pytest.param("Rep × product", marks=thorough)])
def test_numbers_of_pairs_are_what_their_members_come_to(
    browser: Browser, company: Published, numbers: Numbers, pair: str
) -> None:
    chance = random.Random(pair)
    with shown(browser, company, "pipeline") as dashboard:
        for _ in range(OF_A_PAIR):
            compare(dashboard, numbers, chance, pair)
    with shown(browser, company, "index") as dashboard:
        assert compare(dashboard, numbers, chance, pair) > 20


def test_the_keyboard_is_enough(browser: Browser, company: Published) -> None:
    """From the top of the page: past the navigation, through the filters, into a board."""
    with shown(browser, company, "index") as dashboard:
        page = dashboard.page
        focused = "document.activeElement.name || document.activeElement.className"
        page.keyboard.press("Tab")
        assert page.evaluate(focused) == "skip"
        assert page.locator(".skip").bounding_box()["x"] >= 0
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.id") == "main"
        before = dashboard.tiles()
        names = []
        page.evaluate("document.activeElement.blur(); window.getSelection().removeAllRanges()")
        page.locator("nav a").last.focus()
        for _ in range(3):
            page.keyboard.press("Tab")
            names.append(page.evaluate(focused))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none", f"nobody sees that {names[-1]} is in focus"
        assert names == ["grain", "period", "cut"]
        page.locator("#period").focus()
        page.keyboard.press("ArrowDown")
        dashboard.wait()
        assert dashboard.tiles() != before
        page.locator(".board .numbers summary").first.focus()
        page.keyboard.press("Enter")
        page.locator(".board .numbers[open] tbody tr").first.wait_for(timeout=5_000)
        page.locator(".board button.csv").first.focus()
        with page.expect_download():
            page.keyboard.press("Enter")


def test_filters_change_numbers(browser: Browser, company: Published) -> None:
    with shown(browser, company, "index") as dashboard:
        dashboard.choose(cut="Team")
        told = [dashboard.tiles()]
        for name, place in (("grain", 1), ("period", -6), ("key", 1)):
            dashboard.choose(**{name: dashboard.choices(name)[place]})
            told.append(dashboard.tiles())
        for before, after in pairwise(told):
            assert sum(before[name] != after[name] for name in before) > len(before) / 3


def test_pages_are_small_and_lead_to_each_other(browser: Browser, company: Published) -> None:
    for page in (*PAGES, PEOPLE):
        assert file_of(company, page).stat().st_size <= LARGEST, page
    with shown(browser, company, "index") as dashboard:
        links = dashboard.page.locator("nav a")
        seen = set()
        for number in range(links.count()):
            links.nth(number).click()
            dashboard.wait()
            seen.add(dashboard.page.url.rsplit("/", 1)[1])
            assert links.nth(number).get_attribute("aria-current") == "page"
        assert seen == {f"{page}.html" for page in (*PAGES, PEOPLE)}


def test_the_page_of_people_is_for_its_audience_only(company: Published) -> None:
    """As closed as people.duckdb, and no other page has what is of single people alone."""
    page, folder = file_of(company, PEOPLE), file_of(company, PEOPLE).parent
    closed = (company.folder / "published" / "people.duckdb").stat().st_mode & 0o777
    assert page.stat().st_mode & 0o777 == closed
    assert folder.stat().st_mode & 0o077 == 0


def test_what_is_not_of_the_chosen_part_is_told(browser: Browser, company: Published) -> None:
    """Cash is not known by team: its tile says that it shows the whole company."""
    with shown(browser, company, "index") as dashboard:
        dashboard.choose(cut="Team")
        dashboard.choose(key=dashboard.choices("key")[1])
        tiles = dashboard.tiles().values()
        assert {tile["cut"] for tile in tiles} == {"company", "team"}
        for tile in tiles:
            assert ("this is the whole company" in tile["sample"]) == (tile["cut"] == "company")


def test_what_ripens_is_not_called_worse_for_its_youth(unfiltered: Show) -> None:
    """Of the leads of last month hardly any can have become customers."""
    board = unfiltered("money").board("trend-lead_conversion_rate-default")
    message = board.locator(".message").text_content() or ""
    assert "still ripens" in message
    assert not re.search("better|worse", message)


TOO_LOW = "too low: costs are told to November 2025"


def test_what_rests_on_costs_that_are_not_told_is_never_called_better(
    browser: Browser, company: Published, unfiltered: Show
) -> None:
    """Costs of December are told in January: what is spent on ads alone is no saving."""
    tiles = unfiltered("index").tiles()
    told = {name: tiles[f"tile-{name}-default"]["change"] for name in RESTING}
    assert set(told.values()) == {TOO_LOW}
    assert TOO_LOW not in tiles["tile-return_on_ad_spend-default"]["change"]
    with shown(browser, company, "money") as dashboard:
        name = "trend-marketing_spend-default"
        board = dashboard.board(name)
        assert (board.locator(".message").text_content() or "").endswith(f"in Dec 2025, {TOO_LOW}")
        label = board.locator(".chart").get_attribute("aria-label") or ""
        assert label.endswith(f"{TOO_LOW}.")
        assert board.locator(".mark-symbol path[fill='var(--card)']").count() == 1
        notes = {row.texts["Period"]: row.texts["Note"] for row in dashboard.rows(name)}
        assert [period for period, note in notes.items() if note] == ["Dec 2025"]
        [head, december, *_] = dashboard.downloaded(name)
        assert december[head.index("Note")] == TOO_LOW
        assert float(december[head.index("Marketing spend (USD)")]) > 0
        dashboard.choose(grain="Quarters")
        message = board.locator(".message").text_content() or ""
        assert "better" in message or "worse" in message
        dashboard.choose(grain="Months", cut="Channel")
        sample = board.locator(".sample").text_content() or ""
        assert f"Of \u2068(none)\u2069: {TOO_LOW}." in sample


def test_what_ripens_is_what_the_metrics_say() -> None:

    ripening = set()
    for file in (PROJECT / "dbt" / "models" / "kpis").rglob("*.yml"):
        for model in yaml.safe_load(file.read_text(encoding="utf-8")).get("models", []):
            meta = model.get("config", {}).get("meta", {})
            for variant, said in (meta.get("variants") or {}).items():
                own = said if isinstance(said, dict) else {}
                if own.get("matures", meta.get("matures")):
                    ripening.add((model["name"], variant))
    assert ripening == RIPENING


def test_what_is_of_all_time_is_shown_whatever_is_chosen(
    browser: Browser, company: Published, numbers: Numbers
) -> None:
    published = numbers.of("stalled_value", "default", "all", "stage")
    assert sum(number.n_included for number in published.values()) > 0
    with shown(browser, company, "pipeline") as dashboard:
        for grain in dashboard.choices("grain"):
            dashboard.choose(grain=grain)
            rows = dashboard.rows("bars-stalled_value-default")
            told = {row.key: row.values["Records"] for row in rows}
            assert told == {key: number.n_included for (_, key), number in published.items()}


def test_what_has_no_weeks_says_so(browser: Browser, company: Published) -> None:
    """Not that nothing is open: that is another thing."""
    with shown(browser, company, "pipeline") as dashboard:
        dashboard.choose(grain="Weeks")
        said = "Not counted by week: it has months, quarters, years."
        for name in ("trend-pipeline_value-default", "bars-pipeline_value-default"):
            board = dashboard.board(name)
            assert board.locator(".empty").text_content() == said
            assert not board.locator(".message").text_content()
            assert not board.locator(".sample").text_content()
            assert not board.locator("button.csv").is_visible()
        dashboard.choose(grain="Months")
        assert board.locator("button.csv").is_visible()
        assert "records" in (board.locator(".sample").text_content() or "")
    with shown(browser, company, "index") as dashboard:
        dashboard.choose(grain="Weeks")
        assert dashboard.tiles()["tile-mrr-default"]["sample"] == said


def test_fiscal_periods_say_their_months(browser: Browser, company: Published) -> None:
    """The default company's years begin in February, and bear the year in which they end."""
    with shown(browser, company, "pipeline") as dashboard:
        for grain, first in (
            ("Quarters", "FY2026 Q3 (Aug–Oct 2025)"),
            ("Years", "FY2025 (Feb 2024–Jan 2025)"),
        ):
            dashboard.choose(grain=grain)
            state = dashboard.page.locator("#filters .state").text_content() or ""
            assert first in re.sub(r"\s*–\s*", "–", state)
        bridge = dashboard.board("bridge").locator(".message").text_content() or ""
        assert re.match(r"FY\d{4} Q\d \(\w{3}.* – .*\): ", bridge.replace("\u2009", " ")), bridge


def test_boards_that_filters_do_not_change_say_so(unfiltered: Show) -> None:
    for page, count in (("pipeline", 1), ("index", 0), ("quality", 0)):
        told = unfiltered(page).page.get_by_text("the filters above do not change these")
        assert told.count() == count


def test_drawn_targets_are_told(browser: Browser, company: Published) -> None:
    with shown(browser, company, "index") as dashboard:
        dashboard.choose(grain="Quarters")
        for name, is_told_of in (("win_rate", True), ("revenue_won", False)):
            board = dashboard.board(f"trend-{name}-default")
            sample = board.locator(".sample").text_content() or ""
            assert ("are targets" in sample) == is_told_of
            assert ("Target" in str(dashboard.rows(f"trend-{name}-default")[:1])) == is_told_of


@pytest.mark.parametrize(
    ("before", "now", "text", "word"),
    [
        (0.9, 0.9002, "0 points", ""),
        (0.9, 0.91, "+1 point", "better"),
        (0.9, 0.88, "−2 points", "worse"),
    ],
)
def test_a_change_that_is_shown_as_none_is_none(
    script: Page, before: float, now: float, text: str, word: str
) -> None:
    told = script.evaluate(
        """([before, now]) => change({unit: "ratio", kind: "share", better: "up"},
            {value: now, records: 100}, {value: before, records: 100})""",
        [before, now],
    )
    assert (told["text"], told["word"]) == (text, word)


def test_a_download_says_what_it_is(browser: Browser, company: Published) -> None:
    with shown(browser, company, "index") as dashboard:
        dashboard.choose(grain="Quarters", cut="Team")
        for name, unit in (("revenue_won", "USD"), ("win_rate", "share of 1")):
            [header, first, *_] = dashboard.downloaded(f"trend-{name}-default")
            assert header[2].endswith(f" ({unit})")
            line = dict(zip(header, first, strict=True))
            assert re.fullmatch(r"FY\d{4} Q\d \(.*\)( \((so far|to come)\))?", line["Period"])
            assert line["Grain"] == "quarter"
            assert line["As of"] == "2026-01-01 00:00 UTC"
        with dashboard.page.expect_download() as saved:
            dashboard.board("trend-win_rate-default").locator("button.csv").click()
        assert saved.value.suggested_filename == "index-trend-win_rate-default-quarter-team.csv"


def test_a_period_that_has_not_begun_is_to_come(browser: Browser, company: Published) -> None:
    """Deals are due in months to come."""
    with shown(browser, company, "pipeline") as dashboard:
        options = dashboard.choices("period")
        assert options[0].endswith(" (to come)")
        assert [one for one in options if "so far" in one] == ["Jan 2026 (so far)"]
        dashboard.choose(period=options[0])
        state = dashboard.page.locator("#filters .state").text_content() or ""
        assert "to come" in state
        assert "so far" not in state


def test_bars_of_what_ripens_say_so(unfiltered: Show) -> None:
    sample = unfiltered("velocity").board("bars-stage_conversion_rate-default").locator(".sample")
    assert "still ripens" in (sample.text_content() or "")


def test_a_tile_has_its_numbers(unfiltered: Show, numbers: Numbers) -> None:
    rows = unfiltered("index").rows("tile-quota_attainment-default")
    told = {row.values["Quota attainment"] for row in rows}
    published = numbers.of("quota_attainment", "default", "month", "company")
    assert len(rows) > 12
    assert told <= {round(one.value, 8) for one in published.values() if one.value is not None}


def test_a_page_speaks_numbers_and_months_of_its_locale(
    browser: Browser, company: Published, tmp_path: Path
) -> None:
    """Those of charts, too, whose words Vega writes."""
    folder = tmp_path / "sandbox" / "published"
    folder.mkdir(parents=True)
    for name in ("salesops.duckdb", "people.duckdb"):
        shutil.copy(company.folder / "published" / name, folder)
    write_pages(folder, load_company(company.company).model_copy(update={"locale": "de-DE"}))
    with shown(browser, Published(company.company, folder.parent), "money") as dashboard:
        words = " ".join(dashboard.board("receivables").locator("svg text").all_text_contents())
        assert re.search(r"\bOkt\.? 2025", words)
        assert not re.search(r"\bOct 2025", words)
        message = dashboard.board("receivables").locator(".message").text_content() or ""
        assert re.search(r"\d{1,3}\.\d{3}\s\$", message), message


@pytest.mark.parametrize(
    ("kind", "records", "said"),
    [
        (
            "share",
            (12, 30, 1),
            "May: highest 50% (b), lowest 20% (a) of the 2 with at least 10 records",
        ),
        ("share", (12, 1, 1), "May: a 20%, the only one with at least 10 records"),
        ("share", (1, 1, 1), "May: fewer than 10 records in each"),
        ("sum", (1, 1, 1), "May: highest 100% (c), lowest 20% (a)"),
    ],
)
def test_what_is_called_highest_has_records_enough(
    script: Page, kind: str, records: tuple[int, ...], said: str
) -> None:
    told = script.evaluate(
        """([kind, records]) => extremes({unit: "ratio", kind}, ["a", "b", "c"].map((key, i) =>
            ({key, value: [0.2, 0.5, 1][i], records: records[i]})), "May", "")""",
        [kind, records],
    )
    assert told == said

"""Dagster's UI and the company's pages in a browser and over GraphQL, as `make ui` serves them."""

from __future__ import annotations

import json
import re
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from dagster_project.publication import open_published
from tests.conftest import Publish
from tests.docs.pictures import FOLDER, SHOTS, Shot
from tests.eyes.conftest import Open
from tests.orchestration.copies import Copy
from tests.orchestration.uis import Ui, opened
from tests.thorough import at_length, thorough

PICTURES = FOLDER.with_suffix(".md")
JOB_RUNS = "/locations/dagster_project.definitions/jobs/daily/runs"
PATIENCE = 60_000
"""Milliseconds: Dagster's pages are many scripts, and other tests run beside this one."""


@pytest.fixture(scope="module")
def company(published: Publish, tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """A company that the command line has run once."""
    return Copy.of(published("edge_cases"), tmp_path_factory.mktemp("ui"))


@pytest.fixture(scope="module")
def ui(company: Copy) -> Iterator[Ui]:
    """Its UI, started under nohup; the last test stops it."""
    with opened(company, nohup=True) as ui:
        ui.location()
        yield ui


@pytest.fixture
def page(ui: Ui, window: Open) -> Iterator[Page]:
    """A window in which nothing but this machine is asked, and no script fails."""
    # What Dagster's own pages are without, and say so.
    forgiven = ("Failed to load resource", "Content Security Policy", "Warning:")
    with window(origins=(dagster(ui), pages(ui), socket(ui)), forgiven=forgiven) as page:
        page.set_default_timeout(PATIENCE)
        yield page


def dagster(ui: Ui) -> str:
    return f"http://127.0.0.1:{ui.port}"


def socket(ui: Ui) -> str:
    return f"ws://127.0.0.1:{ui.port}"


def pages(ui: Ui) -> str:
    return f"http://127.0.0.1:{ui.pages}"


def test_runs_of_the_command_line_are_listed_and_tell_what_they_have_published(
    company: Copy, ui: Ui
) -> None:
    path = company.data / "published" / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    [run] = ui.runs()
    assert (run["runId"], run["status"]) == (manifest["run_id"], "SUCCESS")
    assert run["endTime"] > run["startTime"]
    assert run["repositoryOrigin"] == ui.repository()

    published = ui.told("assetMaterializations", "published", "marts")
    with open_published(company.marts) as connection:
        [(revenue,)] = connection.execute(
            """select revenue_won from marts.mart_headlines where dimension = 'company'
            and period_grain = 'month' and periods_ago = 1"""
        ).fetchall()
    assert published["revenue_won"] == pytest.approx(revenue)
    tables = [text for name, text in published.items() if name.startswith("headlines_")]
    assert "|revenue won, " in tables[0]
    assert "|days sales outstanding|" in tables[-1]
    assert "|to put right|" in published["to_fix"]
    assert published["dagster/row_count"] == sum(manifest["row_counts"].values())
    values = ui.told("assetMaterializations", "marts", "kpi_values")
    assert values["dagster/row_count"] == manifest["row_counts"]["kpi_values"]
    seen = ui.told("assetObservations", "crm", "opportunities")
    size = company.export("opportunities.csv").stat().st_size
    assert (seen["files"], seen["bytes"]) == (1, size)
    assert ui.told("assetObservations", "company", "company_yml")["files"] == 1


@pytest.mark.parametrize("place", at_length(["/runs", JOB_RUNS], "/runs"))
def test_a_run_of_the_command_line_is_listed_with_its_duration(
    ui: Ui, page: Page, place: str
) -> None:
    [run] = ui.runs()
    page.goto(f"{dagster(ui)}{place}")
    name = run["runId"][:8]
    expect(page.get_by_text(name)).to_be_visible(timeout=PATIENCE)
    row = page.locator("body").inner_text().partition(name)[2].partition("View\n")[0]
    assert "Success" in row
    assert abs(duration(row) - (run["endTime"] - run["startTime"])) <= 1


def duration(text: str) -> int:
    """The seconds of the last `0:01:05` of a text."""
    hours, minutes, seconds = re.findall(r"\b(\d+):(\d\d):(\d\d)\b", text)[-1]
    return (int(hours) * 60 + int(minutes)) * 60 + int(seconds)


def test_the_published_asset_shows_the_headlines_and_leads_to_the_dashboard(
    ui: Ui, page: Page
) -> None:
    page.goto(f"{dagster(ui)}/assets/published/marts")
    headlines = page.locator("table", has_text="before").last
    expect(headlines).to_contain_text("average deal size", timeout=PATIENCE)
    expect(page.get_by_text("Row count", exact=True).first).to_be_visible()
    link = page.get_by_role("link", name="Open the dashboards").first
    assert link.get_attribute("href") == f"{pages(ui)}/dashboard/index.html"
    with page.context.expect_page() as opening:
        link.click(modifiers=["Control"])
    dashboard = opening.value
    dashboard.wait_for_load_state()
    assert dashboard.url == f"{pages(ui)}/dashboard/index.html"
    expect(dashboard.get_by_role("heading", level=1)).to_be_visible()
    expect(dashboard.locator("svg, canvas").first).to_be_visible(timeout=PATIENCE)


def test_pages_lead_to_each_other_and_give_their_downloads(ui: Ui, page: Page) -> None:
    page.goto(pages(ui))
    page.get_by_role("link", name="dashboards").click()
    expect(page.locator("svg, canvas").first).to_be_visible(timeout=PATIENCE)
    page.locator("a[href='quality.html']").first.click()
    page.wait_for_url(f"{pages(ui)}/dashboard/quality.html")
    with page.expect_download() as downloading:
        page.get_by_text("CSV").first.click()
    assert Path(downloading.value.path()).read_text(encoding="utf-8").count("\n") > 1


def test_the_data_docs_are_shown(ui: Ui, page: Page) -> None:
    page.goto(f"{pages(ui)}/data_docs/index.html")
    page.locator("a[href*='validations']").first.click()
    page.wait_for_url("**/validations/**")
    expect(page.get_by_role("heading").first).to_be_visible()


def test_a_page_with_a_script_that_is_not_its_own_does_not_run_it(ui: Ui, page: Page) -> None:
    """A page of ours in which somebody has put a script shows that it was not run."""
    page.goto(f"{pages(ui)}/data_docs/index.html")
    with pytest.raises(Exception, match=r"Content Security Policy|refused|violates"):
        page.add_script_tag(content="document.title = 'ran'")
    assert page.title() != "ran"


def test_scripts_of_a_page_see_no_other_page(ui: Ui, page: Page) -> None:
    page.goto(f"{pages(ui)}/dashboard/index.html")
    assert page.evaluate("window.origin") == "null"
    reached = "fetch('/data_docs/index.html').then(() => 'reached', () => 'refused')"
    assert page.evaluate(reached) == "refused"


def test_groups_are_drawn_from_left_to_right(ui: Ui, page: Page) -> None:
    """Collapsed, what is made of a group stands to the right of it: there is no circle."""
    # Only what is in the window is drawn.
    page.set_viewport_size({"width": 1600, "height": 1600})
    page.goto(f"{dagster(ui)}/asset-groups")
    for group in ("sources", "raw_files", "staging", "kpis", "reports", "published"):
        expect(page.get_by_text(group, exact=True).last).to_be_visible(timeout=PATIENCE)
    places = [
        page.get_by_text(group, exact=True).last.bounding_box()
        for group in ("sources", "raw_files", "staging", "contract", "kpis", "reports", "published")
    ]
    lefts = [place["x"] for place in places if place]
    assert lefts == sorted(lefts)


def shots() -> Iterator[Any]:
    """The pictures; the tests above open the same pages of Dagster's."""
    for shot in SHOTS:
        yield pytest.param(shot, id=shot.name, marks=thorough if shot.is_of_dagster else ())


@pytest.mark.parametrize("shot", shots())
def test_the_pictures_in_the_docs_are_of_what_there_is(ui: Ui, page: Page, shot: Shot) -> None:
    shot.visit(ui, page)
    picture = FOLDER / f"{shot.name}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert f"]({FOLDER.name}/{picture.name})" in PICTURES.read_text(encoding="utf-8")


def test_nobody_is_asked_for_an_address(ui: Ui, page: Page) -> None:
    page.goto(dagster(ui))
    expect(page.get_by_text("Runs", exact=True).first).to_be_visible(timeout=PATIENCE)
    page.wait_for_timeout(2000)
    assert not page.get_by_placeholder("hello@dagster.io").count()
    assert not page.locator("input[type=email]").count()


def test_what_is_published_is_materialized_alone_and_sigterm_stops_it_under_nohup(
    company: Copy, ui: Ui
) -> None:
    published = company.published()
    names = ("marts", "people", "parquet", "manifest", "dashboard")
    run = ui.materialize(*(("published", name) for name in names))
    assert run.end() == "SUCCESS", ui.output()
    with urllib.request.urlopen(f"http://127.0.0.1:{ui.pages}/data_docs/index.html") as page:
        assert page.status == 200
    began = time.monotonic()
    ui.stop()
    assert time.monotonic() - began < 30
    assert ui.process.returncode == 0, ui.output()
    assert company.published() != published

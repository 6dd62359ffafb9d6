"""The Data Docs in a browser: whoever writes a record's id, a phone, a screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from expectations.docs import build
from tests.expectations.warehouses import Store, make_company, run_audit
from tests.eyes.conftest import Open
from tests.eyes.windows import url
from tests.thorough import thorough

VIOLATIONS = {"resultTypes": ["violations"]}
HOSTILE = ("<script>alert(1)</script>", "=cmd()", "x" * 300, "\u202e{{ 7 * 7 }}")
PAGES = ("index.html", "validations/raw_files.contacts.html", "validations/marts.kpi_values.html")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a site with warnings, a critical failure, and hostile ids in all of them."""
    folder = tmp_path_factory.mktemp("docs")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        yield _built(folder)


def _built(folder: Path) -> Path:
    company = make_company(folder)
    keys = ", ".join(f"('{key}')" for key in HOSTILE)
    with Store(company) as store:
        store.create_raw()
        store.create_marts()
        for key in HOSTILE:
            store.raw("contacts", {"source_id": key, "email": "nobody"})
            store.deal(key, amount=None)
        store.execute(
            f"""create table marts.mart_data_hygiene as
            select 'contacts' as entity, 'all' as rep_id, 'email_missing' as rule,
                'high' as severity, 4 as records, 3 as failing, 12.5 as money_at_stake,
                'open' as money_kind, 0.5 as money_share, 1 as failing_without_amount,
                1 as fix_rank, example_keys
            from (values {keys}) as hostile (example_keys)"""
        )
    run_audit(company, "raw")
    run_audit(company, "marts")
    return build(company).parent


def opened_up(page: Page, file: Path) -> None:
    """Show a page with all that can be folded out."""
    page.goto(url(file))
    page.evaluate("document.querySelectorAll('details').forEach(it => { it.open = true })")


def test_hostile_ids_are_shown_and_do_nothing(window: Open, site: Path) -> None:
    with window() as page:
        for name in PAGES[:2]:
            opened_up(page, site / name)
            text = page.inner_text("main")
            for key in HOSTILE[:3]:
                assert key in text, name
            assert "\\u202e{{ 7 * 7 }}" in text
            assert page.locator("script").count() == 0


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (420, "dark"),
        pytest.param(1280, "dark", marks=thorough),
        pytest.param(420, "light", marks=thorough),
    ],
)
def test_everybody_can_read_them(window: Open, site: Path, scheme: str, width: int) -> None:
    size = {"width": width, "height": 900}
    # Axe is a script, which the pages' own policy would not let in.
    with window(color_scheme=scheme, viewport=size, bypass_csp=True) as page:
        for name in PAGES:
            opened_up(page, site / name)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
            found = Axe().run(page, options=VIOLATIONS).response["violations"]
            assert [(it["id"], it["nodes"][0]["html"]) for it in found] == []


def test_links_lead_from_the_first_page_to_a_table_and_back(window: Open, site: Path) -> None:
    with window() as page:
        page.goto(url(site / "index.html"))
        page.locator("a", has_text="in detail").or_(page.locator("main a")).first.click()
        assert page.url.startswith(url(site / "validations"))
        page.get_by_role("link", name="Data Docs").click()
        assert page.url == url(site / "index.html")

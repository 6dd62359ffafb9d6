"""The Data Docs: complete, readable offline, and without personal data."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from expectations.docs import build
from expectations.runner import AuditReport
from expectations.store import latest
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from tests.expectations.warehouses import Store, run_audit

EMAILS = ("ann@example", "id@example.com", "reason@example.com")


@pytest.fixture
def reports(company: Company) -> list[AuditReport]:
    """Audits of both layers, over data with emails in all the wrong places."""
    with Store(company) as store:
        store.create_raw()
        store.raw("leads", {"source_id": "id@example.com", "email": "ann@example"})
        store.raw("contacts", {"source_id": "<b>c&1</b>", "email": "ann@example"})
        export = {"entity": "leads", "rows": 1, "rows_rejected": 1, "extracted_at": "2026-06-14"}
        store.raw("exports", export)
        reason = "created_at: 'reason@example.com' is no moment"
        store.raw("rejected", {"entity": "leads", "source_line": 7, "reason": reason})
        store.create_marts()
        store.execute("drop table marts.fct_opportunities")
    return [run_audit(company, "raw"), run_audit(company, "marts")]


def _pages(index: Path) -> dict[str, str]:
    return {
        str(path.relative_to(index.parent)): path.read_text(encoding="utf-8")
        for path in index.parent.rglob("*.html")
    }


def test_the_index_lists_every_check_and_links_to_every_page(
    company: Company, reports: list[AuditReport]
) -> None:
    index = build(company)
    assert index == CompanyPaths.of(company).data_docs / "index.html"
    pages = _pages(index)
    listing = pages.pop("index.html")
    for result in (result for report in reports for result in report.results):
        assert f"<td>{result.name}<br>" in listing
    assert set(re.findall(r'href="(.*?)"', listing)) == set(pages)
    assert "validations/raw_files.leads.html" in pages
    assert "validations/marts.kpi_values.html" in pages
    assert "fct_opportunities does not exist" in listing


def test_pages_load_nothing_from_elsewhere(company: Company, reports: list[AuditReport]) -> None:
    for page in _pages(build(company)).values():
        assert not re.search(r"https?://|<script|<link|src=|@import|url\(", page)


def test_failing_rows_are_named_and_their_ids_are_escaped(
    company: Company, reports: list[AuditReport]
) -> None:
    page = _pages(build(company))["validations/raw_files.contacts.html"]
    assert "crm/&lt;b&gt;c&amp;1&lt;/b&gt;" in page
    assert "<b>c" not in page


def test_no_email_address_leaves_the_warehouse(
    company: Company, reports: list[AuditReport]
) -> None:
    samples = [key for report in reports for one in report.results for key in one.sample_keys]
    assert "crm/(email)" in samples
    assert "crm/leads/1 of 2 rows: :7 created_at: '(email)' is no moment" in samples
    site = CompanyPaths.of(company).data_docs
    build(company)
    kept = [*(site.parent / "audit").rglob("*.json"), *site.rglob("*.html")]
    texts = [*samples, *(path.read_text(encoding="utf-8") for path in kept)]
    assert len(kept) > 2
    assert not [text for text in texts if any(email in text for email in EMAILS)]


def test_a_new_site_replaces_the_old_one(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
    run_audit(company, "marts")
    first = build(company).resolve().parent
    with Store(company) as store:
        store.create_raw()
    run_audit(company, "raw")
    second = build(company).resolve().parent
    assert [audit.report.layer for audit in latest(company)] == ["raw", "marts"]
    assert list(first.parent.iterdir()) == [second]
    assert "<h2>raw</h2>" in (second / "index.html").read_text(encoding="utf-8")

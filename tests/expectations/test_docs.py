"""The Data Docs: complete, readable offline, and without personal data."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import pytest

from expectations.docs import build
from expectations.report import AuditReport
from expectations.runner import audit
from expectations.stakes import Stake
from expectations.store import latest
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.conftest import Publish
from tests.expectations.cases import AS_OF
from tests.expectations.warehouses import Store, moment, run_audit

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
        assert f"<br><code>{result.name}</code></td>" in listing
    assert set(re.findall(r'href="(.*?)"', listing)) == {*pages, "#main"}
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
    text = (second / "index.html").read_text(encoding="utf-8")
    assert text.index("<h3>What the sources gave</h3>") < text.index("<h3>What is published</h3>")


def _text(page: str) -> str:
    """What a reader sees of a page, in one line; cells are told apart by bars."""
    body = re.sub("(?s)^.*?<main", "<main", page)
    told = re.sub("<[^>]*>", " ", re.sub("</t[dh]>", " | ", body))
    return html.unescape(" ".join(told.split()))


def test_shares_are_of_the_rows_that_a_rule_covers(company: Company) -> None:
    with Store(company) as store:
        store.create_raw()
        for number in range(10):
            store.raw("leads", {"source_id": f"unanswered {number}"})
        early, late = "2026-06-01", "2026-06-02"
        for number in range(3):
            asked = {"created_at": early, "first_response_at": late}
            store.raw("leads", {"source_id": f"answered {number}", **asked})
        before = {"created_at": late, "first_response_at": early}
        store.raw("leads", {"source_id": "answered before", **before})
        store.raw("opportunities", {"source_id": "d1", "currency": "eur"})
        store.raw("opportunities", {"source_id": "d2", "currency": "EUR"})
        store.raw("opportunities", {"source_id": "d3"})
    run_audit(company, "raw")
    pages = _pages(build(company))
    leads = _text(pages["validations/raw_files.leads.html"])
    assert (
        "! warning | 1 of 4 (25.0%) The rule covers 4 of 14 rows. | crm/answered before |" in leads
    )
    deals = _text(pages["validations/raw_files.opportunities.html"])
    assert "! warning | 1 of 2 (50.0%) The rule covers 2 of 3 rows. | crm/d1 |" in deals


def test_a_warning_is_no_failure(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.deal("of an unknown stage", stage_order=None)
    run_audit(company, "marts")
    pages = _pages(build(company))
    assert "! Nothing keeps the numbers from being published." in _text(pages["index.html"])
    assert "✗" not in pages["index.html"]
    with Store(company) as store:
        store.deal("of an unknown currency", amount=None)
    run_audit(company, "marts")
    pages = _pages(build(company))
    index = _text(pages["index.html"])
    assert "✗ Nothing is published: 1 of" in index
    assert index.index("rate_missing | ✗ critical") < index.index("stage_unknown | ! warning")
    page = _text(pages["validations/marts.fct_opportunities.html"])
    assert "3 checks of 2 rows: 1 hold, 1 critical one fails, 1 is a warning." in page
    assert page.index("rate_missing") < page.index("stage_unknown") < page.index("created_ahead")


def test_what_to_fix_first_says_the_money(company: Company) -> None:
    rows = [
        "('opportunities', 'close_date_past', 'low', 8, 2, 1500.4, 'open', 0.25, 1, 1, 'd1, d2')",
        "('spend_daily', 'spend_jump', 'high', 1, 1, 0.4, 'spend', 1, 0, 2, 's1')",
        "('leads', 'owner_unknown', 'high', 9000, 1, null, '', null, 1, 3, '<b> i@a.com')",
        "('contacts', 'email_missing', 'low', 9000, 8999, 0, 'open', null, 0, 4, 'c1, c9')",
        "('contacts', 'account_missing', 'low', 9000, 0, 0, 'open', null, 0, null, null)",
        "('all', 'all', 'all', 18009, 9003, 1500.4, 'all', null, 2, null, null)",
    ]
    with Store(company) as store:
        store.create_marts()
        store.execute(
            f"""create table marts.mart_data_hygiene as
            select 'all' as rep_id, * from (values {", ".join(rows)}) as judged (
                entity, rule, severity, records, failing, money_at_stake, money_kind, money_share,
                failing_without_amount, fix_rank, example_keys)
            union all
            select 'ann', 'leads', 'owner_left', 'low', 1, 1, 9, 'open', 1, 0, 1, 'of ann'"""
        )
    run_audit(company, "marts")
    page = _pages(build(company))["index.html"]
    index = _text(page)
    assert "as of 15 June 2026, 14:00 (Europe/Berlin)" in index
    assert "9,003 of 18,009 records break a rule, each counted once." in index
    assert "On the deals among them hangs 1,500 EUR." in index
    told = [
        "An open deal is expected to close in the future. close_date_past | 2 of 8 opportunities"
        " (25.0%) | 1,500 EUR 25.0% of the open amount and 1 of which nobody knows the amount"
        " | work is harder | d1, d2 |",
        "of the four weeks before. spend_jump | 1 of 1 spend daily (100%) | under 1 EUR 100.0% of"
        " the spend amount | figures are in doubt | s1 |",
        "and an id has one name. owner_unknown | 1 of 9,000 leads (under 0.1%) | not known"
        " | figures are in doubt | <b> (email) |",
        "The contact has an email address. email_missing | 8,999 of 9,000 contacts (over 99.9%)"
        " | none | work is harder | c1, c9 |",
    ]
    places = [index.index(one) for one in told]
    assert places == sorted(places)
    assert "of ann" not in index
    assert "<b>" not in page


def test_numbers_of_different_runs_are_told_apart(company: Company) -> None:
    with Store(company) as store:
        store.create_raw()
        store.create_marts()
    run_audit(company, "marts")
    audit(
        company,
        Warehouse.of(company),
        "raw",
        as_of=moment(AS_OF),
        known_at=moment(AS_OF),
        run_id="run-2",
    )
    assert "These are different runs" in _text(_pages(build(company))["index.html"])
    run_audit(company, "raw")
    assert "These are different runs" not in _text(_pages(build(company))["index.html"])


def test_an_audit_that_an_older_version_kept_is_shown(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
    run_audit(company, "marts")
    [path] = (CompanyPaths.of(company).root / "audit").glob("*.json")
    report = json.loads(path.read_text(encoding="utf-8"))["report"]
    path.write_text(json.dumps({"report": report}), encoding="utf-8")
    pages = _pages(build(company))
    assert list(pages) == ["index.html"]
    assert "What is published: 1" in _text(pages["index.html"])


def test_what_to_fix_is_what_the_checks_find(published: Publish) -> None:
    company = published("edge_cases")
    document = json.loads((company.folder / "audit" / "marts.json").read_text(encoding="utf-8"))
    checks = {(it["table"], it["name"]): it for it in document["report"]["results"]}
    stakes = [Stake(**it) for it in document["stakes"] if it["rule"] != "all"]
    assert len(stakes) > 30
    of_rules = [it for it in stakes if it.check[0] != "marts.mart_references"]
    assert 0 < len(of_rules) < len(stakes)
    for stake in of_rules:
        check = checks.pop(stake.check)
        assert (check["checked"], check["unexpected"]) == (stake.records, stake.failing)
    left = [key for key, it in checks.items() if "_hygiene" in key[0] and it["unexpected"]]
    assert left == [], "what fails is among what to fix"
    index = _text((company.folder / "data_docs" / "index.html").read_text(encoding="utf-8"))
    assert "What to fix first" in index

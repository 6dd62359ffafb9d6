"""What an audit sees, what it keeps to itself, and how it fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest

from expectations.comparison import Comparison
from expectations.report import AuditReport, CheckResult
from expectations.runner import audit
from expectations.store import latest
from ingestion.company.settings import Company
from ingestion.contract.entities import ENTITIES
from ingestion.errors import WarehouseError
from ingestion.warehouse.warehouse import Warehouse
from tests.expectations.cases import AS_OF, LOADED_AT, QUOTA_BASE
from tests.expectations.warehouses import Store, make_company, moment, run_audit


def _found(report: AuditReport, table: str, name: str) -> CheckResult:
    return next(one for one in report.results if (one.table, one.name) == (table, name))


def _currency(report: AuditReport) -> CheckResult:
    return _found(report, "raw_files.opportunities", "currency_known")


def test_only_the_latest_known_version_of_what_exists_is_judged(company: Company) -> None:
    with Store(company) as store:
        store.create_raw()
        store.load("later", "2026-06-14 13:00:00")
        store.load("unfinished", "2026-06-14 14:00:00", status=1)
        store.raw("opportunities", {"source_id": "corrected", "currency": "eur"})
        store.raw("opportunities", {"source_id": "corrected", "currency": "EUR"}, "later")
        store.raw("opportunities", {"source_id": "spoilt", "currency": "EUR"})
        store.raw("opportunities", {"source_id": "spoilt", "currency": "eur"}, "later")
        store.raw("opportunities", {"source_id": "deleted", "currency": "eur", "is_deleted": True})
        store.raw("opportunities", {"source_id": "never finished", "currency": "eur"}, "unfinished")
        store.raw("opportunities", {"source_id": "never noted", "currency": "eur"}, "lost")
    now = _currency(run_audit(company, "raw"))
    assert (now.checked, now.unexpected, now.sample_keys) == (2, 1, ("crm/spoilt",))
    before = _currency(run_audit(company, "raw", known_at=LOADED_AT))
    assert (before.checked, before.sample_keys) == (2, ("crm/corrected",))


def test_a_table_of_which_nothing_is_known_yet_holds_every_check(company: Company) -> None:
    with Store(company) as store:
        store.create_raw()
        for entity in ENTITIES:
            store.raw(entity, {"source_id": "never noted"}, "lost")
    report = run_audit(company, "raw")
    assert (report.failures, report.warnings) == ((), ())
    assert {one.checked for one in report.results} == {0}


def test_sample_keys_are_few_and_always_the_same_ones(company: Company) -> None:
    with Store(company) as store:
        store.create_raw()
        for number in range(9, 0, -1):
            store.raw("opportunities", {"source_id": f"deal {number}", "currency": "eur"})
    found = _currency(run_audit(company, "raw"))
    assert found.sample_keys == tuple(f"crm/deal {number}" for number in range(1, 6))
    assert (found.unexpected, found.observed) == (9, "9 of 9")


def test_the_age_of_an_export_means_nothing_when_as_of_is_fixed(
    company: Company, tmp_path: Path
) -> None:
    old = {"entity": "leads", "rows": 1, "rows_rejected": 0, "extracted_at": "2020-01-01"}
    with Store(company) as store:
        store.create_raw()
        store.raw("exports", old)
    fixed = make_company(tmp_path, as_of=moment(AS_OF))
    assert not _found(run_audit(company, "raw"), "raw_files.exports", "export_recent").success
    found = _found(run_audit(fixed, "raw"), "raw_files.exports", "export_recent")
    assert (found.success, found.checked) == (True, 0)


def test_marts_without_kpis_fail(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.execute("delete from marts.kpi_values")
    report = run_audit(company, "marts")
    assert [one.name for one in report.failures] == ["kpis_given"]
    assert report.failures[0].observed == "0"


def test_less_than_most_of_what_was_published_fails(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
    comparisons = [
        Comparison("fct_opportunities, rows", 1000, 799),
        Comparison("fct_quotas, rows", 1000, 800),
        Comparison("deals_won of the year from 2025-01-01", 1000, 450, explained=500),
        Comparison("deals_won of the year from 2024-01-01", 1000, 0, explained=1000),
        Comparison("dim_rep, rows", 0, 0),
    ]
    report = run_audit(company, "marts", comparisons=comparisons)
    assert [one.name for one in report.failures] == ["most_is_left"]
    [found] = report.failures
    assert found.sample_keys == ("fct_opportunities, rows: 799 of 1,000",)
    assert (found.checked, found.unexpected) == (5, 1)


def test_sound_marts_pass(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.deal("sound")
    report = run_audit(company, "marts")
    assert (report.failures, report.warnings) == ((), ())
    assert _found(report, "marts.fct_opportunities", "rate_missing").checked == 1
    assert _found(report, "marts.fct_opportunity_hygiene", "owner_left").observed == "no rows"


def test_failures_are_critical_and_warnings_are_not(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.deal("of an unknown currency", amount=None)
        store.deal("of an unknown stage", stage_order=None)
    report = run_audit(company, "marts")
    assert [one.name for one in report.failures] == ["rate_missing"]
    assert [one.name for one in report.warnings] == ["stage_unknown"]


@pytest.mark.parametrize(
    ("as_of", "known_at", "own", "is_look_back"),
    [
        pytest.param("2026-01-31 22:59:59", AS_OF, None, True, id="the day before what is known"),
        pytest.param("2026-01-31 22:59:59", "2026-01-31 08:00:00", None, False, id="as known then"),
        pytest.param("2026-01-31 22:59:59", AS_OF, "2026-01-31", False, id="the data end then"),
        pytest.param("2026-01-30 12:00:00", AS_OF, "2026-01-31", True, id="before the data end"),
    ],
)
def test_what_was_open_or_to_come_may_lack_a_rate_in_a_look_back(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    as_of: str,
    known_at: str,
    own: str | None,
    is_look_back: bool,
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company = make_company(tmp_path, **({"as_of": own} if own else {}))
    quota = {**QUOTA_BASE, "amount": None}
    with Store(company) as store:
        store.create_marts()
        store.deal("open", amount=None, closed_on=None)
        store.deal("closed", amount=None, closed_on="2026-01-20")
        store.insert("marts.fct_quotas", {**quota, "target_key": "r", "period_start": "2026-02-01"})
        store.insert("marts.fct_quotas", {**quota, "target_key": "s", "period_start": "2026-01-01"})
    report = run_audit(company, "marts", known_at, as_of)
    deals = _found(report, "marts.fct_opportunities", "rate_missing").sample_keys
    quotas = _found(report, "marts.fct_quotas", "rate_missing").sample_keys
    assert deals == (("crm/closed",) if is_look_back else ("crm/closed", "crm/open"))
    assert len(quotas) == (1 if is_look_back else 2)


def test_a_missing_table_fails_all_of_its_checks(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.execute("drop table marts.fct_opportunities")
    failures = run_audit(company, "marts").failures
    assert [one.name for one in failures] == ["rate_missing", "created_ahead", "stage_unknown"]
    assert all(one.table == "marts.fct_opportunities" for one in failures)
    assert all("fct_opportunities does not exist" in one.observed for one in failures)


def test_a_missing_column_fails_all_checks_of_its_table(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.deal("sound")
        store.execute("alter table marts.fct_opportunities drop stage_order")
    failures = run_audit(company, "marts").failures
    assert {one.name for one in failures} == {"rate_missing", "created_ahead", "stage_unknown"}
    assert all("stage_order" in one.observed for one in failures)


def test_an_expectation_that_cannot_be_judged_fails(company: Company) -> None:
    with Store(company) as store:
        store.create_raw()
        store.execute("alter table raw_files.payments alter amount type varchar")
        store.raw("payments", {"source_id": "p", "amount": "much", "invoice_id": "i"})
    report = run_audit(company, "raw")
    assert [(one.table, one.name) for one in report.failures] == [
        ("raw_files.payments", "amount_not_negative")
    ]
    assert _found(report, "raw_files.payments", "currency_known").success


def test_a_warehouse_that_cannot_be_used_is_no_finding(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
    hold = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held'); sys.stdin.read()"
    command = [sys.executable, "-uc", hold, Warehouse.of(company).location]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE) as holder:
        assert holder.stdout
        holder.stdout.readline()
        with pytest.raises(WarehouseError, match="in use by process"):
            run_audit(company, "marts")
        holder.communicate()


def test_the_audit_of_another_warehouse_is_not_kept(company: Company, tmp_path: Path) -> None:
    with Store(company) as store:
        store.create_marts()
    copy = tmp_path / "copy.duckdb"
    copy.write_bytes(Path(Warehouse.of(company).location).read_bytes())
    report = audit(
        company,
        Warehouse("duckdb", str(copy)),
        "marts",
        as_of=moment(AS_OF),
        known_at=moment(AS_OF),
        run_id="back-then",
    )
    assert report.failures == ()
    assert list(latest(company)) == []


def test_the_latest_audit_of_a_layer_replaces_the_one_before(company: Company) -> None:
    with Store(company) as store:
        store.create_marts()
        store.deal("unpriced", amount=None)
    first = run_audit(company, "marts")
    with Store(company) as store:
        store.execute("update marts.fct_opportunities set amount = 1")
    second = run_audit(company, "marts")
    assert first.failures
    assert not second.failures
    assert [kept.report for kept in latest(company)] == [second]

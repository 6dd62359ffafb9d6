"""Every check fires on the row that breaks it, and on no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from expectations.report import CheckResult
from expectations.suites import checks
from ingestion.warehouse.warehouse import POSTGRES_URL
from tests.expectations.cases import (
    DEAL_CASES,
    EXPORT_CASES,
    EXPORTS_BASE,
    HYGIENE_RULES,
    KPI_BASE,
    KPI_CASES,
    QUOTA_BASE,
    QUOTA_CASES,
    RAW_BASE,
    RAW_CASES,
    REFERENCE_CASES,
    REJECTED_CASE,
    REPEATED_QUOTA,
    STAGE_BASE,
    STAGE_CASES,
    Values,
)
from tests.expectations.money_cases import FACTS
from tests.expectations.warehouses import Store, make_company, run_audit
from tests.ingestion.postgres_server import running_server

Results = dict[tuple[str, str], CheckResult]

OF_MONEY = [(table, name) for table, facts in FACTS.items() for name in facts.cases]
RULES = [(table, rule) for table, rules in HYGIENE_RULES.items() for rule in rules]


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def results(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Results]:
    """The outcomes of an audit of all cases at once."""
    folder = tmp_path_factory.mktemp("cases")
    instances = [f"{name}_{end}" for name in EXPORT_CASES for end in ("breaks", "keeps")]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        if request.param == "postgres":
            patch.setenv(POSTGRES_URL, stack.enter_context(running_server()))
        company = make_company(
            folder,
            ["crm", *instances],
            rejected_tolerance=0.02,
            destination=request.param,
        )
        with Store(company) as store:
            _fill_raw(store)
            _fill_marts(store)
        reports = [run_audit(company, "raw"), run_audit(company, "marts")]
        yield {(one.table, one.name): one for report in reports for one in report.results}


def _fill_raw(store: Store) -> None:
    store.create_raw()
    store.load("0", "2026-06-01")
    for (entity, name), case in RAW_CASES.items():
        for end, values in (("breaks", case.breaks), ("keeps", case.keeps)):
            row = {**RAW_BASE[entity], **values, "source_id": f"{name} {end}"}
            store.raw(entity, row)
    for name, case in EXPORT_CASES.items():
        for end, values in (("breaks", case.breaks), ("keeps", case.keeps)):
            _export(store, f"{name}_{end}", values)
    for end, values in (("breaks", REJECTED_CASE.breaks), ("keeps", REJECTED_CASE.keeps)):
        _export(store, end, values)
        store.raw(
            "rejected",
            {
                "source_instance": end,
                "entity": "leads",
                "source_file": "leads.csv",
                "source_line": 7,
                "reason": "created_at: 'soon' is no moment",
            },
        )
    for end, reason in (("breaks", REPEATED_QUOTA), ("keeps", "amount = much: no number")):
        of_quotas = {"source_instance": f"quotas_{end}", "entity": "quotas"}
        store.raw("exports", {**EXPORTS_BASE, **of_quotas, "rows": 999, "rows_rejected": 1})
        store.raw("rejected", {**of_quotas, "source_file": "quotas.csv", "reason": reason})


def _export(store: Store, instance: str, values: Values) -> None:
    export = {**EXPORTS_BASE, **values, "source_instance": instance, "entity": "leads"}
    newest = export.pop("newest", None)
    before = export.pop("rows_before", None)
    if newest:
        lead = {**RAW_BASE["leads"], "source_id": instance, "created_at": newest}
        store.raw("leads", {**lead, "source_instance": instance})
    if before:
        store.raw("exports", {**export, "rows": before}, load_id="0")
    store.raw("exports", export)


def _fill_marts(store: Store) -> None:
    store.create_marts()
    for name, case in DEAL_CASES.items():
        store.deal(f"{name} breaks", **case.breaks)
        store.deal(f"{name} keeps", **case.keeps)
    for name, case in STAGE_CASES.items():
        for end, values in (("breaks", case.breaks), ("keeps", case.keeps)):
            store.insert("marts.dim_stage", {**STAGE_BASE, **values, "stage": f"{name} {end}"})
    for name, case in QUOTA_CASES.items():
        for end, values in (("breaks", case.breaks), ("keeps", case.keeps)):
            row = {**QUOTA_BASE, **values, "target_key": f"{name} {end}"}
            store.insert("marts.fct_quotas", row)
    for table, name in OF_MONEY:
        facts = FACTS[table]
        for end, values in (
            ("breaks", facts.cases[name].breaks),
            ("keeps", facts.cases[name].keeps),
        ):
            row = {**facts.base, **values, facts.told_by: f"{name} {end}"}
            store.insert(f"marts.{table}", row)
    for name, values in REFERENCE_CASES.items():
        store.insert("marts.mart_references", {**values, "summary": f"{name} breaks"})
    store.insert("marts.mart_references", {"n_unresolved": 0, "is_critical": False})
    for table, rule in RULES:
        for end, value in (("breaks", True), ("keeps", False), ("is exempt", None)):
            row = {"source_instance": "crm", "source_id": f"{rule} {end}", rule: value}
            store.insert(f"marts.{table}", row)
    for name, (breaks, keeps) in KPI_CASES.items():
        for end, rows in (("breaks", breaks), ("keeps", keeps)):
            for row in rows:
                store.insert(
                    "marts.kpi_values", {**KPI_BASE, "period_grain": f"{name} {end}", **row}
                )


@pytest.mark.parametrize(("entity", "name"), RAW_CASES)
def test_record_check(results: Results, entity: str, name: str) -> None:
    found = results[f"raw_files.{entity}", name]
    assert found.sample_keys == (f"crm/{name} breaks",)
    assert (found.success, found.unexpected) == (False, 1)
    assert found.checked > 1


@pytest.mark.parametrize("name", EXPORT_CASES)
def test_export_check(results: Results, name: str) -> None:
    found = results["raw_files.exports", name]
    assert found.sample_keys == (f"{name}_breaks/leads",)
    assert (found.success, found.unexpected) == (False, 1)


def test_rejected_rows_beyond_the_tolerance_are_told_with_examples(results: Results) -> None:
    found = results["raw_files.rejected", "rejected_within_tolerance"]
    assert (found.success, found.severity, found.unexpected) == (False, "critical", 1)
    assert found.sample_keys == (
        "breaks/leads/3 of 100 rows: leads.csv:7 created_at: 'soon' is no moment",
    )


def test_a_repeated_quota_is_refused_by_name_within_any_tolerance(results: Results) -> None:
    found = results["raw_files.rejected", "quota_repeated"]
    assert (found.success, found.severity, found.unexpected) == (False, "critical", 1)
    (key,) = found.sample_keys
    assert key == f"quotas_breaks/quotas/1 of 1000 rows: quotas.csv {REPEATED_QUOTA}"


@pytest.mark.parametrize("name", QUOTA_CASES)
def test_quota_check(results: Results, name: str) -> None:
    found = results["marts.fct_quotas", name]
    assert (found.success, found.severity, found.unexpected) == (False, "critical", 1)
    given_by = QUOTA_CASES[name].breaks.get("given_by", "crm")
    assert found.sample_keys == (f"rep/{name} breaks/month/2026-06-01/revenue/GBP/{given_by}",)


@pytest.mark.parametrize("name", REFERENCE_CASES)
def test_reference_check(results: Results, name: str) -> None:
    found = results["marts.mart_references", name]
    severity = "critical" if name == "over_a_tenth_resolves" else "warning"
    assert (found.success, found.severity, found.unexpected) == (False, severity, 1)
    assert found.sample_keys == (f"{name} breaks",)


@pytest.mark.parametrize("name", STAGE_CASES)
def test_stage_check(results: Results, name: str) -> None:
    found = results["marts.dim_stage", name]
    assert (found.success, found.severity, found.unexpected) == (False, "warning", 1)
    assert found.sample_keys == (f"crm/Sales/Proposal now {name} breaks",)


@pytest.mark.parametrize("name", DEAL_CASES)
def test_deal_check(results: Results, name: str) -> None:
    found = results["marts.fct_opportunities", name]
    assert found.sample_keys == (f"crm/{name} breaks",)
    assert (found.success, found.unexpected) == (False, 1)


@pytest.mark.parametrize(("table", "name"), OF_MONEY)
def test_check_of_money(results: Results, table: str, name: str) -> None:
    found = results[f"marts.{table}", name]
    assert (found.success, found.severity, found.unexpected) == (False, "critical", 1)
    (key,) = found.sample_keys
    assert f"{name} breaks" in key.split("/")


@pytest.mark.parametrize(("table", "rule"), RULES)
def test_rule_of_hygiene(results: Results, table: str, rule: str) -> None:
    found = results[f"marts.{table}", rule]
    assert (found.success, found.severity) == (False, "warning")
    assert (found.checked, found.unexpected) == (2, 1)
    assert found.sample_keys == (f"crm/{rule} breaks",)


@pytest.mark.parametrize("name", KPI_CASES)
def test_kpi_check(results: Results, name: str) -> None:
    found = results["marts.kpi_values", name]
    assert not found.success
    assert found.unexpected == len(KPI_CASES[name][0])
    assert {key.split("/")[1] for key in found.sample_keys} == {f"{name} breaks"}


def test_every_check_has_a_case() -> None:
    cases = {
        *((f"raw_files.{entity}", name) for entity, name in RAW_CASES),
        *(("raw_files.exports", name) for name in EXPORT_CASES),
        ("raw_files.rejected", "rejected_within_tolerance"),
        ("raw_files.rejected", "quota_repeated"),
        *(("marts.fct_quotas", name) for name in QUOTA_CASES),
        *(("marts.mart_references", name) for name in REFERENCE_CASES),
        *(("marts.fct_opportunities", name) for name in DEAL_CASES),
        *(("marts.dim_stage", name) for name in STAGE_CASES),
        *((f"marts.{table}", name) for table, name in OF_MONEY),
        *((f"marts.{table}", rule) for table, rule in RULES),
        *(("marts.kpi_values", name) for name in KPI_CASES),
        # Fires on a table without rows: see test_audit.py.
        ("marts.kpi_values", "kpis_given"),
        # Fires on what it is told: see test_audit.py.
        ("marts.mart_restatements", "most_is_left"),
    }
    layers = [*checks("raw", ["files"]), *checks("marts", ["files"])]
    assert {(check.table, check.name) for check in layers} == cases

"""A moment before there were rates is shown as a past month is: what no rate values is left out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dagster_project.run.clock import now
from expectations.runner import audit
from expectations.suites import suites
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.pipeline import load_source
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels

COMPANY = """
name: First Rates
currency: USD
timezone: UTC
as_of: 2024-03-31
sources:
  - name: crm
    type: files
    path: .
    entities:
      users: {from: users.csv}
      opportunities: {from: opportunities.csv}
      fx_rates: {from: fx_rates.csv}
      payments: {from: payments.csv}
      quotas: {from: quotas.csv}
      pipeline_stages:
        rows:
          - {stage: Lead, stage_order: 1, status: open, probability: 0.5}
          - {stage: Won, stage_order: 2, status: won, probability: 1}
"""
EXPORTS = {
    "users": "source_id,name\nann,Ann\n",
    "opportunities": (
        "source_id,stage,amount,currency,created_at,closed_at,owner_id\n"
        "in_dollars,Won,10,USD,2024-01-02 09:00:00,2024-01-20 09:00:00,ann\n"
        "in_euros,Lead,100,EUR,2024-01-05 09:00:00,,ann\n"
    ),
    "payments": (
        "source_id,customer_id,amount,currency,occurred_at\n"
        "before_all_else,c1,10,EUR,2021-06-02 09:00:00\n"
    ),
    "fx_rates": (
        "day,from_currency,to_currency,rate\n2021-06-01,EUR,USD,1.2\n"
        "2024-02-10,EUR,USD,1.5\n2024-03-10,EUR,USD,1.5\n2024-04-01,EUR,USD,1.5\n"
    ),
    "quotas": (
        "owner_id,period_start,period_grain,measure,amount,currency\n"
        "ann,2024-01-01,month,revenue,20,USD\n"
        "ann,2024-03-01,month,revenue,40,EUR\n"
    ),
}
THEN = dt.date(2024, 1, 31)


@pytest.fixture
def first_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    """A company whose first rate is of February, but for one of years before."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    for name, text in EXPORTS.items():
        (tmp_path / f"{name}.csv").write_text(text)
    file = tmp_path / "company.yml"
    file.write_text(COMPANY)
    company = load_company(file)
    load_source(company, company.sources[0])
    return company


def build(company: Company, as_of: dt.datetime) -> list[str]:
    """Build the marts that are audited, but what tells of publications; the audits that fail."""
    warehouse, known_at = Warehouse.of(company), now()
    audited = {one.table.removeprefix("marts.") for one in suites("marts", company.source_types)}
    built = sorted(audited - {"mart_restatements"})
    CompiledModels.of(company).build(as_of, known_at, [*built, "kpi_exclusions"])
    report = audit(company, warehouse, "marts", as_of=as_of, known_at=known_at, run_id="then")
    return [f"{one.table} {one.name}" for one in report.failures]


def kpis(company: Company, grain: str) -> dict[str, tuple[float | None, int, int]]:
    """Metrics of the first month or quarter: the company's value, records in and out."""
    rows = Warehouse.of(company).read(
        f"""select metric, value, n_included, n_excluded from marts.kpi_values
        where variant = 'default' and dimension = 'company'
        and period_grain = '{grain}' and period_start = date '2024-01-01'
        and metric in ('pipeline_value', 'revenue_won', 'quota_attainment')"""
    )
    return {row["metric"]: tuple(row.values())[1:] for row in rows.to_pylist()}


def left_out(company: Company) -> set[tuple[str, str]]:
    """What no rate values: metric and record."""
    rows = Warehouse.of(company).read(
        "select metric, entity_id from marts.kpi_exclusions where reason = 'no_rate'"
    )
    return {(row["metric"], row["entity_id"]) for row in rows.to_pylist()}


def test_the_month_is_the_same_today_and_looked_back_at(first_rates: Company) -> None:
    assert first_rates.own_as_of
    assert build(first_rates, first_rates.own_as_of) == []
    january = kpis(first_rates, "month")
    assert january == {
        "revenue_won": (10, 1, 0),
        "quota_attainment": (0.5, 1, 0),
        "pipeline_value": (None, 0, 1),
    }
    assert kpis(first_rates, "quarter")["quota_attainment"] == (0.125, 1, 0)

    assert build(first_rates, first_rates.moment(THEN)) == []
    assert kpis(first_rates, "month") == january
    assert kpis(first_rates, "quarter")["quota_attainment"] == (None, 0, 1)
    assert {("pipeline_value", "in_euros"), ("quota_attainment", "ann")} <= left_out(first_rates)


def test_what_was_paid_before_anything_else_has_the_rate_of_its_day(first_rates: Company) -> None:
    assert build(first_rates, first_rates.moment(THEN)) == []
    [paid] = Warehouse.of(first_rates).read("select amount from marts.fct_payments").to_pylist()
    assert paid["amount"] == 12

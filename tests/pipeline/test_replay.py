"""A publication built again is of the company as it was then, not of what company.yml says now."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.publishing.replay import News, replays
from dagster_project.run.clock import now
from dagster_project.run.dbt_manifest import raw_tables_of_kpis
from dagster_project.run.dbt_runner import Dbt
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.pipeline import load_source

THEN, NOW = "2024-01-31", "2024-03-31"
COMPANY = """
name: Dated Ahead
currency: USD
timezone: UTC
as_of: {as_of}
sources:
  - name: crm
    type: files
    path: .
    entities:
      opportunities: {{from: opportunities.csv}}
      pipeline_stages:
        rows:
          - {{stage: Lead, stage_order: 1, status: open}}
          - {{stage: Won, stage_order: 2, status: won}}
"""
AHEAD = "ahead,Won,100,2024-01-05 00:00:00,2024-02-10"
"""As of January closed by its end, when the data ended; since March it may well be of February."""
LATE = "late,Won,30,2024-01-10 00:00:00,2024-01-20"


def load(folder: Path, as_of: str, *deals: str) -> Company:
    """Load the deals into the company, whose data ends at `as_of`."""
    file = folder / "company.yml"
    file.write_text(COMPANY.format(as_of=as_of))
    rows = ("source_id,stage,amount,created_at,close_date", *deals, "")
    (folder / "opportunities.csv").write_text("\n".join(rows))
    company = load_company(file)
    load_source(company, company.sources[0])
    return company


def test_a_replay_is_of_the_companys_as_of_of_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    then = load(tmp_path, THEN, AHEAD).own_as_of
    known_then = now()
    company = load(tmp_path, NOW, AHEAD, LATE)
    assert then
    raw = raw_tables_of_kpis(Dbt.of(company).manifest())
    with open_run(company, "again") as run:
        [kpis] = [
            made.read("select * from marts.kpi_values").to_pandas()
            for _, made in replays(run, News(then, known_then, now()), raw, ["late_facts"])
        ]
    won = kpis[
        (kpis["metric"] == "revenue_won")
        & (kpis["period_grain"] == "month")
        & (kpis["dimension"] == "company")
    ]
    months = zip(won["period_start"].astype(str), won["value"], strict=True)
    assert [month for month in months if month[1]] == [("2024-01-01", 130.0)]


def test_where_now_was_the_present_a_publication_had_no_as_of_of_its_own() -> None:
    then, until = now(), now()
    assert News(then, then, until).company_as_of is None

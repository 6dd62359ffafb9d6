"""Stage visits of a source without history, from the versions that its loads have left."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.kpis.companies import Published

COMPANY = """
name: Daily Export
currency: USD
timezone: UTC
sources:
  - name: crm
    type: files
    path: .
    entities:
      opportunities: {from: opportunities.csv}
      pipeline_stages:
        rows:
          - {stage: Lead, stage_order: 1, status: open}
          - {stage: Demo, stage_order: 2, status: open}
          - {stage: Offer, stage_order: 3, status: open}
          - {stage: Won, stage_order: 4, status: won}
"""
BUILT = ("kpi_values",)
HEADER = "source_id,stage,amount,created_at,owner_id"


def test_stays_follow_from_one_export_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    company, export = tmp_path / "company.yml", tmp_path / "opportunities.csv"
    company.write_text(COMPANY)
    for moved, owner in (("Lead", "ann"), ("Offer", "bob"), ("Won", "bob")):
        export.write_text(
            f"{HEADER}\nmoved,{moved},10,2024-01-01 00:00:00,bob\n"
            f"stayed,Demo,20,2024-01-01 00:00:00,{owner}\n"
        )
        settings = load_company(company)
        load_source(settings, settings.sources[0])
    CompiledModels.of(settings).build(now(), now(), BUILT)

    built = Published(company, tmp_path / "data" / "daily_export")
    visits = built.warehouse(
        "select opportunity_id, stage, coalesce(ended_as, 'closing'), is_skipped, is_entry_known "
        "from marts.fct_stage_visits order by opportunity_id, position, stage_order"
    )
    assert list(visits.itertuples(index=False, name=None)) == [
        ("moved", "Lead", "skipped", False, False),
        ("moved", "Demo", "skipped", True, True),
        ("moved", "Offer", "won", False, True),
        ("moved", "Won", "closing", False, True),
        ("stayed", "Demo", "open", False, False),
    ]
    loads = built.warehouse(
        "select cast(inserted_at at time zone 'UTC' as timestamp) as loaded_at "
        "from raw_files._dlt_loads order by inserted_at"
    )["loaded_at"]
    entries = built.warehouse(
        "select entered_at from marts.fct_stage_visits "
        "where opportunity_id = 'moved' and not is_skipped and position > 1 order by position"
    )["entered_at"]
    assert entries[0] == loads[1]
    assert loads[1] < entries[1] <= loads[2]
    owners = built.warehouse("select rep_id from marts.dim_rep")["rep_id"]
    assert set(owners) == {"ann", "bob"}
    [rate] = built.warehouse(
        "select value from marts.kpi_values where metric = 'stage_conversion_rate' "
        "and variant = 'default' and period_grain = 'all' and dimension = 'company'"
    )["value"]
    assert rate == 1
    excluded = built.warehouse(
        "select distinct entity_id, exclusion_reason "
        "from intermediate.stage_conversion_rate "
        "where exclusion_reason is not null order by entity_id"
    )
    assert list(excluded.itertuples(index=False, name=None)) == [
        ("moved", "no_history"),
        ("stayed", "no_history"),
    ]

"""A deal that vanishes from an export is deleted as of the first load that lacks it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.pipeline import load_source
from tests.compiled_models import CompiledModels
from tests.kpis.companies import Published

COMPANY = """
name: Cleaned Up
currency: USD
timezone: UTC
{as_of}
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
KEPT = "kept,Lead,10,2024-01-01 00:00:00,ann"
GONE = "gone,Lead,32,2024-01-01 00:00:00,ann"
BUILT = ("fct_pipeline_bridge", "mart_pipeline_changes", "kpi_values")


@pytest.fixture(
    scope="module", params=["", "as_of: 2024-06-20 12:00:00"], ids=["live", "with an end"]
)
def cleaned_up(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Published:
    """The company, loaded with both deals and again without one of them."""
    folder = tmp_path_factory.mktemp("cleaned_up")
    return loaded(folder, request.param, (KEPT, GONE), (KEPT,))


def loaded(folder: Path, as_of: str, *exports: tuple[str, ...]) -> Published:
    """The company as built after it has loaded some exports of its deals."""
    company, export = folder / "company.yml", folder / "opportunities.csv"
    company.write_text(COMPANY.format(as_of=as_of))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SALESOPS_DATA", str(folder / "data"))
        for rows in exports:
            export.write_text("\n".join(("source_id,stage,amount,created_at,owner_id", *rows, "")))
            settings: Company = load_company(company)
            load_source(settings, settings.sources[0], force=True)
        present = now()
        CompiledModels.of(settings).build(settings.own_as_of or present, present, BUILT)
    return Published(company, folder / "data" / "cleaned_up")


def test_the_bridge_shows_it_and_the_past_keeps_it(cleaned_up: Published) -> None:
    months = cleaned_up.warehouse(
        "select period_start, opening, created, deleted, closing from marts.fct_pipeline_bridge "
        "where scope = 'open' and period_grain = 'month' and dimension = 'company' "
        "and basis = 'reporting' "
        "order by period_start"
    )
    assert months["created"].iloc[0] == 42
    assert (months["closing"].iloc[:-1] == 42).all()
    assert list(months[["opening", "deleted", "closing"]].iloc[-1]) == [42, 32, 10]


def test_past_pipeline_stays_and_todays_lacks_it(cleaned_up: Published) -> None:
    value = cleaned_up.warehouse(
        "select value from marts.kpi_values "
        "where metric = 'pipeline_value' and variant = 'default' "
        "and dimension = 'company' and period_grain = 'month' order by period_start"
    )["value"]
    assert (value.iloc[:-1] == 42).all()
    assert value.iloc[-1] == 10


def test_it_is_among_the_changes(cleaned_up: Published) -> None:
    changes = cleaned_up.warehouse(
        "select opportunity_id, movement, pipeline_effect from marts.mart_pipeline_changes "
        "where since = 'yesterday'"
    )
    assert list(changes.itertuples(index=False, name=None)) == [("gone", "deleted", -32)]


def test_what_came_and_went_between_two_looks_is_among_them_too(tmp_path: Path) -> None:
    brief = f"brief,Lead,7,{now() - dt.timedelta(minutes=5):%Y-%m-%d %H:%M:%S},ann"
    company = loaded(tmp_path, "", (KEPT, brief), (KEPT,))
    changes = company.warehouse(
        "select opportunity_id, movement, pipeline_effect from marts.mart_pipeline_changes "
        "where since = 'yesterday' order by movement"
    )
    assert list(changes.itertuples(index=False, name=None)) == [
        ("brief", "created", 7),
        ("brief", "deleted", -7),
    ]
    moved = company.warehouse(
        "select sum(created) - 10 as created, sum(deleted) as deleted "
        "from marts.fct_pipeline_bridge where scope = 'open' and period_grain = 'month' "
        "and dimension = 'company' and basis = 'reporting'"
    )
    assert list(moved.itertuples(index=False, name=None)) == [(7, 7)]

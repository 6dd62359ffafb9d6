"""A company of one mart, published without a run: what a publication is, in a tenth of a second."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.dashboard.boards import INDEX, PAGES, PEOPLE_PAGE, Page
from dagster_project.run.pipeline_run import PipelineRun
from expectations.report import AuditReport
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse

AS_OF = dt.datetime(2026, 5, 20, 9)


def model(alias: str, schema: str, **columns: str) -> dict[str, Any]:
    return {
        "resource_type": "model",
        "schema": schema,
        "alias": alias,
        "description": f"All {alias}; it's complete.",
        "columns": {key: {"name": key, "description": text} for key, text in columns.items()},
        "checksum": {"checksum": alias},
        "config": {"meta": {}},
        "depends_on": {"nodes": []},
    }


MANIFEST = {
    "macros": {},
    "nodes": {
        "model.salesops.dim_rep": model("dim_rep", "marts", name="The rep's name."),
        "model.salesops.int_rep": model("int_rep", "intermediate"),
        "model.salesops.kpi_members": model("kpi_members", "intermediate"),
    },
}


def made_warehouse(company: Company) -> Warehouse:
    """A warehouse of one mart, one load that counts, and one that was never finished."""
    warehouse = Warehouse.of(company)
    Path(warehouse.location).parent.mkdir(parents=True)
    with duckdb.connect(warehouse.marts) as connection:
        connection.execute(
            "create schema marts;"
            "create table marts.dim_rep as select unnest(['ann', 'bob']) as name"
        )
    with duckdb.connect(warehouse.location) as connection:
        connection.execute(
            """
            create schema raw_files;
            create table raw_files._dlt_loads as
            select * from (values
                ('1', 0, timestamptz '2026-05-01 00:00:00Z'),
                ('2', 1, timestamptz '2026-05-02 00:00:00Z'),
                ('3', 0, timestamptz '2026-06-01 00:00:00Z')
            ) as loads (load_id, status, inserted_at);
            create table raw_files.exports as
            select
                'crm' as source_instance, 'users' as entity, 'print-' || load_id as fingerprint,
                '[{"name": "users.csv"}]' as files, 14 as rows, timestamp '2026-05-01' as
                extracted_at, load_id as _dlt_load_id
            from raw_files._dlt_loads;
            """
        )
    return warehouse


def few_pages(
    connection: duckdb.DuckDBPyConnection, company: Company, has_people: bool
) -> Iterator[tuple[Page, str]]:
    """Pages that say nothing: of what they show a company of one mart has no tables."""
    for page in PAGES:
        if page.key == INDEX or (page.key == PEOPLE_PAGE and has_people):
            yield page, f"{company.name}: {page.title}"


def audited(company: Company, warehouse: Warehouse, run_id: str) -> PipelineRun:
    """A run that has built and audited everything."""
    return PipelineRun(
        company=company,
        run_id=run_id,
        paths=CompanyPaths.of(company),
        warehouse=warehouse,
        asked_as_of=AS_OF,
        asked_known_at=AS_OF,
        is_time_travel=False,
        force=False,
        is_built=True,
        audits={"raw": AuditReport("raw", run_id, ()), "marts": AuditReport("marts", run_id, ())},
    )

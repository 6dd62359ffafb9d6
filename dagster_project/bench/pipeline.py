"""The daily pipeline as it is built, beside the same rows by one row per open deal and day."""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from dagster_project.dbt_runner import Dbt, run_values
from dagster_project.pipeline_run import now, open_run
from ingestion.company import load_company

BUILT = ("int_pipeline_steps", "fct_pipeline_daily")
"""Everything between the deals' states and the daily pipeline."""
EXPLODED = ("pipeline_daily_exploded",)


def compare(file: Path) -> None:
    """Print what both ways take on the company's last build, and their ratio."""
    company = load_company(file)
    if company.destination != "duckdb":
        print("the pipeline's models are compared on DuckDB only")
        return
    dbt = Dbt.of(company)
    with open_run(company, "bench") as run:
        sql = dbt.compiled([*BUILT, *EXPLODED], run_values(run.as_of, now()))
        with duckdb.connect(dbt.warehouse.location) as connection:
            connection.execute("set TimeZone = 'UTC'")
            built, exploded = (
                sum(_seconds(connection, name, sql[name]) for name in names)
                for names in (BUILT, EXPLODED)
            )
            rows = _rows(connection, BUILT[-1]), _rows(connection, EXPLODED[-1])
    print(f"{'daily pipeline':<24} {built:8.2f} s {rows[0]:12,} rows")
    print(f"{'one row per deal and day':<24} {exploded:8.2f} s {rows[1]:12,} rows")
    print(f"ratio: {exploded / built:.1f}")


def _seconds(connection: duckdb.DuckDBPyConnection, name: str, sql: str) -> float:
    """What a query takes whose rows are then in a temporary table."""
    started = time.perf_counter()
    connection.execute(f'create temp table "{name}" as {sql}')
    return time.perf_counter() - started


def _rows(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    row = connection.execute(f'select count(*) from temp."{table}"').fetchone()
    assert row is not None
    return row[0]

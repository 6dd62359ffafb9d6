"""What a user would do without us, on the same data and in the same process, beside what we do."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.bench import models
from dagster_project.bench.measure import measure
from dagster_project.run.clock import now
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.contract.columns import Column
from ingestion.loading.appending import append
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.duckdb_sql import quote
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

ROWS = 100_000
"""As many rows of the largest raw table are loaded at most."""


def compare(file: Path, first_build: float, next_build: float) -> None:
    """Print the models beside one row per deal and day, and a line for each other alternative.

    `first_build` and `next_build` are what our builds took. The company's marts are built again:
    its next run builds everything.
    """
    models.compare(file)
    company = load_company(file)
    _print_row_inserts(company)
    _print_plain_build(company, first_build, next_build)


def _print_row_inserts(company: Company) -> None:
    """Rows as dictionaries, inserted by dlt's statements, beside our load of the same rows."""
    dataset, table, columns, rows = _largest(company)
    with tempfile.TemporaryDirectory() as folder:
        by_rows = _cpu_seconds(partial(_insert, rows, Path(folder) / "rows"))
        ours = _cpu_seconds(partial(_append, table, columns, rows, Path(folder) / "ours"))
    print(
        f"dlt's row inserts: {by_rows:.1f} CPU s for {rows.num_rows:,} rows of {dataset}.{table}; "
        f"our load {ours:.1f}, {by_rows / ours:.0f} times less"
    )


def _print_plain_build(company: Company, first_build: float, next_build: float) -> None:
    """The same SQL by a plain `dbt build` in a process of its own."""
    dbt = Dbt.of(company)
    with open_run(company, "bench") as run:
        values = run_values(run.as_of, now(), company_as_of=run.company.own_as_of)
    plain = measure("plain dbt build", dbt.build_command(), {**dbt.connection, **values})
    print(
        f"plain dbt build: {plain.cpu_seconds:.1f} CPU s every day; our build {first_build:.1f} at "
        f"first, {next_build:.1f} one day later"
    )


def _largest(company: Company) -> tuple[str, str, tuple[Column, ...], pa.Table]:
    """The largest raw table of a company, its columns, and the first of its rows."""
    warehouse = Warehouse.of(company)
    tables = {
        (SOURCE_TYPES[source_type].dataset, table): columns
        for source_type in company.source_types
        for table, columns in SOURCE_TYPES[source_type].tables_of(company.entities).items()
    }
    counts = " union all ".join(
        f"select '{dataset}' as dataset, '{table}' as name, count(*) as n from {dataset}.{table}"
        for dataset, table in tables
    )
    [largest] = warehouse.read(f"select * from ({counts}) order by n desc limit 1").to_pylist()
    dataset, table = largest["dataset"], largest["name"]
    columns = tables[dataset, table]
    names = ", ".join(quote(column.name) for column in columns)
    rows = warehouse.read(f"select {names} from {dataset}.{table} limit {ROWS}")
    return dataset, table, columns, rows


def _append(table: str, columns: tuple[Column, ...], rows: pa.Table, folder: Path) -> None:
    folder.mkdir()
    warehouse = Warehouse("duckdb", str(folder / "warehouse.duckdb"))
    append(warehouse, "raw", {table: columns}, {table: rows.to_batches()}, folder)


def _insert(rows: pa.Table, folder: Path) -> None:
    """As dlt's first examples do it, who phones nobody here."""
    import dlt

    os.environ |= {
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
        "DLT_DATA_DIR": str(folder),
    }
    folder.mkdir()
    pipeline = dlt.pipeline(
        "rows",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.duckdb(str(folder / "warehouse.duckdb")),
        dataset_name="raw",
    )
    pipeline.run(rows.to_pylist(), table_name="rows", loader_file_format="insert_values")


def _cpu_seconds(work: Callable[[], None]) -> float:
    busy = time.process_time()
    work()
    return time.process_time() - busy

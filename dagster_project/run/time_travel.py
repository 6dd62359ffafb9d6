"""Runs for another moment: raw data copied to a warehouse of their own, nothing else touched."""

from __future__ import annotations

from pathlib import Path

from dagster_project.run.copying import copy_tables
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.errors import WarehouseError
from ingestion.loading.moments import LOADS
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse


def copy_raw(run: PipelineRun, source_type: str) -> None:
    """Copy a source type's raw tables, all versions, to the run's own warehouse.

    Raises WarehouseError when nothing has been loaded yet.
    """
    import duckdb

    origin = Warehouse.of(run.company)
    dataset = f"raw_{source_type}"
    if not origin.table_exists(dataset, LOADS):
        raise WarehouseError(
            f"{origin.location}: nothing has been loaded yet from sources of type "
            f"'{source_type}'; run once without AS_OF and KNOWN_AT"
        )
    Path(run.warehouse.location).parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(run.warehouse.location) as connection:
        connection.execute(f"drop schema if exists {dataset} cascade")
        connection.execute(f"create schema {dataset}")
        tables = [*SOURCE_TYPES[source_type].tables, LOADS]
        connection.execute(f"use {dataset}")
        copy_tables(origin, dataset, tables, connection)

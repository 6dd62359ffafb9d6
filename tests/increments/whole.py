"""What a warehouse's raw data gives when it is built whole, in a fresh warehouse."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dagster_project.publishing.versions import HISTORY
from dagster_project.run.copying import copy_tables
from dagster_project.run.dbt_runner import Dbt
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths, write_ahead_log
from ingestion.warehouse.marts_file import SCHEMA, marts_of, show_marts
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import CompiledModels

SEEDS = ("benchmarks", "definition_sources")
"""The tables of the marts that no model makes."""
MODELS = ("--exclude-resource-type", "test")


@contextmanager
def built_by_dbt(
    company: Company, folder: Path, values: Mapping[str, str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """What the company's warehouse has loaded, built as by a first run in a folder of its own."""
    file = CompanyPaths(folder).warehouse
    for path in (file, marts_of(file)):
        for written in (path, write_ahead_log(path)):
            written.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(file) as connection:
        _copy_loaded(company, connection)
    dbt = Dbt(company, CompanyPaths(folder), Warehouse("duckdb", str(file)))
    dbt.build(values, MODELS, lambda result: None)
    with duckdb.connect(file, read_only=True) as connection:
        show_marts(connection, file)
        yield connection


@contextmanager
def built_from_sql(
    company: Company, values: Mapping[str, str], built: Collection[str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The same by the models' SQL alone, in memory, which takes a third of the time.

    Of the models and seeds whose names in dbt are `built`. What dbt does when all is built, the
    hashes of definitions, is not done.
    """
    models = CompiledModels.of(company)
    with duckdb.connect() as connection:
        connection.execute(f"attach ':memory:' as {models.warehouse.stem}")
        connection.execute(f"use {models.warehouse.stem}")
        connection.execute("set threads = 1")
        _copy_loaded(company, connection)
        connection.execute(f"create schema {SCHEMA}")
        for name in (it for it in SEEDS if f"seed.salesops.{it}" in built):
            seed = Warehouse.of(company).read(f"select * from {SCHEMA}.{name}")
            connection.register("seed", seed)
            connection.execute(f"create table {SCHEMA}.{name} as from seed")
        models.run(connection, built, values)
        yield connection


def _copy_loaded(company: Company, into: duckdb.DuckDBPyConnection) -> None:
    """Copy what is loaded, and nothing that was built."""
    origin = Warehouse.of(company)
    for schema in (*(f"raw_{source_type}" for source_type in company.source_types), HISTORY):
        into.execute(f"create schema {schema}")
        into.execute(f"use {schema}")
        copy_tables(origin, schema, sorted(origin.columns(schema)), into)

"""What both published DuckDB files have: words beside their tables, a manifest, their full size."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.publication.manifest import Publication
from dagster_project.publication.reading import size_of
from dagster_project.run.dbt_manifest import MartTable
from ingestion.warehouse.duckdb_sql import literal, quote

if TYPE_CHECKING:
    import duckdb

TOLD = (
    *("run_id", "company", "published_at", "as_of", "known_at", "code_version"),
    *("definitions_hash", "recipe_hash", "row_counts", "inputs"),
)
"""The columns of `publication`."""


@contextmanager
def transaction(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """One commit for many small statements."""
    connection.begin()
    yield
    connection.commit()


def comments(tables: Iterable[MartTable]) -> Iterator[str]:
    """The statements that have tables and columns carry their descriptions."""
    for table in tables:
        name = quote(table.name)
        yield f"comment on table {name} is {literal(table.description)}"
        for column, description in table.columns.items():
            yield f"comment on column {name}.{quote(column)} is {literal(description)}"


def tell(
    connection: duckdb.DuckDBPyConnection, publication: Publication, row_counts: Mapping[str, int]
) -> None:
    """The manifest as the one row of `publication`, with the rows of its own file."""
    connection.execute(
        """create table publication (
            run_id varchar, company varchar, published_at timestamp, as_of timestamp,
            known_at timestamp, code_version varchar, definitions_hash varchar,
            recipe_hash varchar, row_counts varchar, inputs varchar)"""
    )
    values = asdict(publication)
    nested = {"row_counts": row_counts, "inputs": values["inputs"]}
    told = values | {name: json.dumps(value, default=str) for name, value in nested.items()}
    connection.execute(
        "insert into publication values ($run_id, $company, $published_at, $as_of, $known_at, "
        "$code_version, $definitions_hash, $recipe_hash, $row_counts, $inputs)",
        {name: value for name, value in told.items() if name in TOLD},
    )


def put_into_files(connection: duckdb.DuckDBPyConnection, *databases: str) -> None:
    """Have DuckDB write out all that it holds; closing alone would hide that it could not."""
    connection.execute("use memory")
    for database in databases:
        connection.execute(f"checkpoint {database}")
        connection.execute(f"detach {database}")


def fill_up(file: Path) -> None:
    """Give a file the size that it has of its own account, by which one that is cut short is told.

    DuckDB leaves out free blocks at the end, and counts them.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute(f"attach {literal(file)} as written (read_only)")
        size = size_of(connection, "written")
    os.truncate(file, max(size, file.stat().st_size))

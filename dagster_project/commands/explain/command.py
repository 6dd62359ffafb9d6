"""`make explain`: what a published number follows from, record by record."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dagster_project.commands.explain.report import Report, number
from dagster_project.commands.terminal import nobody_listens, say
from dagster_project.numbers.cell import Asked, Cell, ExplainError, find_cell
from dagster_project.numbers.receipts import Figures, Receipts
from dagster_project.publication import MARTS, open_published
from dagster_project.publication.manifest import NOT_AS_PARQUET
from ingestion.company.settings import Company
from ingestion.errors import first_line
from ingestion.paths import CompanyPaths
from ingestion.visible import visible

if TYPE_CHECKING:
    import duckdb

NEEDED = (
    *("kpi_values", "kpi_members", "kpi_variants", "kpi_definitions", "mart_restatements"),
    *("dim_date", "publication"),
)
"""The tables that a receipt is read from."""


def explain(company: Company, asked: Asked, shown: int | None, as_csv: bool) -> bool:
    """Print what a published number follows from, all read from one publication.

    Returns whether the records come to what `kpi_values` says. At most `shown` records of a kind
    are listed; as CSV, all of them are. Raises ExplainError where there is no such number.
    """
    with published_tables(company, NEEDED) as connection:
        receipts, cell = Receipts(connection), find_cell(connection, asked)
        try:
            if as_csv:
                _write_csv(receipts, cell)
            else:
                Report(receipts, cell, company.timezone, shown).print()
            sys.stdout.flush()
        except BrokenPipeError:
            nobody_listens()
        return _agree(cell, receipts.published(cell), receipts.retraced(cell))


@contextmanager
def published_tables(
    company: Company, needed: Collection[str]
) -> Iterator[duckdb.DuckDBPyConnection]:
    """What is published of a company; raises ExplainError where it lacks tables that are needed."""
    import duckdb

    paths = CompanyPaths.of(company)
    run = f"make run COMPANY={company.path}"
    if not paths.published.exists():
        raise ExplainError(f"{paths.published}: nothing has been published yet: {run}")
    try:
        with open_published(paths.marts) as connection:
            rows = connection.execute(
                "select table_name, table_type from information_schema.tables "
                "where table_schema = ?",
                [MARTS],
            ).fetchall()
            found = dict(rows)
            if found.get("kpi_values") == "VIEW" and not found.keys() >= NOT_AS_PARQUET:
                raise ExplainError(
                    f"{paths.marts}: a tool has it open to write, or it is damaged, and there are "
                    f"no Parquet files of {', '.join(NOT_AS_PARQUET)}: end that tool, or {run}"
                )
            if missing := sorted(set(needed) - found.keys()):
                raise ExplainError(
                    f"{paths.marts}: published by an earlier version, without "
                    f"{', '.join(missing)}: {run}"
                )
            yield connection
    except duckdb.Error as error:
        raise ExplainError(f"{paths.marts}: {first_line(error)}") from error


def _write_csv(receipts: Receipts, cell: Cell) -> None:
    """All members of a number, and of what it is a product of, under one heading."""
    rows = csv.writer(sys.stdout, lineterminator="\n")
    rows.writerow(receipts.columns)
    for each in (cell, *receipts.factors(cell).values()):
        for row in receipts.members(each, "true", ", ".join(receipts.columns)):
            rows.writerow("" if value is None else visible(value) for value in row)


def _agree(cell: Cell, published: Figures | None, retraced: Figures | None) -> bool:
    """Whether the records come to what is published; says so where they do not."""
    if published and retraced:
        parts = published.difference(retraced)
    else:
        parts = [] if published == retraced else ["n_included"]
    for part in parts:
        said, found = (getattr(figures, part, None) for figures in (published, retraced))
        say(
            f"error: {cell.metric} {cell.variant}: {part} is {number(said)} in kpi_values, but the "
            f"published records come to {number(found)}",
            sys.stderr,
        )
    return not parts

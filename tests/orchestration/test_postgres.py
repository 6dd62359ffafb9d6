"""The same company on DuckDB and on PostgreSQL: the same marts, row for row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project.publication import open_published
from tests.ingestion.postgres_server import find_programs, running_server
from tests.orchestration.copies import Copy

OF_THE_RUN = ("run_id", "loaded_at", "first_run_id", "first_known_at")
SIGNIFICANT_DIGITS = 9


@pytest.fixture
def on_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Copy]:
    """A copy of the company whose warehouse is a server of the test's own."""
    if find_programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with running_server() as url:
        monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
        copy = Copy.make(tmp_path / "postgres")
        copy.settings(destination="postgres")
        yield copy


def rows(copy: Copy, table: str, columns: list[str]) -> list[tuple[str, ...]]:
    """The rows of a published mart as text, in an order of their own."""
    with open_published(copy.marts) as connection:
        selected = ", ".join(f'"{column}"' for column in columns)
        found = connection.execute(f'select {selected} from marts."{table}"').fetchall()
    return sorted(tuple(map(text, row)) for row in found)


def text(value: object) -> str:
    """A value as both engines give it: sums of floats differ in the last digits."""
    if isinstance(value, float | Decimal):
        number = float(value)
        return "0" if math.isclose(number, 0, abs_tol=1e-9) else f"{number:.{SIGNIFICANT_DIGITS}g}"
    return repr(value)


def tables(copy: Copy) -> dict[str, list[str]]:
    """Columns by published table, those left out that differ from run to run."""
    with open_published(copy.marts) as connection:
        columns = connection.execute(
            """select table_name, column_name from information_schema.columns
            where table_catalog = 'published' and table_name <> 'publication'
            order by table_name, ordinal_position"""
        ).fetchall()
    by_table: dict[str, list[str]] = {}
    for table, column in columns:
        if column not in OF_THE_RUN:
            by_table.setdefault(table, []).append(column)
    return by_table


def test_both_engines_publish_the_same(published_copy: Copy, on_postgres: Copy) -> None:
    done = on_postgres.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert tables(on_postgres) == tables(published_copy)
    for table, columns in tables(published_copy).items():
        assert rows(on_postgres, table, columns) == rows(published_copy, table, columns), table

"""The same company on DuckDB and on PostgreSQL: the same marts, row for row."""

from __future__ import annotations

import math
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import TypeGuard

import pytest

from dagster_project.publication import open_published
from tests.ingestion.postgres_server import running_server
from tests.kpis.companies import TEST_COMPANIES
from tests.orchestration.copies import Copy
from tests.store import made_once

OF_THE_RUN = ("run_id", "loaded_at", "first_run_id", "first_known_at")
OF_THE_ENGINE = ("definition_hash",)
"""It is of the SQL, in which a median is said in two ways."""


@pytest.fixture
def on_postgres(monkeypatch: pytest.MonkeyPatch) -> Copy:
    """What was published of the company from a warehouse on a server of the test's own."""

    def make(folder: Path) -> None:
        with running_server() as url:
            monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
            on_postgres = Copy.make(folder)
            on_postgres.settings(destination="postgres")
            done = on_postgres.run()
            assert done.returncode == 0, done.stdout + done.stderr

    edge_cases = TEST_COMPANIES["edge_cases"].fingerprint()
    return Copy(made_once("postgres", make, edge_cases, Path(__file__)))


def rows(file: Path, table: str, columns: list[str]) -> Counter[tuple[object, ...]]:
    """The rows of a published mart, and how often each is there."""
    with open_published(file) as connection:
        selected = ", ".join(f'"{column}"' for column in columns)
        return Counter(connection.execute(f'select {selected} from marts."{table}"').fetchall())


def order(row: tuple[object, ...]) -> tuple[list[str], list[str]]:
    """What is no number first: sums of floats differ between engines in the last digits."""
    numbers = [f"{float(value):.5g}" for value in row if is_number(value)]
    return [repr(value) for value in row if not is_number(value)], numbers


def is_number(value: object) -> TypeGuard[float | Decimal]:
    return isinstance(value, float | Decimal)


def differ(row: tuple[object, ...], other: tuple[object, ...]) -> bool:
    """Whether two rows are not the same, numbers to nine digits."""
    return any(
        not math.isclose(float(one), float(two), rel_tol=1e-9, abs_tol=1e-9)
        if is_number(one) and is_number(two)
        else one != two
        for one, two in zip(row, other, strict=True)
    )


def tables(file: Path) -> dict[str, list[str]]:
    """Columns by published table, those left out that differ from run to run."""
    with open_published(file) as connection:
        columns = connection.execute(
            """select table_name, column_name from information_schema.columns
            where table_catalog = 'published' and table_name <> 'publication'
            order by table_name, ordinal_position"""
        ).fetchall()
    by_table: dict[str, list[str]] = {}
    for table, column in columns:
        if column not in OF_THE_RUN + OF_THE_ENGINE:
            by_table.setdefault(table, []).append(column)
    return by_table


def test_both_engines_publish_the_same(copy: Copy, on_postgres: Copy) -> None:
    for theirs, ours in ((on_postgres.marts, copy.marts), (on_postgres.people, copy.people)):
        assert tables(theirs) == tables(ours)
        for table, columns in tables(ours).items():
            found, wanted = rows(theirs, table, columns), rows(ours, table, columns)
            only = [sorted(side.elements(), key=order) for side in (found - wanted, wanted - found)]
            off = [pair for pair in zip(*only, strict=True) if differ(*pair)]
            assert not off, f"{table}: {len(off)} rows differ, such as\n{off[0][0]}\n{off[0][1]}"


def test_definitions_have_their_hashes_on_postgres(on_postgres: Copy) -> None:
    [hashes] = zip(*rows(on_postgres.marts, "kpi_definitions", ["definition_hash"]), strict=True)
    assert None not in hashes

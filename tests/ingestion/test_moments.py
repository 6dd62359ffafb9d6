"""The moment of a load: one spelling, right on whatever clock a session is."""

from __future__ import annotations

import datetime as dt
import re

import duckdb
import pytest

from ingestion.loading.moments import finished_loads, loaded_at
from ingestion.paths import PROJECT

AT = dt.datetime(2024, 3, 10, 1, 30)


@pytest.fixture(params=["UTC", "America/New_York", "Asia/Tokyo"])
def session(request: pytest.FixtureRequest) -> duckdb.DuckDBPyConnection:
    """A session in a zone, and two loads: one finished at AT, one never."""
    connection = duckdb.connect()
    connection.execute(f"set TimeZone = '{request.param}'")
    connection.execute("create schema raw")
    connection.execute(
        "create table raw._dlt_loads as select * from (values "
        "('1', timestamptz '2024-03-10 01:30:00+00', 0), "
        "('2', timestamptz '2024-03-10 01:00:00+00', 1)) as loads (load_id, inserted_at, status)"
    )
    return connection


def test_it_is_utc(session: duckdb.DuckDBPyConnection) -> None:
    found = session.execute(f"select {loaded_at('loads')} from raw._dlt_loads as loads").fetchall()
    assert (AT,) in found


def test_a_load_is_known_from_its_moment_on(session: duckdb.DuckDBPyConnection) -> None:
    before = finished_loads("raw", f"<= timestamp '{AT - dt.timedelta(seconds=1)}'")
    assert session.execute(before).fetchall() == []
    assert session.execute(finished_loads("raw", f"<= timestamp '{AT}'")).fetchall() == [("1",)]


def test_it_is_spelled_once() -> None:
    spelled = re.compile(r"inserted_at (at time zone|as )|inserted_at::")
    packages = ("ingestion", "expectations", "dagster_project", "dbt/models", "dbt/macros")
    found = {
        str(path.relative_to(PROJECT))
        for package in packages
        for path in (PROJECT / package).rglob("*")
        if path.suffix in (".py", ".sql") and spelled.search(path.read_text(encoding="utf-8"))
    }
    assert found == {"ingestion/loading/moments.py", "dbt/macros/sources.sql"}

"""A PostgreSQL server with a database for each test, and a company that reads it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from tests.ingestion.postgres_server import running_server
from tests.sql.ledger import ADDRESS, TABLE, Database, Ledger

PASSWORD = "s3cret/of@the ledger"
NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a server that asks for a password; skips where PostgreSQL is not installed."""
    with running_server(PASSWORD) as url:
        yield url


@pytest.fixture
def new_database(server: str) -> Callable[[], Database]:
    """Makes a database with an empty table of invoices."""

    def make() -> Database:
        name = f"ledger_{next(NUMBERS)}"
        with closing(psycopg2.connect(server)) as connection:
            connection.autocommit = True
            connection.cursor().execute(f"create database {name}")
        database = Database(server.replace("@/postgres?", f"@/{name}?"))
        database.run(TABLE)
        return database

    return make


@pytest.fixture
def database(new_database: Callable[[], Database], monkeypatch: pytest.MonkeyPatch) -> Database:
    """The database that the company's source reads."""
    made = new_database()
    monkeypatch.setenv(ADDRESS, made.url)
    return made


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    """A company whose data are in the test's own folder."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return Ledger(tmp_path)

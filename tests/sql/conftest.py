"""Databases that tests fill, SQLite and PostgreSQL, and companies that read them."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from ingestion.loading.appending import append
from ingestion.sources.sql import SQL
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.postgres_server import running_server
from tests.sql import ledger as ledgers
from tests.sql.databases import ADDRESS, CANARY, Db
from tests.sql.ledger import TABLE, Database, Ledger

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that asks for the canary."""
    with running_server(CANARY) as address:
        yield address


@pytest.fixture(scope="session")
def empty_of_sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that has every table of databases and no load: making them takes longest."""
    folder = tmp_path_factory.mktemp("empty")
    warehouse = Warehouse("duckdb", str(folder / "warehouse.duckdb"))
    append(warehouse, SQL.dataset, SQL.tables, {}, folder)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute(f"delete from {SQL.dataset}._dlt_loads")
    return folder / "warehouse.duckdb"


@pytest.fixture
def company(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_of_sql: Path, without_dlt: None
) -> Db:
    """A company whose data is in the test's own folder, and whose database is none yet."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return Db(tmp_path, sa.create_engine("sqlite://"), empty=empty_of_sql)


@pytest.fixture
def sqlite(company: Db, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db]:
    """A company that reads a SQLite file."""
    yield from _connected(company, f"sqlite:///{company.root / 'erp.sqlite'}", monkeypatch)


@pytest.fixture
def postgres(company: Db, monkeypatch: pytest.MonkeyPatch, postgres_server: str) -> Iterator[Db]:
    """A company that reads a PostgreSQL database of its own."""
    server = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    name = f"erp_{abs(hash(company.root))}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    address = postgres_server.replace("/postgres?", f"/{name}?")
    yield from _connected(company, address, monkeypatch)
    with server.connect() as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Db:
    """One company after the other."""
    found: Db = request.getfixturevalue(request.param)
    return found


def _connected(company: Db, address: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db]:
    monkeypatch.setenv(ADDRESS, address)
    company.engine = sa.create_engine(address, poolclass=sa.NullPool)
    yield company
    company.engine.dispose()


@pytest.fixture
def new_database(postgres_server: str) -> Callable[[], Database]:
    """Makes a PostgreSQL database with an empty table of invoices."""

    def make() -> Database:
        name = f"ledger_{next(NUMBERS)}"
        Database(postgres_server).run(f"create database {name}")
        database = Database(postgres_server.replace("@/postgres?", f"@/{name}?"))
        database.run(TABLE)
        return database

    return make


@pytest.fixture
def database(new_database: Callable[[], Database], monkeypatch: pytest.MonkeyPatch) -> Database:
    """The database that the source of a ledger reads."""
    made = new_database()
    monkeypatch.setenv(ledgers.ADDRESS, made.url)
    return made


@pytest.fixture
def ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_of_sql: Path, without_dlt: None
) -> Ledger:
    """A company whose data are in the test's own folder."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return Ledger(tmp_path, empty_of_sql)

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


@pytest.fixture
def sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db]:
    """A company that reads a SQLite file."""
    address = f"sqlite:///{tmp_path / 'erp.sqlite'}"
    yield from _connected(address, tmp_path, monkeypatch)


@pytest.fixture
def postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, postgres_server: str) -> Iterator[Db]:
    """A company that reads a PostgreSQL database of its own."""
    server = sa.create_engine(postgres_server, isolation_level="AUTOCOMMIT")
    name = f"erp_{abs(hash(tmp_path))}"
    with server.connect() as connection:
        connection.exec_driver_sql(f"create database {name}")
    yield from _connected(postgres_server.replace("/postgres?", f"/{name}?"), tmp_path, monkeypatch)
    with server.connect() as connection:
        connection.exec_driver_sql(f"drop database {name} with (force)")
    server.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def db(request: pytest.FixtureRequest) -> Db:
    """One company after the other."""
    found: Db = request.getfixturevalue(request.param)
    return found


def _connected(address: str, root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Db]:
    monkeypatch.setenv("SALESOPS_DATA", str(root / "data"))
    monkeypatch.setenv(ADDRESS, address)
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    yield Db(root, engine)
    engine.dispose()


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


@pytest.fixture(scope="session")
def empty_of_sql(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that has every table of SQL sources: making them is most of a first load."""
    folder = tmp_path_factory.mktemp("empty")
    warehouse = Warehouse("duckdb", str(folder / "warehouse.duckdb"))
    append(warehouse, SQL.dataset, SQL.tables, {}, folder)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute(f"delete from {SQL.dataset}._dlt_loads")
    return folder / "warehouse.duckdb"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_of_sql: Path) -> Ledger:
    """A company whose data are in the test's own folder."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return Ledger(tmp_path, empty_of_sql)

"""Databases that tests fill: SQLite, and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlalchemy as sa

from ingestion.loading.appending import append
from ingestion.sources.sql import SQL
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.postgres_server import running_server
from tests.sql.databases import ADDRESS, CANARY, Db


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that asks for the canary."""
    with running_server(CANARY) as address:
        yield address


@pytest.fixture(scope="session")
def empty_sql_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that has every table of databases and no load: making them takes longest."""
    folder = tmp_path_factory.mktemp("empty")
    warehouse = Warehouse("duckdb", str(folder / "warehouse.duckdb"))
    append(warehouse, SQL.dataset, SQL.tables, {}, folder)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute(f"delete from {SQL.dataset}._dlt_loads")
    return folder / "warehouse.duckdb"


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_sql_warehouse: Path) -> Db:
    """A company whose data is in the test's own folder, and whose database is none yet."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return Db(tmp_path, sa.create_engine("sqlite://"), empty=empty_sql_warehouse)


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

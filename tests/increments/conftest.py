"""Both engines, for what an increment does in each of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ingestion.warehouse.session import Session, session
from ingestion.warehouse.warehouse import Warehouse
from tests.ingestion.postgres_server import running_server


@pytest.fixture(scope="module", params=["duckdb", "postgres"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Session]:
    """A new warehouse of each engine in turn, for all tests of a module."""
    if request.param == "duckdb":
        file = tmp_path_factory.mktemp("database") / "warehouse.duckdb"
        with session(Warehouse("duckdb", str(file))) as opened:
            yield opened
    else:
        with running_server() as url, session(Warehouse("postgres", url)) as opened:
            yield opened

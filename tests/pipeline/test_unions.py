"""An entity from several sources: each column from the columns of its name."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from ingestion.company.reading import load_company
from ingestion.contract.dbt_files import RECORD_DOCS
from ingestion.contract.entities import ENTITIES
from ingestion.contract.types import TYPES
from ingestion.paths import PROJECT
from tests.compiled_models import CompiledModels

BOTH_SOURCES = PROJECT / "company.yml"
USERS = ENTITIES["users"]
RECORD_TYPES = {
    "source_row": "bigint",
    "is_deleted": "boolean",
    "source_updated_at": "timestamp",
    "loaded_at": "timestamp",
}


def test_the_order_of_a_sources_columns_is_nothing_to_a_union(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    models = CompiledModels.of(load_company(BOTH_SOURCES))
    columns = {
        USERS.surrogate_key: "varchar",
        **{name: RECORD_TYPES.get(name, "varchar") for name in RECORD_DOCS},
        **{column.name: TYPES[column.type].sql for column in USERS.columns},
    }
    orders = {"files": columns.items(), "hubspot": reversed(columns.items())}
    with duckdb.connect(tmp_path / "warehouse.duckdb") as connection:
        connection.execute("create schema staging; create schema intermediate")
        for source_type, order in orders.items():
            declared = ", ".join(f"{name} {of}" for name, of in order)
            table = f"staging.stg_{source_type}__users"
            connection.execute(f"create table {table} ({declared})")
            connection.execute(f"insert into {table} (name, email) values ('Ann', 'ann@a.example')")
        connection.execute(models.statements["model.salesops.int_users__unioned"])
        found = connection.execute(
            "select name, email from intermediate.int_users__unioned"
        ).fetchall()
    assert found == [("Ann", "ann@a.example")] * 2

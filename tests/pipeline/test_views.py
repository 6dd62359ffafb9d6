"""Views over the raw tables cost what is asked of them."""

from __future__ import annotations

import duckdb

from tests.conftest import Publish
from tests.plans import columns_read, lists_joined


def test_a_column_is_read_without_the_others(published: Publish) -> None:
    """Every view has `source_row`: it is read where DuckDB reads all columns."""
    warehouse = published("edge_cases").folder / "warehouse.duckdb"
    with duckdb.connect(warehouse, read_only=True) as connection:
        views = connection.execute(
            "select schema_name || '.' || view_name from duckdb_views() "
            "where schema_name = 'staging' or view_name like '%\\_\\_unioned' escape '\\'"
        ).fetchall()
        assert len(views) > 50
        for (view,) in views:
            read = columns_read(connection, f"select min(loaded_at) from {view}")
            assert "source_id" in read
            assert "source_row" not in read, view


def test_readers_conditions_on_activities_look_up_no_outcomes(published: Publish) -> None:
    """Each outcome that there is is looked up in two lists, once, however often it is asked for."""
    warehouse = published("edge_cases").folder / "warehouse.duckdb"
    asked = "is_done and due_at is not null and occurred_at > timestamp '2026-01-01'"
    sql = f"select min(owner_id) from intermediate.int_activities__unioned where {asked}"
    with duckdb.connect(warehouse, read_only=True) as connection:
        assert lists_joined(connection, sql) == 2

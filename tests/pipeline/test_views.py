"""Views over the raw tables cost what is asked of them."""

from __future__ import annotations

import duckdb

from tests.conftest import Publish
from tests.plans import columns_read


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

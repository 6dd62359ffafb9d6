"""Names of columns that are the loader's own, not the user's."""

from __future__ import annotations

from ingestion.warehouse.duckdb_sql import quote

HIDDEN = "§salesops "
"""Prefix of the columns that are not the user's."""

TEXT_OF = f"{HIDDEN}text "
"""Prefix of the columns that keep the text of values that their column's type would rewrite."""

POSITION = quote(f"{HIDDEN}position")
"""Where a row stands among those that an entity is mapped from (from 0)."""

FILE_ROW = quote(f"{HIDDEN}row")
"""Where a row stands in its file (from 0)."""

REASON = quote(f"{HIDDEN}reason")
"""What is wrong with a row; NULL when nothing is."""

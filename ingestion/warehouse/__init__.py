"""The warehouse: DuckDB or PostgreSQL, and pieces of SQL for them."""

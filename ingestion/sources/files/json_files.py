"""JSON files: one object per line, or an array of objects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.duckdb_sql import literal, path_literal, quote
from ingestion.errors import SourceError, first_line
from ingestion.sources.files.limits import MAX_LEVELS, refuse_wide
from ingestion.sources.files.text_files import plain_text

if TYPE_CHECKING:
    import duckdb

_FROM_TEXT = ("DATE", "TIME", "TIMESTAMP", "UUID")
"""Types that DuckDB reads into strings. It drops the offsets of timestamps on the way."""


def read_json(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, folder: Path
) -> tuple[str, ...]:
    """Read a JSON file into a new table; the names of its columns that are text.

    Numbers and booleans are typed as JSON writes them, objects and lists keep their structure.
    Raises SourceError when it cannot be read.
    """
    import duckdb

    path = path_literal(plain_text(file, "utf-8", folder))
    try:
        described = connection.execute(
            f"describe from read_json({path}, records = true, sample_size = -1, "
            f"map_inference_threshold = -1, maximum_depth = {MAX_LEVELS})"
        ).fetchall()
        refuse_wide(file, len(described))
        types = {row[0]: "VARCHAR" if row[1] in _FROM_TEXT else row[1] for row in described}
        columns = ", ".join(f"{literal(name)}: {literal(type_)}" for name, type_ in types.items())
        connection.execute(
            f"create table {quote(table)} as from read_json({path}, records = true, "
            f"columns = {{{columns}}})"
        )
    except duckdb.Error as error:
        cause = first_line(error).replace(path.strip("'"), file.name)
        raise SourceError(f"{file}: {cause}") from None
    return tuple(name for name, type_ in types.items() if type_ == "VARCHAR")

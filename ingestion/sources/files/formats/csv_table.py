"""Makes tables of CSV text by fixed rules; lines that break them are set apart."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.sources.files.formats.broken_lines import BrokenLine
from ingestion.sources.files.formats.csv_header import Header
from ingestion.sources.files.formats.layout import unique_names
from ingestion.sources.files.formats.limits import MAX_ROW_BYTES
from ingestion.sources.files.formats.text_files import (
    ends_within,
    skip_blank_lines,
    with_line_feeds,
)
from ingestion.sources.files.settings import FileOptions
from ingestion.warehouse.duckdb_sql import literal, path_literal, quote

if TYPE_CHECKING:
    import duckdb


def load_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    header: Header,
    options: FileOptions,
    folder: Path,
) -> tuple[Path, dict[int, BrokenLine]]:
    """Make the table; the text that it was made of, and its broken lines by where they begin."""
    import duckdb

    columns = unique_names(header.names)
    try:
        _create_table(connection, table, path, header.delimiter, columns)
    except duckdb.InvalidInputException:
        # DuckDB gives up, without a line, on files that mix line ends.
        path = with_line_feeds(path, folder)
        _create_table(connection, table, path, header.delimiter, columns)
    broken = dict(_broken_lines(connection, path, options.encoding, header.line))
    connection.execute("drop table reject_errors; drop table reject_scans")
    return path, broken


def _create_table(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    path: Path,
    delimiter: str,
    columns: Sequence[str],
) -> None:
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    # The only column of a blank line is NULL; where there are more, DuckDB skips blank lines.
    rows = f"where {quote(columns[0])} is not null" if len(columns) == 1 else ""
    connection.execute(
        f"create or replace table {quote(table)} as select * from read_csv({path_literal(path)}, "
        f"auto_detect = false, header = true, delim = {literal(delimiter)}, quote = '\"', "
        f"escape = '\"', columns = {{{types}}}, max_line_size = {MAX_ROW_BYTES}, "
        f"store_rejects = true) {rows}"
    )


def _broken_lines(
    connection: duckdb.DuckDBPyConnection, path: Path, encoding: str, first_line: int
) -> Iterator[tuple[int, BrokenLine]]:
    """Broken lines, by the bytes before them and the blank lines above them."""
    errors = connection.execute(
        "select line_byte_position - 1, any_value(csv_line), any_value(error_type), "
        "case any_value(error_type) when 'TOO MANY COLUMNS' "
        "then arg_max(error_message, column_idx) else arg_min(error_message, column_idx) end "
        "from reject_errors group by line_byte_position order by line_byte_position"
    ).fetchall()
    with path.open("rb") as file:
        line = first_line
        for offset, text, error_type, message in errors:
            line += ends_within(file, offset - file.tell())
            line += skip_blank_lines(file)
            if error_type == "LINE SIZE OVER MAXIMUM":
                message = f"longer than {MAX_ROW_BYTES >> 20} MB"
            if error_type == "INVALID ENCODING":
                start = file.tell()
                text = file.readline().decode("utf-8", "backslashreplace")
                file.seek(start)
                message = f"not valid {encoding}; options.encoding says what it is, e.g. cp1252"
            yield offset, BrokenLine(line, text.strip("\r\n"), f"broken line: {message}")

"""CSV files: parsed by fixed rules, never sniffed; lines that break them are set apart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SourceError
from ingestion.sources.files.formats.csv_file import CsvFile
from ingestion.sources.files.formats.csv_footer import footer_note, footer_start
from ingestion.sources.files.formats.csv_header import find_header
from ingestion.sources.files.formats.csv_quotes import swallowing, told_apart, told_of_swallowing
from ingestion.sources.files.formats.csv_table import load_table
from ingestion.sources.files.formats.layout import unique_names
from ingestion.sources.files.formats.limits import refuse_wide
from ingestion.sources.files.formats.text_files import (
    cut,
    has_line_feeds,
    last_lines,
    line_at,
    plain_text,
    unended_line,
    with_line_feeds,
)
from ingestion.sources.files.settings import FileOptions
from ingestion.warehouse.duckdb_sql import quote

if TYPE_CHECKING:
    import duckdb


def read_csv(
    connection: duckdb.DuckDBPyConnection,
    file: Path,
    table: str,
    options: FileOptions,
    folder: Path,
) -> CsvFile:
    """Read a CSV file into a new table of text columns.

    Empty values are NULL. `folder` takes copies of files that DuckDB cannot read as they are.
    Raises SourceError when the file is empty or damaged.
    """
    path = plain_text(file, options.encoding, folder)
    if not has_line_feeds(path):
        path = with_line_feeds(path, folder)
    header = find_header(path, file, options)
    refuse_wide(file, len(header.names))
    ends_in = unended_line(path)
    notes = []
    if header.above:
        notes.append(f"line {header.line} names the columns; above it: {'; '.join(header.above)}")
    end = None
    if options.footer_rows:
        end = last_lines(path, options.footer_rows)
        if end is None or line_at(path, end) <= header.line:
            raise SourceError(
                f"{file}: options.footer_rows = {options.footer_rows}, but there are fewer lines "
                f"below line {header.line}, which names the columns"
            )
        notes.append(footer_note(path, end, 1))
    if header.line > 1 or end is not None:
        path = cut(path, header.line - 1, end, folder)
    path, broken = load_table(connection, table, path, header, options, folder)
    if options.footer_rows is None and broken:
        rows = connection.execute(f"from {quote(table)} limit 1").fetchall()
        footer = footer_start(path, header, broken, bool(rows))
        if footer is not None:
            notes.append(footer_note(path, footer, header.line))
            path = cut(path, 0, footer, folder)
            path, broken = load_table(connection, table, path, header, options, folder)
    csv_file = CsvFile(path, header, unique_names(header.names), ends_in=ends_in)
    lines = tuple(told_apart(connection, table, file, csv_file, broken))
    csv_file = replace(csv_file, broken=lines)
    swallowed = swallowing(connection, table, csv_file)
    notes += told_of_swallowing(csv_file, swallowed)
    values = tuple(one.value for one in swallowed)
    return replace(csv_file, notes=tuple(notes), swallowed=values)

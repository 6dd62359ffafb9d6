"""JSON files: one object per line, or an array of objects."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SourceError, first_line
from ingestion.sources.files.formats.limits import MAX_LEVELS, MAX_NESTED, refuse_wide
from ingestion.sources.files.formats.text_files import CHUNK, plain_text
from ingestion.warehouse.duckdb_sql import literal, path_literal, quote

if TYPE_CHECKING:
    import duckdb

_FROM_TEXT = ("DATE", "TIME", "TIMESTAMP", "UUID")
"""Types that DuckDB reads into strings. It drops the offsets of timestamps on the way."""

_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_STEPS = bytes.maketrans(b"[{]}", b"\2\2\0\0")
"""Brackets become the step that they are, in or out, more by one; all other bytes go."""
_OTHERS = bytes(byte for byte in range(256) if byte not in b"[{]}")


def read_json(
    connection: duckdb.DuckDBPyConnection, file: Path, table: str, folder: Path
) -> tuple[str, ...]:
    """Read a JSON file into a new table; the names of its columns that are text.

    Numbers and booleans are typed as JSON writes them, objects and lists keep their structure.
    Raises SourceError when it cannot be read.
    """
    import duckdb

    text = plain_text(file, "utf-8", folder)
    if _depth(text) > MAX_NESTED:
        raise SourceError(
            f"{file}: objects or lists nested more than {MAX_NESTED:,} deep; no export is so deep: "
            "export it again, as one flat object a line"
        )
    path = path_literal(text)
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
        raise SourceError(
            f"{file}: {cause} Export it again, as one object a line or a list of objects"
        ) from None
    return tuple(name for name, type_ in types.items() if type_ == "VARCHAR")


def _depth(path: Path) -> int:
    """How deep the objects and lists of a JSON file are nested."""
    deepest = depth = 0
    begun = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            text = _ESCAPED.sub(b"", begun + chunk)
            pieces = text.rstrip(b"\\").split(b'"')
            for step in b"".join(pieces[::2]).translate(_STEPS, _OTHERS):
                depth += step - 1
                deepest = max(deepest, depth)
            # A string, or an escape in it, may go on in the next chunk.
            begun = (b"" if len(pieces) % 2 else b'"') + text[len(text.rstrip(b"\\")) :]
    return deepest

"""Takes in an API's answers: JSON lines on disk, then tables of an in-process DuckDB.

Python touches a page at a time; what has come in waits on disk, not in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from ingestion.warehouse.duckdb_sql import literal, path_literal, quote

if TYPE_CHECKING:
    import duckdb

FLUSH_BYTES = 32 << 20
WRITE_BYTES = 1 << 20


class Intake:
    """One table of JSON objects that come in page by page.

    `members` gives the DuckDB type of each member that is kept. Leaving the context writes the
    last rows; `folder` takes the files on their way.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        members: Mapping[str, str],
        folder: Path,
    ) -> None:
        self._connection, self._table, self._members = connection, table, members
        self._path = folder / f"{table}.jsonl"
        self._file: BinaryIO | None = None
        columns = ", ".join(f"{quote(name)} {type_}" for name, type_ in members.items())
        connection.execute(f"create table {quote(table)} ({columns})")

    def __enter__(self) -> Intake:
        self._file = self._path.open("wb", buffering=WRITE_BYTES)
        return self

    def __exit__(self, *error: object) -> None:
        if error[0] is None:
            self._flush()
        assert self._file is not None
        self._file.close()
        self._path.unlink()

    def add(self, objects: Iterable[Mapping[str, Any]]) -> None:
        """Take in the objects of a page."""
        assert self._file is not None
        self._file.writelines(orjson.dumps(found, option=_LINE) for found in objects)
        if self._file.tell() >= FLUSH_BYTES:
            self._flush()

    def _flush(self) -> None:
        assert self._file is not None
        self._file.flush()
        if not self._file.tell():
            return
        columns = ", ".join(f"{literal(name)}: {literal(t)}" for name, t in self._members.items())
        self._connection.execute(
            f"insert into {quote(self._table)} select * from read_json({path_literal(self._path)}, "
            f"format = 'newline_delimited', columns = {{{columns}}})"
        )
        self._file.seek(0)
        self._file.truncate()


_LINE = orjson.OPT_APPEND_NEWLINE

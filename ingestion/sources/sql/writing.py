"""How values are written: what the whole column tells, which the rows of an increment may not."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.contract.columns import Entity
from ingestion.errors import SourceError
from ingestion.sources.files.confinement import is_stopped
from ingestion.sources.files.mapping.expressions import expressions
from ingestion.sources.files.mapping.mapping import formed
from ingestion.sources.files.mapping.picking import Picked, pick_column
from ingestion.sources.files.mapping.rowset import RowSet, relate
from ingestion.sources.files.reading import Table
from ingestion.sources.files.values.casting import Zones
from ingestion.sources.sql.settings import SqlMapping
from ingestion.warehouse.duckdb_sql import one_row, path_literal, quote

if TYPE_CHECKING:
    import duckdb

Writing = Mapping[str, str]
"""How the values of canonical columns are written: days or moments, percent, marks of numbers."""


def writing_of(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    mapping: SqlMapping,
    file: Path,
    zones: Zones,
) -> Writing:
    """How the values of a file's rows are written, of the columns that have any.

    None of it where the mapping is wrong, which mapping the rows tells.
    """
    import duckdb

    name = "§written"
    connection.execute(
        f"create or replace table {quote(name)} as from read_parquet({path_literal(file)})"
    )
    try:
        rowset = relate(connection, "", None, {name: Table(name, ())})
        used = expressions(entity, mapping, rowset)
        picks = [
            pick_column(connection, rowset, entity.by_name[column], sql)
            for column, sql in used.items()
            if entity.by_name[column].type not in ("text", "boolean")
        ]
        try:
            return _forms(connection, rowset, used, picks, zones)
        except duckdb.Error as error:
            if is_stopped(error):
                raise
            guarded = [replace(pick, is_guarded=True) for pick in picks]
            return _forms(connection, rowset, used, guarded, zones)
    except (SourceError, duckdb.Error):
        return {}


def _forms(
    connection: duckdb.DuckDBPyConnection,
    rowset: RowSet,
    used: Mapping[str, str],
    picks: Sequence[Picked],
    zones: Zones,
) -> Writing:
    forms = {}
    for pick in formed(connection, rowset, used, picks, zones)[0]:
        rows = f"(select {pick.selected} from {quote(rowset.table)})"
        (values,) = one_row(connection, f"select count(*) from {rows} where not ({pick.is_empty})")
        if values:
            forms[pick.column.name] = json.dumps(asdict(pick.form), sort_keys=True)
    return forms

"""Checks of mapped rows beyond their own values, and the record of those that are rejected."""

from __future__ import annotations

import bisect
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from ingestion.sources.files.hidden import FILE_ROW, POSITION, REASON
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.reading import Part, Table
from ingestion.warehouse.duckdb_sql import literal, quote, register

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


def reject_unknown_stages(
    connection: duckdb.DuckDBPyConnection, opportunities: str, stages: str
) -> None:
    """Give mapped opportunities a reason whose stage is not among the mapped stages, if any.

    A stage without a pipeline is a stage of every pipeline.
    """
    known = f"select pipeline, stage from {quote(stages)} where {REASON} is null and not is_deleted"
    names = connection.execute(f"select distinct stage from ({known}) order by stage").fetchall()
    if not names:
        return
    expected = f": expected one of the pipeline_stages of this source: {_names(names)}"
    connection.execute(f"""
        update {quote(opportunities)} as deal
        set {REASON} = concat_ws('; ', {REASON}, 'stage = ' || stage
            || coalesce(' in pipeline ' || pipeline, '') || {literal(expected)})
        where stage is not null and not exists (
            select 1 from ({known}) as known where known.stage = deal.stage
                and (known.pipeline is null or known.pipeline = deal.pipeline))
    """)


def reject_repeats(
    connection: duckdb.DuckDBPyConnection, mapped: str, key: Sequence[str], firsts: str
) -> None:
    """Keep the first row of each id, which stands for `key`, and give the others a reason.

    Makes table `firsts`: POSITION of each row that repeats, FILE_ROW of the row that was kept.
    """
    values = ", ".join(f"{literal(name + ' = ')} || m.{quote(name)}" for name in key)
    connection.execute(f"""
        create table {quote(firsts)} as
        with repeat as (
            select {POSITION}, row_number() over same_id as occurrence,
                first_value({FILE_ROW}) over same_id as {FILE_ROW}
            from {quote(mapped)} where {REASON} is null and source_id in ({_repeated(mapped)})
            window same_id as (partition by source_id order by {FILE_ROW}, row_hash, {POSITION})
        )
        select {POSITION}, {FILE_ROW} from repeat where occurrence > 1;
        update {quote(mapped)} as m set {REASON} = concat_ws(', ', {values}) || ': repeated'
        from {quote(firsts)} as f where f.{POSITION} = m.{POSITION}
    """)


def record_rejected(
    connection: duckdb.DuckDBPyConnection,
    mapped: str,
    firsts: str,
    rowset: RowSet,
    tables: Iterable[Table],
    target: str,
) -> None:
    """Make table `target` of all rows that have a reason, and of lines that cannot be read.

    Its columns: `source_id`, `source_file`, `source_line`, `reason`, `record`.
    """
    wanted = connection.execute(f"""
        select {FILE_ROW} from {quote(mapped)} where {REASON} is not null and {FILE_ROW} is not null
        union select {FILE_ROW} from {quote(firsts)} where {FILE_ROW} is not null
        order by 1
    """).fetchall()
    parts = [part for table in tables for part in table.parts]
    files = ", ".join(dict.fromkeys(part.name for part in parts))
    located = _locate(rowset.driver, [row for (row,) in wanted])
    with register(connection, "§located", located), register(connection, "§broken", _broken(parts)):
        connection.execute(f"""
            create table {quote(target)} as
            with rejected as (from {quote(mapped)} where {REASON} is not null),
            records as (
                select rowid as {POSITION}, {rowset.as_json(rowset.own_columns)} as record
                from {quote(rowset.table)}
                where rowid in (select {POSITION} from rejected)
            )
            select rejected.source_id,
                coalesce(own.file, {literal(files)}) as source_file,
                own.line::BIGINT as source_line,
                {REASON} || case
                    when first.{POSITION} is null then ''
                    else coalesce('; the first is in line ' || kept.line, '')
                end as reason,
                records.record
            from rejected
            join records using ({POSITION})
            left join "§located" as own on own.row = rejected.{FILE_ROW}
            left join {quote(firsts)} as first on first.{POSITION} = rejected.{POSITION}
            left join "§located" as kept on kept.row = first.{FILE_ROW}
            union all
            select NULL, file, line, reason, record from "§broken"
        """)


def _repeated(mapped: str) -> str:
    return (
        f"select source_id from {quote(mapped)} where {REASON} is null "
        "group by source_id having count(*) > 1"
    )


def _names(rows: Iterable[tuple[str]]) -> str:
    return ", ".join(name for (name,) in rows)


def _locate(table: Table | None, rows: Sequence[int]) -> pa.Table:
    """The file and line of rows of a table (from 0, ascending)."""
    import pyarrow as pa

    files: list[str] = []
    lines: list[int | None] = []
    for part in table.parts if table else ():
        start, end = (bisect.bisect_left(rows, r) for r in (part.first, part.first + part.rows))
        lines += part.lines([row - part.first for row in rows[start:end]]) if end > start else []
        files += [part.name] * (end - start)
    return pa.table(
        {
            "row": pa.array(rows[: len(files)], pa.int64()),
            "file": pa.array(files, pa.string()),
            "line": pa.array(lines, pa.int64()),
        }
    )


def _broken(parts: Iterable[Part]) -> pa.Table:
    """The lines of files that cannot be read as rows."""
    import pyarrow as pa

    schema = pa.schema(
        {"file": pa.string(), "line": pa.int64(), "reason": pa.string(), "record": pa.string()}
    )
    return pa.Table.from_pylist(
        [
            {
                "file": part.name,
                "line": line.line,
                "reason": line.reason,
                "record": line.record,
            }
            for part in parts
            for line in part.broken
        ],
        schema,
    )

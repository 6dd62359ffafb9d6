"""Records that several files of one relation hold, as overlapping downloads do: one row counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ingestion.sources.files.file_order import in_order, is_certain
from ingestion.sources.files.hidden import FILE_ROW, POSITION, REASON
from ingestion.sources.files.reading import Part
from ingestion.warehouse.duckdb_sql import one_row, quote, register

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

FILES = "§files"


@dataclass(frozen=True)
class Overlap:
    """`ids` are in several files, `differing` of them with other values; `rows` do not count.

    `by_time` of them are taken by `source_updated_at`, the others from the last file. One of those
    that differ, or of all, is told as an example: its id, the file taken, another one. `guessed` is
    the file that was taken for the last where the dates in their names may be read in two ways.
    """

    rows: int
    ids: int = 0
    differing: int = 0
    by_time: int = 0
    example: tuple[str, str, str] = ("", "", "")
    guessed: str | None = None


NO_OVERLAP = Overlap(0)


def take_newest(
    connection: duckdb.DuckDBPyConnection, mapped: str, parts: Sequence[Part], restated: str
) -> Overlap:
    """Move rows of which another file has a newer one from `mapped` to table `restated`.

    The newest is that of the latest `source_updated_at` where all files give it, else that of the
    last file by name. Rows with a reason are none; a file's own repeats all go or stay.
    """
    if len(parts) < 2:
        return NO_OVERLAP
    with register(connection, FILES, _numbered(parts)):
        connection.execute(f"""
            create table {quote(restated)} as
            with good as (from {quote(mapped)} where {REASON} is null),
            repeated as (
                from good where source_id in (
                    select source_id from good group by source_id having count(*) > 1)
            ),
            located as (
                select r.{POSITION} as position, r.source_id, r.row_hash, r.source_updated_at,
                    f.number, f.name
                from repeated as r asof join "{FILES}" as f on r.{FILE_ROW} >= f.first
            ),
            by_file as (
                select source_id, number, any_value(name) as name,
                    max(source_updated_at) as updated_at
                from located group by source_id, number
            ),
            told as (
                select *, bool_and(updated_at is not null) over same_id as is_by_time
                from by_file window same_id as (partition by source_id)
            ),
            ranked as (
                select *, row_number() over (
                    partition by source_id
                    order by case when is_by_time then updated_at end desc, number desc
                ) as recency
                from told
            )
            select l.position, l.source_id, l.name, taken.name as taken_from, taken.is_by_time,
                not exists (
                    select 1 from located as kept where kept.source_id = l.source_id
                        and kept.number = taken.number and kept.row_hash = l.row_hash
                ) as is_different
            from located as l
            join ranked as taken on taken.source_id = l.source_id and taken.recency = 1
            where l.number <> taken.number
        """)
    connection.execute(
        f"delete from {quote(mapped)} where {POSITION} in (select position from {quote(restated)})"
    )
    rows, ids, differing, by_time, example = one_row(
        connection,
        f"""select count(*), count(distinct source_id),
            count(distinct source_id) filter (is_different),
            count(distinct source_id) filter (is_by_time),
            arg_max([source_id, taken_from, name], (is_different, -position))
        from {quote(restated)}""",
    )
    if not rows:
        return NO_OVERLAP
    names = [part.name for part in parts if part.rows]
    guessed = None if by_time == ids or is_certain(names) else in_order(names)[-1]
    return Overlap(rows, ids, differing, by_time, tuple(example), guessed)


def number_occurrences(
    connection: duckdb.DuckDBPyConnection, mapped: str, parts: Sequence[Part], order: str
) -> None:
    """Give rows that have the id of another of their file ids of their own, in some order.

    The second of each file is the same as the second of every other.
    """
    with register(connection, FILES, _numbered(parts)):
        connection.execute(f"""
            update {quote(mapped)} as m set source_id = md5(m.source_id || '#' || repeat.occurrence)
            from (
                select r.{POSITION}, row_number() over (
                    partition by r.source_id, f.number order by r.{order}, r.{POSITION}
                ) as occurrence
                from {quote(mapped)} as r asof left join "{FILES}" as f on r.{FILE_ROW} >= f.first
                where r.{REASON} is null and r.source_id in (
                    select source_id from {quote(mapped)}
                    where {REASON} is null group by source_id having count(*) > 1)
            ) as repeat
            where repeat.{POSITION} = m.{POSITION} and repeat.occurrence > 1
        """)


def _numbered(parts: Sequence[Part]) -> pa.Table:
    """Where each file's rows begin, and its number in the order of names."""
    import pyarrow as pa

    filled = [part for part in parts if part.rows]
    numbers = {name: number for number, name in enumerate(in_order(p.name for p in filled))}
    return pa.table(
        {
            "first": pa.array([part.first for part in filled], pa.int64()),
            "number": pa.array([numbers[part.name] for part in filled], pa.int64()),
            "name": pa.array([part.name for part in filled], pa.string()),
        }
    )

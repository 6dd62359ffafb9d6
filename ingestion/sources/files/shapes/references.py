"""Words that stand for values, and names that stand for ids."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ingestion.contract.entities import ENTITIES
from ingestion.settings import Scalar
from ingestion.sources.files.hidden import HIDDEN, REASON
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.shapes.rows import Bench, fold, folded, source
from ingestion.sources.files.shapes.settings import Shape
from ingestion.warehouse.duckdb_sql import literal, quote

SHOWN = 3


def target_of(entity: str, column: str) -> str:
    """The entity whose records a column points at by their ids; empty where there is none."""
    known = ENTITIES[entity].by_name.get(column) if entity in ENTITIES else None
    return known.references if known and known.references in ENTITIES else ""


def target_in(entity: str, said: Shape, column: str) -> str:
    """The same of a column to match: one of the rows', or a field that they tell the history of."""
    history = said.history
    return target_of(history.entity if history and column in history.told else entity, column)


@dataclass(frozen=True)
class Names:
    """The records of an entity that are pointed at: SQL of a table, of its ids and their names."""

    table: str
    id: str
    name: str

    @classmethod
    def of(cls, mapped: str, column: str) -> Names:
        """Those of mapped rows."""
        table = f"(from {quote(mapped)} where {REASON} is null and not coalesce(is_deleted, false))"
        return cls(table, "source_id", quote(column))


def in_words(expression: str, words: Mapping[str, Scalar], otherwise: str | None = None) -> str:
    """SQL of what an expression's word stands for, `''` being the empty cell; else `otherwise`.

    That is the value itself where it is not given.
    """
    cases = " ".join(
        f"when {literal(fold(word))} then {'NULL' if value is None else literal(value)}"
        for word, value in words.items()
    )
    value = f"(\n{expression}\n)"
    other = otherwise or f"{value}::VARCHAR"
    return f"case coalesce({folded(value)}, '') {cases} else {other} end"


def matched(
    bench: Bench, rowset: RowSet, column: str, expression: str, names: Names
) -> tuple[RowSet, str, list[str]]:
    """The rows with the ids of the records that a column names; SQL of these, and warnings.

    A name is a record's if it is exactly that of one; else if it is that of one but for case,
    blanks and the form of its letters. What is an id already, or no record's name, stays.
    """
    value, id_, ways = (quote(f"{HIDDEN}{part} {column}") for part in ("value", "id", "ways"))
    nth = quote(f"{HIDDEN}nth")
    shaped = bench.reshaped(
        rowset,
        f"matched {column}",
        f"""
        with rows as (
            select *, (\n{expression}\n)::VARCHAR as {value}, row_number() over () as {nth}
            from {source(rowset)}
        ),
        records as (
            select ({names.id})::VARCHAR as id, ({names.name})::VARCHAR as name from {names.table}
        ),
        exact as (
            select name, min(id) as id, count(distinct id) as n from records group by name
        ),
        alike as (
            select {folded("name")} as name, min(id) as id, count(distinct id) as n
            from records group by all
        )
        select rows.* exclude ({nth}),
            case
                when ids.id is not null then rows.{value}
                when exact.n = 1 then exact.id
                when exact.n is null and alike.n = 1 then alike.id
                else rows.{value}
            end as {id_},
            case
                when ids.id is not null and (exact.n > 1 or exact.id <> ids.id) then -1
                when ids.id is not null then 1
                when exact.n is not null then exact.n
                when alike.n = 1 then 0
                else alike.n
            end as {ways}
        from rows
        left join (select distinct id from records) as ids on ids.id = rows.{value}
        left join exact on exact.name = rows.{value}
        left join alike on alike.name = {folded(f"rows.{value}")}
        order by rows.{nth}
        """,
    )
    found = bench.connection.execute(f"""
        select {value}, {id_}, {ways}, count(*) from {quote(shaped.table)}
        where {ways} <> 1 group by all order by count(*) desc, {value}
    """).fetchall()
    return shaped, id_, list(_warnings(column, found))


def _warnings(column: str, found: Iterable[tuple[str, str, int, int]]) -> Iterable[str]:
    rows = list(found)
    near = [row for row in rows if row[2] == 0]
    if near:
        yield (
            f"match.{column}: {sum(row[3] for row in near):,} rows spell a name otherwise than its "
            "record does (case, blanks or the form of letters) and count for it: "
            + some(f"{value!r} for {id_!r} ({n:,})" for value, id_, _, n in near)
            + "; spell them alike at the source"
        )
    several = [row for row in rows if row[2] > 1]
    if several:
        yield (
            f"match.{column}: {sum(row[3] for row in several):,} rows bear a name that several "
            "records have, and are left as they are: "
            + some(f"{value!r} is {ways} ({n:,})" for value, _, ways, n in several)
            + "; map the column that holds ids, or match by one that tells them apart"
        )
    both = [row for row in rows if row[2] < 0]
    if both:
        yield (
            f"match.{column}: {sum(row[3] for row in both):,} rows bear the id of one record that "
            "is the name of another, and count for the id: "
            + some(f"{value!r} ({n:,})" for value, _, _, n in both)
            + "; if names are meant, match by a column that tells them apart"
        )


def some(texts: Iterable[str]) -> str:
    """The first of some texts, and how many more there are."""
    all_ = list(texts)
    more = f" and {len(all_) - SHOWN} more" if len(all_) > SHOWN else ""
    return ", ".join(all_[:SHOWN]) + more

"""A status beside the stage: what is won or lost goes to a closed stage and keeps its last one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ingestion.contract.crm import STAGE_STATUSES
from ingestion.sources.files.hidden import HIDDEN, REASON
from ingestion.sources.files.mapping.rowset import RowSet
from ingestion.sources.files.shapes.references import in_words
from ingestion.sources.files.shapes.rows import Bench, column_sql, problem_columns, source
from ingestion.sources.files.shapes.settings import Status
from ingestion.warehouse.duckdb_sql import literal, quote

if TYPE_CHECKING:
    import duckdb

MADE: Mapping[str, str] = {"won": "Won", "lost": "Lost", "no_decision": "No decision"}
"""The stages that are made where a pipeline has none of an outcome."""

DELETED = "deleted"

Stage = tuple[str | None, str, str]
"""A closed stage: its pipeline, its name, its status."""


def outcomes(status: Status) -> list[str]:
    """The outcomes for which a pipeline needs a stage."""
    return [name for name in MADE if name != "no_decision" or status.no_decision]


def words_of(status: Status) -> dict[str, str]:
    """What each word says, the outcomes' own names too."""
    return {
        word: outcome
        for outcome in (*STAGE_STATUSES, DELETED)
        for word in (outcome, *getattr(status, outcome))
    }


def make_stages(
    connection: duckdb.DuckDBPyConnection, mapped: str, table: str, status: Status
) -> RowSet:
    """The closed stages that mapped pipelines lack, after their others, as rows of `table`."""
    known = f"(from {quote(mapped)} where {REASON} is null and not coalesce(is_deleted, false))"
    made = " union all ".join(
        f"""
        select pipeline, {literal(MADE[outcome])} as stage,
            (max(stage_order) + {place})::VARCHAR as stage_order, {literal(outcome)} as status,
            {literal(int(outcome == "won"))} as probability
        from {known} as stages
        group by pipeline
        having not bool_or(status = {literal(outcome)}) and not exists (
            select 1 from {known} as common
            where common.pipeline is null and common.status = {literal(outcome)})
        """
        for place, outcome in enumerate(outcomes(status), start=1)
    )
    connection.execute(f"create or replace table {quote(table)} as {made}")
    return RowSet(
        table,
        dict.fromkeys(("pipeline", "stage", "stage_order", "status", "probability"), "VARCHAR"),
    )


def closed_stages(connection: duckdb.DuckDBPyConnection, stages: str) -> list[Stage]:
    """The closed stages among mapped ones, in order."""
    return connection.execute(f"""
        select pipeline, stage, status from {quote(stages)}
        where {REASON} is null and not coalesce(is_deleted, false) and status <> 'open'
        order by pipeline, stage_order
    """).fetchall()


def with_status(
    bench: Bench,
    rowset: RowSet,
    columns: Mapping[str, str],
    said: Status,
    stages: Sequence[Stage],
) -> tuple[RowSet, dict[str, str]]:
    """The rows with the stages that follow from their status, and the columns that are mapped then.

    `last_open_stage` is the stage of a closed deal's row, unless that is closed itself. A status
    that no word stands for, and an open deal in a closed stage, are problems of their rows.
    """
    raw = column_sql(rowset, said.column, "status.column")
    status, stage, pipeline = (quote(HIDDEN + name) for name in ("status", "stage", "pipeline"))
    with_status = f"""
        select *, {in_words(raw, words_of(said), otherwise="NULL")} as {status},
            (\n{columns["stage"]}\n)::VARCHAR as {stage},
            (\n{columns.get("pipeline", "NULL")}\n)::VARCHAR as {pipeline}
        from {source(rowset)}
    """
    shaped = bench.reshaped(rowset, "status", with_status)
    of_stage = _status_of_stage(stages, stage, pipeline)
    shown = f"{literal(said.column + ' = ')} || coalesce({raw}::VARCHAR, '')"
    expected = f": expected a word of status.{', status.'.join((*STAGE_STATUSES, DELETED))}"
    problem = f"""
        case
            when {status} is null
            then {shown} || {literal(expected)}
            when {status} = 'open' and {of_stage} is not null
            then {shown} || ': but stage ' || {stage} || ' is ' || {of_stage}
        end
    """
    new, last = (quote(HIDDEN + name) for name in ("new stage", "last open stage"))
    closed = f"{status} in ({', '.join(map(literal, MADE))})"
    shaped = bench.reshaped(
        shaped,
        "staged",
        f"""
        select {problem_columns(shaped, problem)},
            case
                when {closed} and {of_stage} is distinct from {status}
                then {_closed_stage(stages, status, pipeline)} else {stage}
            end as {new},
            case when {closed} and {of_stage} is null then {stage} end as {last}
        from {source(shaped)}
        """,
    )
    is_deleted = f"coalesce({status} = {literal(DELETED)}, false)"
    if "is_deleted" in columns:
        is_deleted = (
            f"case when {is_deleted} then 'true' else ({columns['is_deleted']})::VARCHAR end"
        )
    return shaped, {
        "last_open_stage": last,
        **columns,
        "stage": new,
        "is_deleted": is_deleted,
    }


def _status_of_stage(stages: Sequence[Stage], stage: str, pipeline: str) -> str:
    """SQL of the status of a closed stage; NULL of any other."""
    cases = " ".join(
        f"when {stage} = {literal(name)}{_in_pipeline(of, pipeline)} then {literal(status)}"
        for of, name, status in stages
    )
    return f"case {cases} end" if cases else "NULL::VARCHAR"


def _closed_stage(stages: Sequence[Stage], status: str, pipeline: str) -> str:
    """SQL of a status's first closed stage: of the pipeline, else of all, else the made one."""
    own_first = sorted(stages, key=lambda it: it[0] is None)
    cases = " ".join(
        f"when {status} = {literal(outcome)}{_in_pipeline(of, pipeline)} then {literal(name)}"
        for of, name, outcome in own_first
    )
    made = " ".join(
        f"when {literal(outcome)} then {literal(name)}" for outcome, name in MADE.items()
    )
    return f"case {cases} else case {status} {made} end end"


def _in_pipeline(of: str | None, pipeline: str) -> str:
    return "" if of is None else f" and {pipeline} = {literal(of)}"

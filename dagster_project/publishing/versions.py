"""The versions of each number that was published, and those that a build adds to them.

All of it is SQL in a workbench, which holds a part of the numbers at a time: a company may have
millions.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from dagster_project.publishing.replay import Cause
from dagster_project.run.copying import copy_tables
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.contract.columns import Column
from ingestion.loading.moments import LOADS, is_finished
from ingestion.warehouse.duckdb_sql import literal
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import duckdb

HISTORY = "history"
LATEST = "latest.kpi_versions"
"""In the workbench: the last version of each number, and its place among all of that number."""
KEY = ("metric", "variant", "period_grain", "period_start", "dimension", "dimension_key")
KEPT = (*KEY, "dimension_label", "unit", "is_additive", "value", "n_included")
"""What is kept in LATEST, beside the place."""
STEPS: Mapping[Cause, int] = {
    "definition_change": 1,
    "late_facts": 2,
    "corrections": 3,
    "later_events": 4,
}

TABLES: Mapping[str, tuple[Column, ...]] = {
    "publications": (
        Column("run_id", "text", "The run that published."),
        Column("published_at", "timestamp", "When it did (UTC)."),
        Column("as_of", "timestamp", "Its business moment (UTC)."),
        Column("known_at", "timestamp", "Its knowledge moment (UTC)."),
        Column("code_version", "text", "The code that made it."),
        Column("definitions_hash", "text", "Hash of the definitions of all models."),
    ),
    "kpi_versions": (
        Column("run_id", "text", "The run whose number it is; it counts when that was published."),
        Column("step", "integer", "Order of the versions of one run."),
        Column("cause", "text", "Why the number differs from the version before."),
        Column("metric", "text", "As in kpi_values."),
        Column("variant", "text", "As in kpi_values."),
        Column("period_grain", "text", "As in kpi_values."),
        Column("period_start", "date", "As in kpi_values."),
        Column("dimension", "text", "As in kpi_values."),
        Column("dimension_key", "text", "As in kpi_values."),
        Column("dimension_label", "text", "As in kpi_values."),
        Column("unit", "text", "As in kpi_values."),
        Column("is_additive", "boolean", "Whether no row means 0."),
        Column("value", "number", "The number."),
        Column("n_included", "integer", "Records behind it."),
    ),
}


def finished(schema: str, name: str) -> str:
    """The query for the rows of a table of the history that count."""
    listed = ", ".join(column.name for column in TABLES[name])
    return f"select {listed} from {schema}.{name} where {is_finished(schema)}"


def numbers_of(run: PipelineRun, as_of: dt.datetime) -> str:
    """The query for the numbers of a build of periods that have ended by a moment."""
    return f"""
        select
            {", ".join(KEY)},
            dimension_label,
            unit,
            cast(value as decimal(28, 10)) as value,
            n_included,
            numerator is not null as has_numerator,
            denominator is not null as has_denominator
        from marts.kpi_values
        where {_ended(run, as_of)}"""


def take_in(ledger: duckdb.DuckDBPyConnection, query: str) -> None:
    """Keep in `numbers`, instead of those before, the rows of a query that `numbers_of` made."""
    ledger.execute(f"create or replace temporary table numbers as {query}")


def enter_numbers(
    run: PipelineRun,
    ledger: duckdb.DuckDBPyConnection,
    run_id: str,
    cause: Cause,
    as_of: dt.datetime,
) -> None:
    """Enter those of `numbers`, of periods ended by a moment, that differ from their last version.

    A number that is gone is 0 where it is additive, else missing. What is entered is in LATEST
    then.
    """
    _find_differing(run, ledger, as_of)
    key = ", ".join(f"coalesce(numbers.{name}, latest.{name}) as {name}" for name in KEY)
    ledger.execute(
        f"""
        create or replace temporary table entered as
        with
            metrics as (
                select
                    metric,
                    variant,
                    bool_or(has_numerator) and not bool_or(has_denominator) as is_sum
                from numbers
                group by metric, variant
            )
        select
            $run_id as run_id,
            $step as step,
            $cause as cause,
            {key},
            coalesce(numbers.dimension_label, latest.dimension_label) as dimension_label,
            coalesce(numbers.unit, latest.unit) as unit,
            coalesce(metrics.is_sum, latest.is_additive) as is_additive,
            case
                when numbers.metric is null and latest.is_additive then 0 else numbers.value
            end as value,
            coalesce(numbers.n_included, 0) as n_included,
            true as is_new,
            {_place("$run_number", "$step")} as place,
            differing.latest_row,
            latest.place as place_before
        from differing
        left join numbers on differing.numbers_row = numbers.rowid
        left join {LATEST} as latest on differing.latest_row = latest.rowid
        left join
            metrics on numbers.metric = metrics.metric and numbers.variant = metrics.variant
        """,
        {
            "run_id": run_id,
            "step": STEPS[cause],
            "cause": cause,
            "run_number": _run_numbers(run, ledger)[run_id],
        },
    )
    ledger.execute(
        f"""
        insert into kpi_versions by name
        select * exclude (place, latest_row, place_before) from entered;
        delete from {LATEST}
        where rowid in (select latest_row from entered where place >= place_before);
        insert into {LATEST} by name
        select {", ".join(KEPT)}, place from entered
        where place_before is null or place >= place_before"""
    )


def _find_differing(
    run: PipelineRun, ledger: duckdb.DuckDBPyConnection, as_of: dt.datetime
) -> None:
    """Have the rows of `numbers` and of LATEST that are not the same number in `differing`.

    These are but the rows' ids: a join of all numbers keeps little beside their keys.
    """
    ledger.execute(
        f"""
        create or replace temporary table differing as
        with latest as (select *, rowid as latest_row from {LATEST} where {_ended(run, as_of)})
        select numbers.rowid as numbers_row, latest.latest_row
        from numbers
        full join latest on {_same_number("numbers", "latest")}
        where
            latest.metric is null
            or (numbers.metric is null and latest.n_included > 0)
            or (numbers.metric is not null and numbers.value is distinct from latest.value)
            or (
                numbers.metric is not null
                and numbers.n_included is distinct from latest.n_included
            )
        """
    )


def find_latest(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> None:
    """Have the last version of each number, of what was published, in LATEST."""
    run_numbers = _run_numbers(run, ledger)
    if not _is_published(run, ledger):
        del run_numbers[run.run_id]
    _copy_latest(run, ledger, "latest", run_numbers)


def add_own(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> None:
    """Have what this run has entered before, where its step is tried again, in LATEST as well."""
    if _is_published(run, ledger):
        return
    run_numbers = _run_numbers(run, ledger)
    _copy_latest(run, ledger, "own", {run.run_id: run_numbers[run.run_id]})
    ledger.execute(
        f"""
        delete from {LATEST} as latest using own.kpi_versions as own
        where {_same_number("latest", "own")};
        insert into {LATEST} by name from own.kpi_versions"""
    )


def _copy_latest(
    run: PipelineRun,
    ledger: duckdb.DuckDBPyConnection,
    schema: str,
    run_numbers: Mapping[str, int],
) -> None:
    """Copy the last version of each number, of some runs, into a schema of the workbench."""
    warehouse = Warehouse.of(run.company)
    ledger.execute(f"create schema {schema}; use {schema}")
    if run_numbers and warehouse.table_exists(HISTORY, LOADS):
        copy_tables(warehouse, HISTORY, ["kpi_versions"], ledger, partial(_latest, run_numbers))
    else:
        ledger.execute(
            f"""create table kpi_versions as
            select {", ".join(KEPT)}, 0 as place from main.kpi_versions limit 0"""
        )
    ledger.execute("use main")


def _latest(run_numbers: Mapping[str, int], schema: str, table: str) -> str:
    """The query for the last version of each number of some runs, in the warehouse's own SQL.

    The first publication has most of the versions, one of each number: sorted are the others.
    """
    runs = ", ".join(f"({literal(run_id)}, {number})" for run_id, number in run_numbers.items())
    return f"""
        with
            runs (run_id, run_number) as (values {runs}),
            versions as (
                select
                    {", ".join(f"versions.{name}" for name in KEPT)},
                    {_place("runs.run_number", "versions.step")} as place,
                    runs.run_number = 1 and versions.step = {STEPS["later_events"]} as is_of_first
                from ({finished(schema, table)}) as versions
                inner join runs on versions.run_id = runs.run_id
            ),
            numbered as (
                select
                    *,
                    row_number() over (
                        partition by {", ".join(KEY)} order by place desc
                    ) as version_number
                from versions
                where not is_of_first
            ),
            later as (select * from numbered where version_number = 1)
        select {", ".join(KEPT)}, place
        from later
        union all
        select {", ".join(f"versions.{name}" for name in KEPT)}, versions.place
        from versions
        left join later on {_same_number("versions", "later")}
        where versions.is_of_first and later.metric is null"""


def _run_numbers(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The publications in their order, and this run after them, unless it is one of them."""
    found = ledger.execute("select run_id from publications order by published_at").fetchall()
    run_ids = dict.fromkeys([*(run_id for (run_id,) in found), run.run_id])
    return {run_id: number for number, run_id in enumerate(run_ids, 1)}


def _is_published(run: PipelineRun, ledger: duckdb.DuckDBPyConnection) -> bool:
    found = ledger.execute("select 1 from publications where run_id = ?", [run.run_id])
    return bool(found.fetchall())


def _place(run_number: str, step: str) -> str:
    """SQL of a version's place among all of its number: the later, the higher."""
    return f"10 * {run_number} + {step}"


def _same_number(one: str, other: str) -> str:
    return " and ".join(f"{one}.{name} = {other}.{name}" for name in KEY)


def _ended(run: PipelineRun, as_of: dt.datetime) -> str:
    """SQL of whether a period has ended by a moment."""
    return f"""
        period_grain <> 'all'
        and period_start + case
            period_grain
            when 'week' then interval 7 day
            when 'month' then interval 1 month
            when 'quarter' then interval 3 month
            else interval 12 month
        end <= date '{run.company.local(as_of).date()}'"""

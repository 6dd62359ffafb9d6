"""What has happened to deals and to customers since the last publication."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from dagster_project.publication import open_published
from dagster_project.run.pipeline_run import PipelineRun

if TYPE_CHECKING:
    import duckdb

    from dagster_project.commands.console import PlainConsole

CHANGES_SHOWN = 5
WINDOW = """
    select since, since_at
    from (
        select since, since_at from marts.mart_pipeline_changes
        union select since, since_at from marts.mart_customer_changes
    )
    order by since_at <= $moment desc, abs(epoch_us(since_at) - epoch_us($moment)), since
    limit 1"""
"""The shortest that reaches back to a moment, else the longest; of two as long one."""


def print_changes(console: PlainConsole, run: PipelineRun, moment: dt.datetime) -> None:
    """What has happened since the shortest window that reaches back to a moment."""
    with open_published(run.paths.marts) as connection:
        for since, since_at in connection.execute(WINDOW, {"moment": moment}).fetchall():
            told = f"since {run.company.local(since_at):%Y-%m-%d %H:%M}"
            _print_deals(console, connection, since, told)
            _print_customers(console, connection, since, told)


def _print_deals(
    console: PlainConsole, connection: duckdb.DuckDBPyConnection, since: str, told: str
) -> None:
    movements = connection.execute(
        """select movement, count(distinct opportunity_key), sum(pipeline_effect)
        from marts.mart_pipeline_changes where since = ?
        group by movement order by 2 desc, movement""",
        [since],
    ).fetchall()
    largest = connection.execute(
        f"""select coalesce(opportunity_name, opportunity_id), rep_name, movement, old_value,
            new_value, pipeline_effect
        from marts.mart_pipeline_changes where since = ?
        order by abs(pipeline_effect) desc, money_rank limit {CHANGES_SHOWN}""",
        [since],
    ).fetchall()
    if not movements:
        return
    table = console.table(f"deals {told}", "deals", "open pipeline")
    for movement, deals, effect in movements:
        table.add_row(_words(movement), f"{deals:,}", _effect(effect))
    console.print(table)
    for name, rep, movement, old, new, effect in largest:
        values = f", {old or '–'} → {new or '–'}" if old or new else ""
        change = "–" if effect is None else f"{effect:+,.0f}"
        console.print(f"  {name} ({rep or 'no rep'}): {_words(movement)}{values}, {change}")
    console.print("Every change, deal by deal: mart_pipeline_changes", style="dim")
    console.print()


def _print_customers(
    console: PlainConsole, connection: duckdb.DuckDBPyConnection, since: str, told: str
) -> None:
    movements = connection.execute(
        """select movement, count(*), sum(mrr_effect), sum(receivable)
        from marts.mart_customer_changes where since = ?
        group by movement order by 2 desc, movement""",
        [since],
    ).fetchall()
    largest = connection.execute(
        f"""select coalesce(customer_name, customer_id, customer_key), movement, mrr_before, mrr,
            mrr_effect
        from marts.mart_customer_changes where since = ? and mrr_effect is not null
        order by money_rank limit {CHANGES_SHOWN}""",
        [since],
    ).fetchall()
    if not movements:
        return
    table = console.table(f"customers {told}", "customers", "MRR", "overdue")
    for movement, customers, effect, receivable in movements:
        owed = f"{receivable:,.0f}" if receivable else "–"
        table.add_row(_words(movement), f"{customers:,}", _effect(effect), owed)
    console.print(table)
    for name, movement, before, now, effect in largest:
        console.print(
            f"  {name}: {_words(movement)}, MRR {before:,.0f} → {now:,.0f}, {effect:+,.0f}"
        )
    console.print("Every change, customer by customer: mart_customer_changes", style="dim")
    console.print()


def _words(movement: str) -> str:
    return movement.replace("_", " ")


def _effect(money: float | None) -> str:
    return f"{money:+,.0f}" if money else "–"

"""What has happened to deals since the last publication."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from dagster_project.publication import open_published
from dagster_project.run.pipeline_run import PipelineRun

if TYPE_CHECKING:
    from dagster_project.commands.console import PlainConsole

CHANGES_SHOWN = 5
CHANGES_SINCE = """with changes as (
    select *
    from marts.mart_pipeline_changes
    where since_at = (
        select coalesce(max(since_at) filter (where since_at <= ?), min(since_at))
        from marts.mart_pipeline_changes
    )
)"""


def print_changes(console: PlainConsole, run: PipelineRun, moment: dt.datetime) -> None:
    """What has happened to deals since the shortest window that reaches back to a moment."""
    with open_published(run.paths.marts) as connection:
        movements = connection.execute(
            f"""{CHANGES_SINCE}
            select movement, count(distinct opportunity_key), sum(pipeline_effect), min(since_at)
            from changes group by movement order by 2 desc, movement""",
            [moment],
        ).fetchall()
        largest = connection.execute(
            f"""{CHANGES_SINCE}
            select coalesce(opportunity_name, opportunity_id), rep_name, movement, old_value,
                new_value, pipeline_effect
            from changes order by abs(pipeline_effect) desc, money_rank limit {CHANGES_SHOWN}""",
            [moment],
        ).fetchall()
    if not movements:
        return
    since = run.company.local(movements[0][3])
    table = console.table(f"deals since {since:%Y-%m-%d %H:%M}", "deals", "open pipeline")
    for movement, deals, effect, _ in movements:
        table.add_row(
            movement.replace("_", " "), f"{deals:,}", f"{effect:+,.0f}" if effect else "–"
        )
    console.print(table)
    for name, rep, movement, old, new, effect in largest:
        values = f", {old or '–'} → {new or '–'}" if old or new else ""
        change = "–" if effect is None else f"{effect:+,.0f}"
        console.print(
            f"  {name} ({rep or 'no rep'}): {movement.replace('_', ' ')}{values}, {change}",
        )
    console.print("Every change, deal by deal: mart_pipeline_changes", style="dim")
    console.print()

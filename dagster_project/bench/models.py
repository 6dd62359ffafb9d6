"""The pipeline's models one by one; beside some, the same rows by one row per open deal and day."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb

from dagster_project.run.clock import now
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.opening import open_run
from ingestion.company.reading import load_company
from ingestion.warehouse.duckdb_sql import memory_limit
from ingestion.warehouse.marts_file import show_marts

MODELS = (
    "int_opportunity_changes",
    "int_opportunity_stage_changes",
    "int_opportunity_states",
    "int_stage_visits",
    "int_pipeline_steps",
    "int_pipeline_net_changes",
    "int_pipeline_movements",
    "int_pipeline_at_month_end",
    "fct_stage_visits",
    "fct_pipeline_daily",
    "fct_pipeline_bridge",
    "mart_pipeline_changes",
    "mart_bottlenecks",
    "mart_deal_inspection",
)
"""From the field changes to the managers' lists, in the order in which they are built."""
EXPLODED = {
    "int_pipeline_at_month_end": "pipeline_at_month_end_exploded",
    "fct_pipeline_daily": "pipeline_daily_exploded",
}
"""Models whose rows can be had by exploding, too, and the analyses that do so."""
RESTS_ON = {"fct_pipeline_bridge": "int_pipeline_at_month_end"}
"""Models that are made once more from the exploded rows of another one."""
COUNTED_WITH = {
    "fct_pipeline_daily": ("int_pipeline_steps", "int_pipeline_net_changes"),
    **{model: (other,) for model, other in RESTS_ON.items()},
}
"""Models whose ratio counts others' queries, too: exploding does their work."""
SETTINGS = """
set TimeZone = 'UTC';
set preserve_insertion_order = false;
set enable_progress_bar = false;
"""


def compare(file: Path) -> None:
    """Print what each model takes on the company's last build, and what exploding takes.

    A model is charged with its own query; its ratio counts that of `COUNTED_WITH`, too. Exits when
    the two ways do not give the same rows.
    """
    company = load_company(file)
    if company.destination != "duckdb":
        print("the pipeline's models are compared on DuckDB only")
        return
    dbt = Dbt.of(company)
    with open_run(company, "bench") as run:
        values = run_values(run.as_of, now(), company_as_of=run.company.own_as_of)
        sql = dbt.compiled([*MODELS, *EXPLODED.values()], values)
        with duckdb.connect(dbt.warehouse.location) as connection:
            show_marts(connection, Path(dbt.warehouse.location))
            connection.execute(f"{SETTINGS} set memory_limit = '{memory_limit()}'")
            print(f"{'model':<26}{'rows':>12}{'seconds':>9}{'by exploding':>14}{'ratio':>7}")
            seconds: dict[str, float] = {}
            for model in MODELS:
                seconds[model], rows = _make(connection, "built", sql[model])
                taken = seconds[model]
                line = f"{model:<26}{rows:>12,}{taken:>9.2f}"
                if query := _by_exploding(model, sql):
                    taken += sum(seconds[other] for other in COUNTED_WITH.get(model, ()))
                    exploded, _ = _make(connection, "exploded", query)
                    _require_same(connection, model)
                    line += f"{exploded:>14.2f}{exploded / taken:>7.1f}"
                print(line, flush=True)


def _by_exploding(model: str, sql: Mapping[str, str]) -> str | None:
    """The query that gives a model's rows by way of one row per open deal and day, if there is."""
    if base := RESTS_ON.get(model):
        relation = rf'"\w+"\."\w+"\."{base}"'
        return re.sub(relation, lambda _: f"({sql[EXPLODED[base]]})", sql[model])
    return sql[EXPLODED[model]] if model in EXPLODED else None


def _make(connection: duckdb.DuckDBPyConnection, table: str, sql: str) -> tuple[float, int]:
    """What a query takes whose rows are then in a temporary table, and their number."""
    connection.execute(f"drop table if exists temp.{table}")
    started = time.perf_counter()
    connection.execute(f"create temp table {table} as {sql}")
    seconds = time.perf_counter() - started
    row = connection.execute(f"select count(*) from temp.{table}").fetchone()
    assert row is not None
    return seconds, row[0]


def _require_same(connection: duckdb.DuckDBPyConnection, model: str) -> None:
    """Exit unless the tables `built` and `exploded` hold the same rows."""
    for one, other in (("built", "exploded"), ("exploded", "built")):
        columns = ", ".join(column[0] for column in connection.table("temp.built").description)
        difference = connection.execute(
            f"select {columns} from temp.{one} except all select {columns} from temp.{other}"
        ).fetchone()
        if difference is not None:
            sys.exit(f"{model}: {difference} is only in the rows that were {one}")

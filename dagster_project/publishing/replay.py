"""The KPIs of an earlier publication's business moment, built again from other knowledge.

What was loaded since then falls into three kinds. What the sources date after that moment has
happened since; the rest is about the past: *late facts* are records of which nothing was known,
*corrections* are new versions of records that were. What nobody dates is about the past.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dagster_project.run.builds import Moments, build_again, last_build_of
from dagster_project.run.copying import copy_database, copy_tables
from dagster_project.run.dbt_manifest import RawTables
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.nodes import Node
from dagster_project.run.pipeline_run import PipelineRun
from ingestion.contract.entities import ENTITIES
from ingestion.loading.moments import LOAD_ID, LOADS, finished_loads
from ingestion.paths import CompanyPaths, write_ahead_log
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

Cause = Literal["definition_change", "late_facts", "corrections", "later_events"]

KPIS = ("--exclude-resource-type", "test", "--select", "+kpi_values")
CONTRACT = frozenset(it.dataset for it in SOURCE_TYPES.values() if it.is_canonical)
"""The datasets whose tables have the entities' columns; other sources date what they tell."""
CHANGES = {"field_changes": "changed_at"}
"""What dates records that no moment brings into being."""
DAYS = {"campaign_days": "day", "ad_days": "day"}
"""What dates the rows of advertising platforms, of which nobody tells when they changed: a day that
is new is no late fact of the days before it."""


@dataclass(frozen=True)
class News:
    """What was loaded after a publication's knowledge moment `since`, up to `until`.

    `as_of` is the publication's business moment; all of them are UTC without zone.
    """

    as_of: dt.datetime
    since: dt.datetime
    until: dt.datetime

    @property
    def company_as_of(self) -> dt.datetime | None:
        """The company's own `as_of` of then; None where now was the present, as loads left it."""
        return self.as_of if self.as_of != self.since else None


def news_since(run: PipelineRun, news: News, raw: RawTables) -> Iterator[Cause]:
    """Whether late facts, and whether corrections, have been loaded into the raw tables."""
    warehouse = Warehouse.of(run.company)
    kinds: tuple[tuple[Cause, str], ...] = (("late_facts", "not"), ("corrections", ""))
    with warehouse.kept_open():
        for cause, negation in kinds:
            news_by_table = [
                f"""select 1 from {dataset}.{table} as records
                where {_is_news(run, news, dataset, table)}
                and {negation} {_is_known_record(news, dataset, table)}"""
                for dataset, tables in raw.items()
                for table in tables
                if table != LOADS
            ]
            if warehouse.read(" union all ".join(news_by_table)).num_rows:
                yield cause


def replay(run: PipelineRun, news: News, raw: RawTables, cause: Cause) -> pa.Table:
    """`kpi_values` as of the publication's moment, by the models of now.

    Known is what was known then; for late facts these, too; for corrections both. The company's
    data ends where it ended for the publication, whatever company.yml says by now. Where the last
    build was the publication's, what differs from it is recomputed on a copy.
    """
    folder = CompanyPaths(run.paths.root / "replay")
    warehouse = Warehouse("duckdb", str(folder.warehouse))
    dbt = Dbt(run.company, folder, warehouse)
    values = run_values(news.as_of, news.until, run.run_id, news.company_as_of)
    is_known = partial(_is_known, run, news, cause)
    _remove(warehouse)
    folder.root.mkdir(parents=True, exist_ok=True)
    try:
        if nodes := _last_build(run, news):
            _copy_build(run, raw, warehouse, is_known)
            moments = Moments(news.as_of, news.until, news.company_as_of)
            build_again(dbt, nodes, moments, values, "kpi_values")
        else:
            _copy_raw(run, raw, warehouse, is_known)
            dbt.build(values, KPIS, lambda result: None)
        return warehouse.read("select * from marts.kpi_values")
    finally:
        _remove(warehouse)


def _last_build(run: PipelineRun, news: News) -> Mapping[str, Node] | None:
    """What the last build was made of, where it was the publication's and can be copied."""
    own = Dbt.of(run.company)
    if own.warehouse.name != "duckdb":
        return None
    return last_build_of(own, Moments(news.as_of, news.since, news.company_as_of))


def _copy_raw(
    run: PipelineRun, raw: RawTables, warehouse: Warehouse, is_known: Callable[[str, str], str]
) -> None:
    """Copy the raw records that are known, to build all models on them."""
    import duckdb

    def rows(schema: str, table: str) -> str:
        everything = f"select * from {schema}.{table} as records"
        return everything if table == LOADS else f"{everything} where {is_known(schema, table)}"

    for dataset, tables in raw.items():
        with duckdb.connect(warehouse.location) as connection:
            connection.execute(f"create schema {dataset}")
            connection.execute(f"use {dataset}")
            copy_tables(Warehouse.of(run.company), dataset, list(tables), connection, rows)


def _copy_build(
    run: PipelineRun, raw: RawTables, warehouse: Warehouse, is_known: Callable[[str, str], str]
) -> None:
    """Copy the last build as it is, without the raw records that are not known."""
    import duckdb

    copy_database(Path(Warehouse.of(run.company).location), Path(warehouse.location))
    copy_database(Warehouse.of(run.company).marts, warehouse.marts)
    with duckdb.connect(warehouse.location) as connection:
        for dataset, tables in raw.items():
            for table in set(tables) - {LOADS}:
                connection.execute(
                    f"""delete from {dataset}.{table} where rowid in (
                        select records.rowid
                        from {dataset}.{table} as records
                        where ({is_known(dataset, table)}) is not true)"""
                )


def _is_known(run: PipelineRun, news: News, cause: Cause, schema: str, table: str) -> str:
    """Whether a version is known in a replay."""
    known = f"records.{LOAD_ID} in ({finished_loads(schema, f'<= {_at(news.since)}')})"
    if cause == "definition_change":
        return known
    new = _is_news(run, news, schema, table)
    if cause == "late_facts":
        new += f" and not {_is_known_record(news, schema, table)}"
    return f"{known} or ({new})"


def _is_news(run: PipelineRun, news: News, schema: str, table: str) -> str:
    """Whether a version was loaded since, and is not dated after the moment.

    What dates it is its source, else what begins the record.
    """
    loads = finished_loads(schema, f"> {_at(news.since)}", f"<= {_at(news.until)}")
    dates = [f"records.source_updated_at <= {_at(news.as_of)}"]
    last_day = f"date '{run.company.local(news.as_of).date()}'"
    entity = ENTITIES.get(table) if schema in CONTRACT else None
    if entity and (begins_at := entity.begins_at or CHANGES.get(table)):
        is_date = entity.by_name[begins_at].type == "date"
        dates.append(f"records.{begins_at} <= {last_day if is_date else _at(news.as_of)}")
    elif day := DAYS.get(table):
        dates.append(f"records.{day} <= {last_day}")
    return f"records.{LOAD_ID} in ({loads}) and coalesce({', '.join(dates)}, true)"


def _is_known_record(news: News, schema: str, table: str) -> str:
    return f"""exists (
        select 1
        from {schema}.{table} as known
        where known.source_instance = records.source_instance
        and known.source_id = records.source_id
        and known.{LOAD_ID} in ({finished_loads(schema, f"<= {_at(news.since)}")}))"""


def _at(moment: dt.datetime) -> str:
    return f"timestamp '{moment}'"


def _remove(warehouse: Warehouse) -> None:
    file = Path(warehouse.location)
    for path in (file, write_ahead_log(file)):
        path.unlink(missing_ok=True)
    warehouse.forget_marts()

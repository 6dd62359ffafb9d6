"""The KPIs of an earlier publication's business moment, built again from other knowledge.

What was loaded since then falls into three kinds. What the sources date after that moment has
happened since; the rest is about the past: *late facts* are records of which nothing was known,
*corrections* are new versions of records that were. What nobody dates is about the past.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

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
from ingestion.warehouse.session import Session, session
from ingestion.warehouse.warehouse import Warehouse

IsKnown = Callable[[str, str], str]
"""Whether a version, of `records`, is known: SQL by dataset and table."""
Cause = Literal["definition_change", "late_facts", "corrections", "later_events"]

KPIS = ("--exclude-resource-type", "test", "--select", "+kpi_values")
CONTRACT = frozenset(it.dataset for it in SOURCE_TYPES.values() if it.is_canonical)
"""The datasets whose tables have the entities' columns; other sources date what they tell."""
CHANGES = {"field_changes": "changed_at"}
"""What dates records that no moment brings into being."""
ASIDE = "set_aside"
"""In a copy of a build, what the schemas of raw records that are not known begin with."""
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


def replays(
    run: PipelineRun, news: News, raw: RawTables, causes: Sequence[Cause]
) -> Iterator[tuple[Cause, Warehouse]]:
    """`kpi_values` as of the publication's moment, by the models of now, for each cause.

    They are in the schema `marts` of the warehouse given with it, until the next is asked for.

    Known is what was known then; for late facts these, too; for corrections both: causes come in
    this order. The company's data ends where it ended for the publication, whatever company.yml
    says by now. Where the last build was the publication's, what differs from it is recomputed on a
    copy; of the next replay what differs from the one before.
    """
    if not causes:
        return
    folder = CompanyPaths(run.paths.root / "replay")
    folder.root.mkdir(parents=True, exist_ok=True)
    warehouse = Warehouse("duckdb", str(folder.warehouse))
    known = [partial(_is_known, run, news, cause) for cause in causes]
    again = _Again(run, news, raw, warehouse, Dbt(run.company, folder, warehouse))
    nodes = _last_build(run, news)
    _remove(warehouse)
    try:
        with closing(again.by_increments(nodes, known) if nodes else again.whole(known)) as each:
            for cause in causes:
                moment = f"{news.as_of:%Y-%m-%d %H:%M}"
                with run.phase(f"replay as of {moment}: {cause.replace('_', ' ')}"):
                    next(each)
                yield cause, warehouse
    finally:
        _remove(warehouse)


@dataclass(frozen=True)
class _Again:
    """A publication's moment, built again in a warehouse of its own from what is known."""

    run: PipelineRun
    news: News
    raw: RawTables
    warehouse: Warehouse
    dbt: Dbt

    @property
    def values(self) -> Mapping[str, str]:
        """The values of the run that each build is."""
        news = self.news
        return run_values(news.as_of, news.until, self.run.run_id, news.company_as_of)

    def whole(self, known: Iterable[IsKnown]) -> Generator[None]:
        """Make the numbers, all of them built anew each time."""
        for is_known in known:
            _remove(self.warehouse)
            _copy_raw(self.run, self.raw, self.warehouse, is_known)
            self.dbt.build(self.values, KPIS, lambda result: None)
            yield

    def by_increments(self, nodes: Mapping[str, Node], known: Iterable[IsKnown]) -> Generator[None]:
        """Make the numbers, each recomputed where more is known than at the build or replay before.

        `nodes` are those of the last build. Nobody opens the copy again: it need not be tidy.
        """
        moments = Moments(self.news.as_of, self.news.until, self.news.company_as_of)
        own = Warehouse.of(self.run.company)
        copy_database(Path(own.location), Path(self.warehouse.location))
        copy_database(own.marts, self.warehouse.marts)
        filled: set[str] | None = None
        with session(self.warehouse) as copy:
            copy.execute("pragma disable_checkpoint_on_shutdown")
            for is_known in known:
                if filled is None:
                    _set_aside(copy, self.raw, is_known)
                else:
                    filled = _fill(copy, self.raw, is_known)
                nodes = build_again(self.dbt, copy, nodes, moments, self.values, filled)
                filled = filled or set()
                yield


def _last_build(run: PipelineRun, news: News) -> Mapping[str, Node] | None:
    """What the last build was made of, where it was the publication's and can be copied."""
    own = Dbt.of(run.company)
    if own.warehouse.name != "duckdb":
        return None
    return last_build_of(own, Moments(news.as_of, news.since, news.company_as_of))


def _copy_raw(run: PipelineRun, raw: RawTables, warehouse: Warehouse, is_known: IsKnown) -> None:
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


def _set_aside(copy: Session, raw: RawTables, is_known: IsKnown) -> None:
    """Take the raw records that are not known out of their tables."""
    for dataset, table in _tables(raw):
        copy.execute(f"create schema if not exists {ASIDE}_{dataset}")
        copy.execute(
            f"""create table {ASIDE}_{dataset}.{table} as
            select *, rowid as _place from {dataset}.{table} as records
            where ({is_known(dataset, table)}) is not true"""
        )
        copy.execute(
            f"""delete from {dataset}.{table} where rowid in (
                select _place from {ASIDE}_{dataset}.{table})"""
        )


def _fill(copy: Session, raw: RawTables, is_known: IsKnown) -> set[str]:
    """Put those back that are known now; returns the tables of which there are any."""
    filled: set[str] = set()
    for dataset, table in _tables(raw):
        [[rows]] = copy.rows(
            f"""insert into {dataset}.{table} by name
            select * exclude (_place) from {ASIDE}_{dataset}.{table} as records
            where {is_known(dataset, table)}"""
        )
        if rows:
            filled.add(f"{dataset}.{table}")
    return filled


def _tables(raw: RawTables) -> Iterator[tuple[str, str]]:
    """Datasets and tables of records."""
    for dataset, tables in raw.items():
        yield from ((dataset, table) for table in tables if table != LOADS)


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

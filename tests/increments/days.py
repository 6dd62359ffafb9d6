"""A company's warehouse as it goes through days: loaded, built in place, and compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.publishing.ledger import HISTORY, TABLES
from dagster_project.run.builds import Moments, build_values
from dagster_project.run.dbt_runner import Dbt, run_values
from ingestion.company.settings import Company
from ingestion.loading.appending import append
from ingestion.loading.moments import LOADS
from ingestion.paths import CompanyPaths
from ingestion.pipeline import prepare
from ingestion.warehouse.warehouse import Warehouse
from tests.compiled_models import NEVER
from tests.increments.comparing import Difference, differences
from tests.increments.whole import MODELS, built_by_dbt, built_from_sql

Moment = dt.datetime
HASHES = ("marts.kpi_definitions.definition_hash",)
"""What dbt fills in when all is built."""
NUMBERS_OF_PERIODS_ENDED = """
    insert into history.kpi_versions by name
    select
        run_id, 4 as step, 'later_events' as cause, metric, variant, period_grain, period_start,
        dimension, dimension_key, dimension_label, unit, numerator is not null as is_additive,
        value, n_included, run_id as _dlt_load_id
    from marts.kpi_values as numbers
    where period_grain in ('month', 'quarter', 'year')
    and period_start + interval 1 year < cast($as_of as date)
    and not exists (
        select 1 from history.kpi_versions as told
        where told.metric = numbers.metric and told.variant = numbers.variant
        and told.period_grain = numbers.period_grain
        and told.period_start = numbers.period_start
        and told.dimension = numbers.dimension
        and told.dimension_key is not distinct from numbers.dimension_key
        and told.value is not distinct from cast(numbers.value as double)
    )"""


@dataclass
class Days:
    """A company whose warehouse is built run after run; `folder` is for what it is compared with.

    `company_of` gives the company as it is now; `loads` are those that have finished so far.
    """

    company_of: Callable[[], Company]
    folder: Path
    loads: set[str] = field(default_factory=set)
    builds: int = 0

    @property
    def company(self) -> Company:
        """The company as it is now."""
        return self.company_of()

    def load(self, at: Moment | None = None) -> list[str]:
        """Load what is new, as a run does: loads of a moment, else of now; their ids."""
        company = self.company
        for prepared in prepare(company, company.sources, force=True):
            prepared.load()
        folder = CompanyPaths.of(company).dlt / HISTORY
        folder.mkdir(parents=True, exist_ok=True)
        warehouse = Warehouse.of(company)
        if not warehouse.table_exists(HISTORY, LOADS):
            append(warehouse, HISTORY, TABLES, {}, folder)
        new = []
        with self.opened() as connection:
            for source_type in company.source_types:
                loads = f"raw_{source_type}.{LOADS}"
                found = connection.execute(f"select load_id from {loads}").fetchall()
                new += [load for (load,) in found if load not in self.loads]
                if at:
                    connection.execute(
                        f"update {loads} set inserted_at = ? where load_id in (select unnest(?))",
                        [at.replace(tzinfo=dt.UTC), new],
                    )
        self.loads |= {*new}
        return new

    def values(self, as_of: Moment, known_at: Moment) -> dict[str, str]:
        """The values of the next build, of which it is told whether it is an increment."""
        self.builds += 1
        company = self.company
        own = company.own_as_of
        moments = Moments(as_of, known_at, own)
        how = build_values(Dbt.of(company), moments)
        return run_values(as_of, known_at, f"run {self.builds}", own) | how

    def build(
        self,
        values: Mapping[str, str],
        on_result: Callable[[dict[str, Any]], None] = lambda result: None,
    ) -> None:
        """Build the models in place, as a run does."""
        Dbt.of(self.company).build(values, MODELS, on_result)

    def differences(self, values: Mapping[str, str], by_dbt: bool = False) -> list[Difference]:
        """What differs from the same raw data built whole in a fresh warehouse."""
        build = built_by_dbt if by_dbt else built_from_sql
        values = {name: values[name] for name in NEVER}
        with build(self.company, self.folder, values) as whole:
            in_place = CompanyPaths.of(self.company).warehouse
            return differences(whole, in_place, () if by_dbt else HASHES)

    def publish(self, as_of: Moment, known_at: Moment) -> None:
        """Enter what was built into the history of what was published."""
        run_id = f"run {self.builds}"
        with self.opened() as connection:
            connection.execute(
                f"insert into {HISTORY}.{LOADS} by name select ? as load_id, 0 as status, "
                "cast(? as timestamptz) as inserted_at",
                [run_id, known_at.replace(tzinfo=dt.UTC)],
            )
            connection.execute(
                f"insert into {HISTORY}.publications by name select ? as run_id, "
                "cast(? as timestamp) as published_at, cast(? as timestamp) as as_of, "
                "cast(? as timestamp) as known_at, run_id as _dlt_load_id",
                [run_id, known_at, as_of, known_at],
            )
            connection.execute(NUMBERS_OF_PERIODS_ENDED, {"as_of": as_of})

    @contextmanager
    def opened(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse."""
        with duckdb.connect(CompanyPaths.of(self.company).warehouse) as connection:
            connection.execute("set TimeZone = 'UTC'")
            yield connection

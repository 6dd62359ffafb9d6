"""A company's warehouse as it goes through days: loaded, built in place, and compared."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import duckdb

from dagster_project.publishing.versions import HISTORY, TABLES
from dagster_project.run.builds import Moments, Plan, build_everything, plan_build
from dagster_project.run.dbt_runner import Dbt, run_values
from dagster_project.run.nodes import from_json
from ingestion.company.settings import Company
from ingestion.loading.appending import append
from ingestion.loading.moments import LOADS
from ingestion.paths import CompanyPaths
from ingestion.pipeline import prepare
from ingestion.warehouse.marts_file import show_marts
from ingestion.warehouse.warehouse import Warehouse
from tests.increments.comparing import Difference, differences
from tests.increments.whole import MODELS, built_by_dbt, built_from_sql

Moment = dt.datetime
HASHES = ("marts.kpi_definitions.definition_hash",)
"""What dbt fills in when all is built."""
NUMBERS_OF_PERIODS_ENDED = """
    insert into history.kpi_versions by name
    select
        ? as run_id, 4 as step, 'later_events' as cause, metric, variant, period_grain,
        period_start, dimension, dimension_key, dimension_label, unit,
        numerator is not null as is_additive,
        value, n_included, ? as _dlt_load_id
    from marts.kpi_values as numbers
    where period_grain in ('month', 'quarter', 'year')
    and period_start + interval 1 year < cast(? as date)
    and not exists (
        select 1 from history.kpi_versions as told
        where told.metric = numbers.metric and told.variant = numbers.variant
        and told.period_grain = numbers.period_grain
        and told.period_start = numbers.period_start
        and told.dimension = numbers.dimension
        and told.dimension_key is not distinct from numbers.dimension_key
        and told.value is not distinct from cast(numbers.value as double)
    )"""


@dataclass(frozen=True)
class Build:
    """How a build is made, and the values of its run."""

    plan: Plan
    values: Mapping[str, str]

    @property
    def is_increment(self) -> bool:
        """Whether only what may have changed is recomputed."""
        return self.plan.doubt is None


@dataclass
class Days:
    """A company whose warehouse is built run after run; `folder` is for what it is compared with.

    `company_of` gives the company as it is now; `loads` are those that have finished so far. What
    is built is dbt's `selection`.
    """

    selection: ClassVar[tuple[str, ...]] = MODELS
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
        for source_type in company.source_types:
            loads = f"raw_{source_type}.{LOADS}"
            found = warehouse.read(f"select load_id from {loads}")["load_id"].to_pylist()
            for load in {*found} - self.loads:
                if at:
                    self.execute(
                        f"update {loads} set inserted_at = ? where load_id = ?",
                        [at.replace(tzinfo=dt.UTC), load],
                    )
                new.append(load)
        self.loads |= {*new}
        return new

    def execute(self, sql: str, params: Sequence[object]) -> None:
        """Change what has been loaded or told."""
        path = CompanyPaths.of(self.company).warehouse
        with duckdb.connect(path) as connection:
            connection.execute("set TimeZone = 'UTC'")
            show_marts(connection, path)
            connection.execute(sql, params)

    def plan(self, as_of: Moment, known_at: Moment) -> Build:
        """How the next build is made."""
        self.builds += 1
        company = self.company
        plan = plan_build(Dbt.of(company), Moments(as_of, known_at, company.own_as_of))
        return Build(plan, run_values(as_of, known_at, f"run {self.builds}", company.own_as_of))

    def build(
        self, build: Build, on_result: Callable[[dict[str, Any]], None] = lambda result: None
    ) -> None:
        """Build the models in place, as a run does; an increment is run to its end."""
        made: list[dict[str, Any]] = []

        def collect(result: dict[str, Any]) -> None:
            made.append(result)
            on_result(result)

        build_everything(Dbt.of(self.company), build.plan, build.values, collect, self.selection)
        if build.is_increment:
            assert {result["info"]["invocation_id"] for result in made} == {"increment"}

    def differences(self, build: Build, by_dbt: bool = False) -> list[Difference]:
        """What differs from the same raw data built whole in a fresh warehouse."""
        company = self.company
        if by_dbt:
            made = built_by_dbt(company, self.folder, build.values)
        else:
            made = built_from_sql(company, build.values, self._built(company))
        with made as whole:
            in_place = CompanyPaths.of(company).warehouse
            return differences(whole, in_place, () if by_dbt else HASHES)

    def _built(self, company: Company) -> set[str]:
        """What the last build has made, by the names in dbt."""
        [last] = Warehouse.of(company).read("select nodes from build.last_build").to_pylist()
        return {node.unique_id for node in from_json(last["nodes"]).values()}

    def cells(self) -> tuple[int, int]:
        """How many cells of numbers the last build touched, and how many there are."""
        [row] = (
            Warehouse.of(self.company)
            .read(
                """select
                (select count(*) from build.int_kpi_cells__touched) as touched,
                (select count(*) from (
                    select distinct metric, variant, month_start from intermediate.kpi_month_cells
                )) as cells"""
            )
            .to_pylist()
        )
        return row["touched"], row["cells"]

    def activities(self) -> tuple[int, int]:
        """How many activities the last build made again, and how many there are."""
        [row] = (
            Warehouse.of(self.company)
            .read(
                """select
                (select count(*) from build.int_activities__news) as news,
                (select count(*) from marts.fct_activities) as activities"""
            )
            .to_pylist()
        )
        return row["news"], row["activities"]

    def publish(self, as_of: Moment, known_at: Moment) -> None:
        """Enter what was built into the history of what was published."""
        run_id = f"run {self.builds}"
        self.execute(
            f"insert into {HISTORY}.{LOADS} by name select ? as load_id, 0 as status, "
            "cast(? as timestamptz) as inserted_at",
            [run_id, known_at.replace(tzinfo=dt.UTC)],
        )
        self.execute(
            f"insert into {HISTORY}.publications by name select ? as run_id, "
            "cast(? as timestamp) as published_at, cast(? as timestamp) as as_of, "
            "cast(? as timestamp) as known_at, run_id as _dlt_load_id",
            [run_id, known_at, as_of, known_at],
        )
        self.execute(NUMBERS_OF_PERIODS_ENDED, [run_id, run_id, as_of])

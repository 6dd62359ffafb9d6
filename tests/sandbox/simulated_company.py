"""A simulated company, the pipeline run on it, and its KPIs beside the truth.

Its data come over HTTP, as those of the project's own default company, or from exports alone.
"""

from __future__ import annotations

import datetime as dt
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from unittest.mock import patch

import duckdb
import pandas as pd
import pytest

from dagster_project.numbers.receipts import Receipts
from dagster_project.run.clock import now
from dagster_project.run.simulation import connected
from ingestion.company.calendar import WEEKDAYS
from ingestion.company.calendar import Calendar as CompanyCalendar
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.loading.reports import TableLoad
from ingestion.paths import PROJECT, CompanyPaths
from ingestion.pipeline import load_source
from ingestion.sandbox.exports import write_company, write_exports
from ingestion.sandbox.server import APIS, serving
from ingestion.sandbox.service import ERP, Sandbox, System
from ingestion.sandbox.systems.erp.database import running as running_erp
from ingestion.sandbox.systems.faults import Drift, Faults
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import HOUR, day_number
from tests.compiled_models import CompiledModels
from tests.kpis.receipts import disagreements
from tests.raw_tables import without_dlt
from tests.thorough import IS_THOROUGH
from tests.truth.calendar import Office
from tests.truth.kpis import truth

TOKEN = "pat-na1-secret-of-the-test"
SECRETS = {
    "hubspot": TOKEN,
    "stripe": "sk_test_secretofthetest",
    "google_ads": "gads-secretofthetest",
    "linkedin_ads": "AQXsecretofthetest",
    "meta_ads": "EAAsecretofthetest",
}
"""By type of source."""
KEY = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
COUNTS = ["n_included", "n_excluded"]
NUMBERS = ["value", "numerator", "denominator"]
GROSS_MARGIN = 0.8
"""Of the company whose data are exports; the other one's is not known."""
CALENDAR = """calendar:
  country: US
  subdivision: NY
  working_days: [mon, tue, wed, thu, sat]
  opens: "08:30"
  closes: "18:15"
  holidays: {2024-01-25: Inventory}
  working: [Columbus Day]
"""
"""When the company whose data are exports works; the other one does as companies do by default."""
MINUTE = HOUR // 60
MICRO = 1e-6
"""The published numbers keep six decimals of each record."""
SHOWN = 12
KPI_MODELS = ("kpi_values", "kpi_definitions")
ALL_AT_ONCE = Faults(
    rate_limited=0.08, server_error=0.04, hang=0.01, drop=0.05, cut=0.05, truncate=0.05,
    duplicate=0.1, out_of_order=True, burst=2, hang_seconds=3, index_lag_seconds=600,
    drift={"deals": Drift(added={"champion": "Ada"}, removed=("segment",))},
)  # fmt: skip
"""Every fault of the HTTP API that may pass, at the same time."""


class SimulatedCompany(ABC):
    """A company that shows a world to the pipeline.

    `loads` are the moments of the world at which it was loaded: users' versions tell of no others.
    """

    loads: tuple[dt.datetime, ...] = ()

    @abstractmethod
    def show(self, world: World) -> None:
        """Let the company's systems hold this state of a world."""

    @property
    @abstractmethod
    def company(self) -> Company:
        """The company as of the world's now."""

    @property
    def warehouse(self) -> Path:
        """What the company's loads and builds write to."""
        return CompanyPaths.of(self.company).warehouse

    def load(self) -> dict[str, TableLoad]:
        """Load what is new, as a run does, through dlt at length only; what was done by table."""
        company = self.company
        assert company.as_of
        self.loads += (company.moment(company.as_of),)
        with pytest.MonkeyPatch.context() as environment:
            if not IS_THOROUGH:
                without_dlt(environment)
            reports = [load_source(company, source) for source in company.sources]
        return {table.entity: table for report in reports for table in report.tables}

    def build(self) -> None:
        """Build every KPI of what has been loaded, as a run does."""
        company = self.company
        assert company.as_of
        CompiledModels.of(company).build(company.moment(company.as_of), now(), KPI_MODELS)

    def forget(self) -> None:
        """Remove what has been loaded."""
        self.warehouse.unlink(missing_ok=True)
        self.loads = ()

    @contextmanager
    def without_history(self) -> Iterator[None]:
        """As if nothing had ever been loaded; what had been is back afterwards."""
        warehouse = self.warehouse
        aside = warehouse.rename(warehouse.with_suffix(".aside"))
        loads, self.loads = self.loads, ()
        try:
            yield
        finally:
            aside.replace(warehouse)
            self.loads = loads

    def kpis(self) -> pd.DataFrame:
        """All of `kpi_values` but the run's id, in a fixed order."""
        return self._read("select * exclude (run_id) from marts.kpi_values order by all")

    def metrics(self) -> set[str]:
        """Every metric that the project defines."""
        return set(self._read("select distinct metric from marts.kpi_definitions")["metric"])

    def truth(self, world: World) -> pd.DataFrame:
        """What `kpi_values` must hold."""
        company = self.company
        return truth(
            world,
            timezone=company.timezone,
            currency=company.currency,
            fiscal_year_start_month=company.fiscal_year_start_month,
            loads=self.loads,
            gross_margin=company.finance.gross_margin,
            office=_office(company.calendar),
        )

    def assert_true(self, world: World) -> set[str]:
        """Every row of every metric is the world's truth, and none is missing.

        Returns the metrics of which the truth tells anything at this moment.
        """
        metrics, wanted = self.metrics(), self.truth(world)
        found = differences(self.kpis(), wanted[wanted["metric"].isin(metrics)])
        summary = found.groupby(["metric", "variant", "why"]).size()
        assert found.empty, f"{summary.to_string()}\n{found.head(SHOWN).T.to_string()}"
        return set(wanted["metric"])

    def assert_explained(self) -> None:
        """Numbers of every metric, variant, grain and cut follow from the records behind them."""
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            assert disagreements(Receipts(connection)) == []

    def assert_like_full_reload(self, world: World) -> None:
        """The KPIs are those of a company that is loaded for the first time.

        But for what hangs on teams: one that was loaded often knows who was in which. There, too,
        what is loaded for the first time is the truth as far as it is told.
        """
        grown = self.kpis()
        with self.without_history():
            self.load()
            self.build()
            reloaded = self.kpis()
            sides = [
                side[~_hangs_on_teams(side)].reset_index(drop=True) for side in (grown, reloaded)
            ]
            pd.testing.assert_frame_equal(*sides, check_exact=True)
            self.assert_true(world)

    def _read(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            return connection.execute(sql).df()


class Shown(Protocol):
    """A system of the company, whatever its kind."""

    def show(self, world: World) -> None:
        """Answer from this state of a world from now on."""


@dataclass
class ServedCompany(SimulatedCompany):
    """A company of `sandbox: true`: its systems are up, and what they do not hold is exported.

    `systems` are what shows a world, `places` where each is; by type of source.
    """

    file: Path
    systems: Mapping[str, Shown]
    places: Mapping[str, System]
    world: World

    @property
    def company(self) -> Company:
        """The company as a run reads it while its systems are up."""
        return connected(load_company(self.file), Sandbox(self.places, self.world.now))

    @property
    def apis(self) -> Mapping[str, FaultyApi]:
        """Those of the systems that may misbehave, and keep a log of what they were asked."""
        return {name: api for name, api in self.systems.items() if isinstance(api, FaultyApi)}

    def misbehave(self, faults: Faults) -> None:
        """Let every API have these faults from now on."""
        for api in self.apis.values():
            api.faults = faults

    def show(self, world: World) -> None:
        """Serve the world, and write the exports that its systems do not hold."""
        self.world = world
        for system in self.systems.values():
            system.show(world)
        company = load_company(self.file)
        exports = CompanyPaths.of(company).root / "sandbox" / "exports"
        for source in company.sources:
            if source.type not in self.systems:
                write_exports(world, exports, source.entities_given, self.systems)


@contextmanager
def served(world: World, file: Path = PROJECT / "company.yml") -> Iterator[ServedCompany]:
    """A company while its systems are up. SALESOPS_DATA says where its data are."""
    systems: dict[str, Shown] = {}
    places: dict[str, System] = {}
    with ExitStack() as up:
        # The company is given the secrets of its systems by the environment.
        up.enter_context(patch.dict(os.environ))
        for name in load_company(file).source_types:
            if name in APIS:
                api = APIS[name](world, SECRETS[name])
                systems[name] = api
                places[name] = System(up.enter_context(serving(api)), SECRETS[name])
            elif name == ERP:
                erp = up.enter_context(running_erp(world))
                systems[name], places[name] = erp, System(erp.url, erp.url)
        company = ServedCompany(file, systems, places, world)
        company.show(world)
        yield company


@dataclass
class ExportedCompany(SimulatedCompany):
    """A company in a folder of its own, whose exports are the tables of a world."""

    folder: Path
    timezone: str
    currency: str
    fiscal_year_start_month: int

    @property
    def company(self) -> Company:
        """The company as its file says."""
        return load_company(self._file)

    def show(self, world: World) -> None:
        """Write every entity of the contract, and the company file as of the world's now."""
        file = write_company(
            world,
            self.folder,
            self.folder.name,
            self.timezone,
            self.currency,
            self.fiscal_year_start_month,
        )
        with file.open("a", encoding="utf-8") as text:
            text.write(f"finance: {{gross_margin: {GROSS_MARGIN}}}\n{CALENDAR}")

    @property
    def _file(self) -> Path:
        return self.folder / "company.yml"


def differences(kpis: pd.DataFrame, wanted: pd.DataFrame) -> pd.DataFrame:
    """Rows that only one side has, and rows whose unit, counts or numbers differ.

    The published row beside the true one (columns ending in `_true`), with `why`.
    """
    sides = [frame.assign(period_start=_iso(frame["period_start"])) for frame in (kpis, wanted)]
    both = sides[0].merge(
        sides[1], "outer", KEY, suffixes=("", "_true"), indicator=True, validate="one_to_one"
    )
    why = both["_merge"].map({"left_only": "untrue", "right_only": "missing", "both": ""})
    shared, why = both["_merge"] == "both", why.astype(str)
    for column in ("unit", *COUNTS, *NUMBERS):
        ours, theirs = both[column], both[f"{column}_true"]
        same = ours == theirs
        if column in NUMBERS:
            ours, theirs = ours.astype(float), theirs.astype(float)
            rounding = MICRO * (1 + both["n_included"] + theirs.abs())
            same = ((ours - theirs).abs() <= rounding) | (ours.isna() & theirs.isna())
        why = why.where(~shared | same, why + f" {column}")
    return both.assign(why=why)[why != ""]


def _office(calendar: CompanyCalendar) -> Office:
    """When a company works, as the truth wants it."""
    return Office(
        weekdays=tuple(WEEKDAYS.index(day) for day in calendar.working_days),
        opens=calendar.opens * MINUTE,
        closes=calendar.closes * MINUTE,
        days_off=frozenset(day_number(day) for day in calendar.days_off()),
    )


def _hangs_on_teams(kpis: pd.DataFrame) -> pd.Series:
    """Whether numbers depend on who was in which team."""
    quotas = ("quota_attainment", "reps_at_quota", "pipeline_coverage")
    return kpis["dimension"].isin(("team", "manager")) | kpis["metric"].isin(quotas)


def _iso(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).dt.strftime("%Y-%m-%d").fillna("").astype(object)

"""A simulated company's exports, the pipeline run on them, and its KPIs beside the truth."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from dagster_project.dbt_runner import Dbt
from ingestion.company import load_company
from ingestion.paths import CompanyPaths
from ingestion.pipeline import LoadReport, load_source
from ingestion.sandbox.exports import write_company
from ingestion.sandbox.truth import truth
from ingestion.sandbox.world import World

KEY = ["metric", "variant", "period_grain", "period_start", "dimension", "dimension_key"]
COUNTS = ["n_included", "n_excluded"]
NUMBERS = ["value", "numerator", "denominator"]
MICRO = 1e-6
"""The published numbers keep six decimals of each record."""
SHOWN = 12


@dataclass(frozen=True)
class SimulatedCompany:
    """A company in a folder of its own, whose exports are the tables of a world."""

    folder: Path
    timezone: str
    currency: str
    fiscal_year_start_month: int

    @property
    def file(self) -> Path:
        """The company's file."""
        return self.folder / "company.yml"

    @property
    def warehouse(self) -> Path:
        """What the company's loads and builds write to."""
        return CompanyPaths.of(load_company(self.file)).warehouse

    def export(self, world: World) -> None:
        """Write every entity of the contract, and the company file as of the world's now."""
        write_company(
            world,
            self.folder,
            self.folder.name,
            self.timezone,
            self.currency,
            self.fiscal_year_start_month,
        )

    def run(self) -> LoadReport:
        """Load what is new in the exports and build every KPI, as a run does."""
        report = self.load()
        company = load_company(self.file)
        assert company.as_of
        self.build(company.moment(company.as_of), utc_now(), "+kpi_values", "+kpi_definitions")
        return report

    def load(self) -> LoadReport:
        """Load what is new in the exports."""
        company = load_company(self.file)
        return load_source(company, company.sources[0])

    def build(self, as_of: dt.datetime, known_at: dt.datetime, *models: str) -> None:
        """Build the selected models as of a moment and as known at one, UTC without zone."""
        moments = {"SALESOPS_AS_OF": as_of, "SALESOPS_KNOWN_AT": known_at}
        Dbt.of(load_company(self.file)).build(
            {name: moment.isoformat(" ", "microseconds") for name, moment in moments.items()},
            ["--exclude-resource-type", "test", "--select", *models],
            lambda result: None,
        )

    @contextmanager
    def without_history(self) -> Iterator[None]:
        """As if nothing had ever been loaded; what had been is back afterwards."""
        warehouse = self.warehouse
        aside = warehouse.rename(warehouse.with_suffix(".aside"))
        try:
            yield
        finally:
            aside.replace(warehouse)

    def kpis(self) -> pd.DataFrame:
        """All of `kpi_values` but the run's id, in a fixed order."""
        return self._read("select * exclude (run_id) from marts.kpi_values order by all")

    def metrics(self) -> set[str]:
        """Every metric that the project defines."""
        return set(self._read("select distinct metric from marts.kpi_definitions")["metric"])

    def truth(self, world: World) -> pd.DataFrame:
        """What `kpi_values` must hold."""
        return truth(
            world,
            timezone=self.timezone,
            currency=self.currency,
            fiscal_year_start_month=self.fiscal_year_start_month,
        )

    def assert_true(self, world: World) -> None:
        """Every row of every metric is the world's truth, and none is missing."""
        metrics, wanted = self.metrics(), self.truth(world)
        assert metrics <= set(wanted["metric"])
        found = differences(self.kpis(), wanted[wanted["metric"].isin(metrics)])
        summary = found.groupby(["metric", "variant", "why"]).size()
        assert found.empty, f"{summary.to_string()}\n{found.head(SHOWN).T.to_string()}"

    def _read(self, sql: str) -> pd.DataFrame:
        with duckdb.connect(self.warehouse, read_only=True) as connection:
            return connection.execute(sql).df()


def utc_now() -> dt.datetime:
    """The present moment, UTC without zone."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


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


def _iso(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).dt.strftime("%Y-%m-%d").fillna("").astype(object)

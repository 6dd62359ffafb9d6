"""companies/erp.yml: finance from a PostgreSQL that the run starts, and its KPIs are the truth.

A build costs more than a load, so not every load is followed by one: SALESOPS_THOROUGH=1 compares
after each, at more seeds, and runs the whole company from its command line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project.run.simulation import connected
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.paths import PROJECT, CompanyPaths
from ingestion.sandbox.exports import write_exports
from ingestion.sandbox.server import serving
from ingestion.sandbox.service import Sandbox, System
from ingestion.sandbox.systems.erp import database, postgres
from ingestion.sandbox.systems.erp.database import Erp
from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.world import World
from tests.kpis.companies import Published, publish
from tests.sandbox.simulated_company import TOKEN, SimulatedCompany
from tests.sandbox.traps import upset
from tests.sql.ledger import counted
from tests.store import made_once
from tests.thorough import IS_THOROUGH, thorough

COMPANY = PROJECT / "companies" / "erp.yml"
INCREMENTS = (1, 7, 1, 30, 2)
"""Days between loads."""
UPSET = (2, 5)
"""Loads before which, in the evening, all happens that seldom does."""
AGE = 400
"""Days of the world at the first load."""
COMPARED = (0, 5)
"""Loads after which the KPIs are compared with the truth; all of them at length."""
GROWING = ("subscriptions", "invoices", "invoice_lines", "payments", "fx_rates")
"""Entities of which only what changed is read, and that have a history worth the name."""

pytestmark = pytest.mark.skipif(
    postgres.programs() is None,
    reason="PostgreSQL is not installed: this company's finance is in one",
)


@dataclass
class ErpCompany(SimulatedCompany):
    """The company whose CRM answers over HTTP, and whose finance is in a database."""

    api: HubSpotApi
    url: str
    erp: Erp
    world: World

    @property
    def company(self) -> Company:
        """The company as a run reads it while its systems are up."""
        systems = {"hubspot": System(self.url, TOKEN), "sql": System(self.erp.url, self.erp.url)}
        return connected(load_company(COMPANY), Sandbox(systems, self.world.now))

    def show(self, world: World) -> None:
        """Let all systems have the world, and write what they do not hold."""
        self.world = world
        self.api.show(world)
        self.erp.show(world)
        [files] = [source for source in self.company.sources if source.type == "files"]
        folder = CompanyPaths.of(load_company(COMPANY)).root / "sandbox" / "exports"
        write_exports(world, folder, files.entities_given)


@contextmanager
def served(world: World) -> Iterator[ErpCompany]:
    """The company while its systems are up. SALESOPS_DATA says where its data are."""
    api = HubSpotApi(world, TOKEN)
    with serving(api) as url, database.running(world) as erp:
        company = ErpCompany(api, url, erp, world)
        company.show(world)
        yield company


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ErpCompany]:
    """The company, whose data are in a folder of the module's own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(tmp_path_factory.mktemp("data")))
        for name in ("HUBSPOT_TOKEN", "ERP_DATABASE_URL"):
            environment.setenv(name, "replaced when the company is connected")
        with served(World.found(seed=1, scale=0.02)) as company:
            yield company


@pytest.mark.parametrize(
    ("seed", "scale"), [(7, 0.02), pytest.param(11, 0.05, marks=thorough)], ids=["7", "11"]
)
def test_every_load_gives_the_truth(company: ErpCompany, seed: int, scale: float) -> None:
    world = World.found(seed, scale)
    company.forget()
    for load, days in enumerate((AGE, *INCREMENTS)):
        world.advance(days)
        if load in UPSET:
            upset(world)
        company.show(world)
        with counted() as read:
            company.load()
        if load:
            _reads_the_days_alone(world, read, days)
        if IS_THOROUGH or load in COMPARED:
            company.build()
            company.assert_true(world)
            company.assert_explained()
    company.assert_like_full_reload(world)


def _reads_the_days_alone(world: World, read: dict[str, int], days: int) -> None:
    """Of what has a cursor an increment reads what was changed since, and of the lag before it."""
    since = world.now - dt.timedelta(days=days, hours=36)
    for entity in GROWING:
        changed = len(world.rows_changed_since(entity, since))
        assert read[entity] <= changed, (entity, read[entity], changed)
        if days < 10:
            assert changed < world.count(entity) / 3, entity


def found_and_go_on(folder: Path) -> None:
    """Publish the company when it is founded and a week later."""
    publish(COMPANY, folder, "--scale", "0.03", "--seed", "11")
    (folder / "invoices.txt").write_text(str(_versions(folder)), encoding="utf-8")
    publish(COMPANY, folder, "--days", "7")


def _versions(folder: Path) -> int:
    """Versions of invoices that have been loaded."""
    found = Published(COMPANY, folder / "erp").warehouse(
        "select count(*) as n from raw_sql.invoices"
    )
    return int(found["n"].iloc[0])


@thorough
def test_a_run_starts_the_erp_and_a_week_later_loads_the_week() -> None:
    folder = made_once("erp_week_later", found_and_go_on, COMPANY, Path(__file__))
    before = int((folder / "invoices.txt").read_text(encoding="utf-8"))
    assert 0 < _versions(folder) - before < before / 10
    company = Published(COMPANY, folder / "erp")
    assert company.kpi("deals_won") > 0
    exports = {file.stem for file in (company.folder / "sandbox" / "exports").iterdir()}
    assert not exports & {"invoices", "customers", "payments", "costs", "fx_rates"}


@thorough
def test_no_address_of_the_erp_is_in_what_a_run_leaves() -> None:
    folder = made_once("erp_week_later", found_and_go_on, COMPANY, Path(__file__))
    for file in folder.rglob("*"):
        if file.is_file():
            assert b"postgresql://salesops:" not in file.read_bytes(), file

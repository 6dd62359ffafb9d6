"""companies/erp.yml: finance from a PostgreSQL that the run starts, and its KPIs are the truth.

A load and a build take their time, so CI has the first day, a week and a month, and a build at the
end: SALESOPS_THOROUGH=1 has more loads of more seeds, compares after each, and runs the whole
company from its command line.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pyarrow.compute as pc
import pytest

from ingestion.paths import PROJECT
from ingestion.sandbox.systems.erp import postgres
from ingestion.sandbox.world import World
from tests.kpis.companies import Published, publish
from tests.sandbox.simulated_company import ServedCompany, served
from tests.sandbox.traps import upset
from tests.sql.ledger import counted
from tests.store import made_once
from tests.thorough import IS_THOROUGH, thorough

COMPANY = PROJECT / "companies" / "erp.yml"
INCREMENTS = (1, 7, 1, 30, 2) if IS_THOROUGH else (7, 30)
"""Days between loads."""
UPSET = (2, 5) if IS_THOROUGH else (1, 2)
"""Loads before which, in the evening, all happens that seldom does."""
AGE = 400
"""Days of the world at the first load."""
COMPARED = range(6) if IS_THOROUGH else (2,)
"""Loads after which the KPIs are compared with the truth; the first load is number 0. What that one
gives, the full reload in the end shows.
"""
GROWING = ("subscriptions", "invoices", "invoice_lines", "payments", "fx_rates")
"""Entities of which only what changed is read, and that have a history worth the name."""

LAG, DRAFTED = dt.timedelta(hours=1), dt.timedelta(days=1)

pytestmark = pytest.mark.skipif(
    postgres.programs() is None,
    reason="PostgreSQL is not installed: this company's finance is in one",
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCompany]:
    """The company, whose data are in a folder of the module's own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(tmp_path_factory.mktemp("data")))
        with served(World.found(seed=1, scale=0.02), COMPANY) as company:
            yield company


@pytest.mark.parametrize(
    ("seed", "scale"), [(7, 0.02), pytest.param(11, 0.05, marks=thorough)], ids=["7", "11"]
)
def test_every_load_gives_the_truth(company: ServedCompany, seed: int, scale: float) -> None:
    world = World.found(seed, scale)
    company.forget()
    for load, days in enumerate((AGE, *INCREMENTS)):
        before = _newest(world) if load else {}
        world.advance(days)
        if load in UPSET:
            upset(world)
        company.show(world)
        with counted() as read:
            company.load()
        if load:
            _reads_the_days_alone(world, read, before, days)
        if load in COMPARED:
            company.build()
            company.assert_true(world)
            company.assert_explained()
    company.assert_like_full_reload(world)


def _newest(world: World) -> dict[str, dt.datetime]:
    """When the rows of each growing entity have changed last."""
    return {entity: pc.max(world.table(entity)["source_updated_at"]).as_py() for entity in GROWING}


def _reads_the_days_alone(
    world: World, read: dict[str, int], before: dict[str, dt.datetime], days: int
) -> None:
    """An increment reads what has changed since the newest stamp of the last one, and the lag's.

    An invoice that was drafted the day before has its stamp from when it is issued.
    """
    for entity in GROWING:
        since = before[entity] - LAG - DRAFTED
        assert read[entity] <= len(world.rows_changed_since(entity, since)), entity
    if days < 10:
        there = sum(world.count(entity) for entity in GROWING)
        assert sum(read[entity] for entity in GROWING) < there / 5


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

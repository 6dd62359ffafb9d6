"""Day after day, the KPIs are the truth, and those of a company that was loaded at once."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import pytest

from ingestion.sandbox.world import World
from tests.sandbox.simulated_company import SimulatedCompany

INCREMENTS = (1, 1, 7, 30, 2)
"""Days between loads."""


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedCompany]:
    """A company whose data are in a folder of the module's own."""
    folder = tmp_path_factory.mktemp("simulated")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        yield SimulatedCompany(folder / "company", "Europe/London", "GBP", 1)


@pytest.fixture(scope="module")
def world(company: SimulatedCompany) -> World:
    """A world of a year and some weeks that has been loaded once."""
    world = World.found(seed=3, scale=0.05)
    world.advance(400)
    company.export(world)
    company.run()
    return world


def test_the_first_load_gives_the_truth(company: SimulatedCompany, world: World) -> None:
    company.assert_true(world)


@pytest.mark.parametrize("days", INCREMENTS)
def test_each_increment_gives_the_truth_and_what_a_full_reload_gives(
    company: SimulatedCompany, world: World, days: int
) -> None:
    before = world.now
    world.advance(days)
    company.export(world)
    report = company.run()
    for table in report.tables:
        if table.entity != "pipeline_stages":
            loaded = table.rows_new + table.rows_changed + table.rows_deleted
            assert loaded == len(world.rows_changed_since(table.entity, before)), table.entity
    company.assert_true(world)
    grown = company.kpis()
    with company.without_history():
        company.run()
        pd.testing.assert_frame_equal(grown, company.kpis(), check_exact=True)

"""Load after load, the KPIs of a company that advertises on three platforms are the truth.

What platforms tell late, tell otherwise or tell no more is in it; so is the day that lasts longer
in Los Angeles. A build costs more than a load, so not every load is followed by one:
SALESOPS_THOROUGH=1 compares after each load, of three seeds, and with a full reload.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.world import World
from ingestion.sources.linkedin_ads import reader
from tests.ad_company import wait_for_nothing, write_ad_company
from tests.sandbox.ads_traps import ads_traps
from tests.sandbox.simulated_company import ALL_AT_ONCE, ServedCompany, served
from tests.sandbox.traps import upset
from tests.thorough import IS_THOROUGH, thorough

INCREMENTS = (1, 7, 1, 40, 2)
"""Days between loads; the longest gap is more than a load reads again."""
UPSET = (1, 2, 5)
"""Loads before which, in the evening, all happens that seldom does."""
CUT = 300
"""Elements after which LinkedIn cuts a report without a word; the connector knows it of 15,000."""
FAULTS = replace(
    ALL_AT_ONCE, drift={}, hang_seconds=1.5, token_requests=0, failed_reports=1, report_rows=400,
    elements=CUT,
)  # fmt: skip
"""Every fault of the platforms that may pass, at the same time."""


@dataclass(frozen=True)
class Story:
    """A world, its age in days at the first load (number 0), and the loads that are looked at."""

    seed: int
    scale: float
    age: int
    compared: tuple[int, ...]


STORIES = (
    Story(7, 0.05, 130, compared=(5,)),
    pytest.param(Story(11, 0.05, 400, compared=()), marks=thorough),
    pytest.param(Story(3, 0.1, 250, compared=()), marks=thorough),
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCompany]:
    """The company, whose data are in a folder of the module's own."""
    folder = tmp_path_factory.mktemp("advertiser")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(folder / "data"))
        environment.setattr(reader, "MOST", CUT)
        wait_for_nothing(environment)
        file = write_ad_company(folder / "company.yml")
        with served(World.found(seed=1, scale=0.02), file) as company:
            yield company


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"seed {story.seed}")
def test_every_load_gives_the_truth(company: ServedCompany, story: Story) -> None:
    world = World.found(story.seed, story.scale)
    company.forget()
    met: set[str] = set()
    for load, days in enumerate((story.age, *INCREMENTS)):
        world.advance(days)
        if load in UPSET:
            upset(world)
        company.show(world)
        company.misbehave(replace(FAULTS, seed=load) if load % 2 else Faults())
        company.load()
        met |= {trap for trap, times in ads_traps(world.state).items() if times}
        if IS_THOROUGH or load in story.compared:
            company.build()
            company.assert_true(world)
            company.assert_explained()
    company.misbehave(Faults())
    if IS_THOROUGH:
        company.assert_like_full_reload(world)
    assert met == ads_traps(world.state).keys()


def test_a_load_that_is_repeated_adds_nothing(company: ServedCompany) -> None:
    world = World.found(seed=5, scale=0.05)
    world.advance(60)
    company.forget()
    company.show(world)
    company.misbehave(Faults())
    company.load()
    company.misbehave(Faults(out_of_order=True, seed=1))
    again = company.load()
    assert not {
        name: table
        for name, table in again.items()
        if table.rows_new + table.rows_changed + table.rows_deleted
    }

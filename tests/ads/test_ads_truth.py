"""Load after load, the KPIs of a company that advertises on three platforms are the truth.

What platforms tell late, tell otherwise or tell no more is in it; so is the day that lasts longer
in Los Angeles. A load and a build take their time, so CI has the first day, a week and 40 days, and
a build at the end: SALESOPS_THOROUGH=1 has more loads of three seeds, and compares after each, and
with a full reload.
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

INCREMENTS = (1, 7, 1, 40, 2) if IS_THOROUGH else (7, 40)
"""Days between loads; the longest gap is more than a load reads again."""
UPSET = (1, 2, 5) if IS_THOROUGH else (1, 2)
"""Loads before which, in the evening, all happens that seldom does."""
COMPARED = range(6) if IS_THOROUGH else (2,)
"""Loads after which the KPIs are compared with the truth; the first load is number 0."""
CUT = 300
"""Elements after which LinkedIn cuts a report without a word; the connector knows it of 15,000."""
FAULTS = replace(
    ALL_AT_ONCE, drift={}, hang_seconds=1.5, token_requests=0, failed_reports=1, report_rows=400,
    elements=CUT,
)  # fmt: skip
"""Every fault of the platforms that may pass, at the same time."""


@dataclass(frozen=True)
class Story:
    """A world, and its age in days at the first load."""

    seed: int
    scale: float
    age: int


STORIES = (
    Story(7, 0.05, 130),
    *(pytest.param(it, marks=thorough) for it in (Story(11, 0.05, 400), Story(3, 0.1, 250))),
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
        if load in COMPARED:
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

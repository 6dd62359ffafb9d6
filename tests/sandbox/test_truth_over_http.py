"""Day after day, the default company's KPIs are the truth, and those of one loaded at once.

A load and a build take their time, so CI has the first day, a week and a month of one seed, and a
build at the end: SALESOPS_THOROUGH=1 has more loads of more seeds, and compares after each, with a
full reload too. A reload is a first load, and is compared with the truth as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.world import World
from tests.sandbox.simulated_company import ALL_AT_ONCE, ServedCompany, served
from tests.sandbox.traps import traps, upset
from tests.thorough import IS_THOROUGH, thorough

INCREMENTS = (1, 7, 1, 30, 2) if IS_THOROUGH else (7, 29)
"""Days between loads."""
UPSET = (2, 5) if IS_THOROUGH else (1, 2)
"""Loads before which, in the evening, all happens that seldom does."""
COMPARED = range(6) if IS_THOROUGH else (2,)
"""Loads after which the KPIs are compared with the truth; the first load is number 0."""
RELOADED = range(4) if IS_THOROUGH else (2,)
"""Loads after which they are compared with a full reload's.

They are within 30 days of the first such evening: Stripe's events are no older. Who loads for the
first time afterwards cannot know that a subscription was unpaid before it ended.
"""


@dataclass(frozen=True)
class Story:
    """A world, and its age in days at the first load."""

    seed: int
    scale: float
    age: int


STORIES = (
    Story(7, 0.02, 400),
    *(pytest.param(it, marks=thorough) for it in (Story(11, 0.05, 400), Story(3, 0.04, 1096))),
)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCompany]:
    """The default company, whose data are in a folder of the module's own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SALESOPS_DATA", str(tmp_path_factory.mktemp("data")))
        with served(World.found(seed=1, scale=0.02)) as company:
            yield company


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"seed {story.seed}")
def test_every_load_gives_the_truth(company: ServedCompany, story: Story) -> None:
    world = World.found(story.seed, story.scale)
    company.forget()
    told: set[str] = set()
    met: set[str] = set()
    for load, days in enumerate((story.age, *INCREMENTS)):
        world.advance(days)
        if load in UPSET:
            upset(world)
        company.show(world)
        company.load()
        if load in COMPARED:
            company.build()
            told |= company.assert_true(world)
            company.assert_explained()
            met |= {trap for trap, times in traps(world, company.loads[0]).items() if times}
        if load in RELOADED:
            company.assert_like_full_reload(world)
    assert company.metrics() <= told
    assert traps(world, company.loads[0]).keys() == met


@thorough
def test_after_all_faults_at_once_one_more_run_gives_the_truth(company: ServedCompany) -> None:
    world = World.found(seed=13, scale=0.1)
    world.advance(200)
    company.forget()
    for seed in range(3):
        world.advance(1)
        upset(world)
        company.show(world)
        company.misbehave(replace(ALL_AT_ONCE, seed=seed))
        company.load()
    company.misbehave(Faults())
    company.load()
    company.build()
    assert company.metrics() <= company.assert_true(world)

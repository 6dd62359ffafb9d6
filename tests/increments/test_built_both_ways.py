"""Run after run, the warehouse holds what the same raw data gives built whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.increments.comparing import Difference
from tests.increments.events import EVENTS, OF_RECORDS
from tests.increments.on_postgres import DaysOnPostgres
from tests.increments.story import KINDS, Story
from tests.ingestion.postgres_server import running_server
from tests.thorough import thorough

SEED = 7
SEEDS = range(20)
STEPS = 10
RATES_COME_LATE = "rates_of_the_last_days_told"
OF_FEW_CELLS = [
    *("closing_redated", "deal_vanished", "deal_won", "field_changed", "plan_changed"),
    *("activity_vanished", "refund_given", "inquiry_answered", "activity_of_one_told_later"),
]
"""What moves members from month to month, adds and takes away some, and leaves most alone."""
OF_FEW_ACTIVITIES = ["rep_hired", "rep_renamed", "rep_transferred", "rep_transferred_before"]
"""What makes activities of some people another team's or name's."""


def told(story: Story, found: list[Difference]) -> str:
    return "\n".join([*story.told, *map(str, found)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a story's exports and data are."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return tmp_path


def test_all_that_may_happen(folder: Path) -> None:
    """Every event once, over the end of a month and a fiscal year without news."""
    story = Story.begun(SEED, folder, timezone="Asia/Tokyo")
    of_all = [name for name in EVENTS if name not in OF_RECORDS and name != RATES_COME_LATE]
    for kind, events in (
        ("day", [RATES_COME_LATE]),
        ("two days", []),
        ("day", OF_FEW_ACTIVITIES),
        ("day", OF_FEW_CELLS),
        ("day", sorted(OF_RECORDS)),
        ("day", of_all),
    ):
        found = story.step(kind, events)
        assert not found, told(story, found)
        assert story.was_increment
        if events == OF_FEW_CELLS:
            touched, cells = story.days.cells()
            assert 0 < touched < cells / 4
        if events == OF_FEW_ACTIVITIES:
            news, activities = story.days.activities()
            assert 0 < news < activities


@thorough
@pytest.mark.parametrize("tells_history", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_days_by_chance(folder: Path, seed: int, tells_history: bool) -> None:
    story = Story.begun(seed, folder, tells_history)
    draw = random.Random(seed)
    for _ in range(STEPS):
        found = story.step(draw.choice(KINDS))
        assert not found, told(story, found)


@thorough
def test_days_on_postgres(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_server() as url:
        monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
        story = Story.begun(SEED, folder, True, DaysOnPostgres, destination="postgres")
        for kind in ("busy day", "day", "quiet day", "two days"):
            found = story.step(kind)
            assert not found, told(story, found)
            assert story.was_increment

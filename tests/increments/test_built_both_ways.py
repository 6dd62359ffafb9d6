"""Run after run, the warehouse holds what the same raw data gives built whole."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dagster_project.run.builds import INCREMENT
from tests.increments.comparing import Difference
from tests.increments.events import EVENTS
from tests.increments.story import KINDS, Story
from tests.thorough import thorough

SEED = 7
SEEDS = range(20)
STEPS = 10


def told(story: Story, found: list[Difference]) -> str:
    return "\n".join([*story.told, *map(str, found)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a story's exports and data are."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return tmp_path


def test_all_that_may_happen(folder: Path) -> None:
    """Every event once, over a quarter's and year's end and a day without news."""
    story = Story.begun(SEED, folder)
    events = random.Random(SEED).sample(sorted(EVENTS), len(EVENTS))
    half = len(events) // 2
    for kind, chosen in (("two days", events[:half]), ("quiet day", []), ("day", events[half:])):
        found = story.step(kind, chosen)
        assert not found, told(story, found)
        assert story.how == INCREMENT


@thorough
@pytest.mark.parametrize("tells_history", [True, False])
@pytest.mark.parametrize("seed", SEEDS)
def test_days_by_chance(folder: Path, seed: int, tells_history: bool) -> None:
    story = Story.begun(seed, folder, tells_history)
    draw = random.Random(seed)
    for _ in range(STEPS):
        found = story.step(draw.choice(KINDS))
        assert not found, told(story, found)

"""The simulated company, whose CRM answers over HTTP, for days and over a quarter's end."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.run.clock import now
from ingestion.sandbox.world import World
from tests.increments.days import Days
from tests.sandbox.simulated_company import served
from tests.sandbox.traps import upset
from tests.thorough import thorough

SEED = 7
SCALE = 0.02
AGE = 400
STEPS = (1, 1, 0, 7, 2, 60)
"""Days between builds; before the second, all happens that seldom does."""
UPSET = 1


@thorough
def test_days_over_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("HUBSPOT_TOKEN", "replaced when the company is connected")
    world = World.found(seed=SEED, scale=SCALE)
    world.advance(AGE)
    with served(world) as company:
        days = Days(lambda: company.company, tmp_path / "whole")
        for number, passed in enumerate((0, *STEPS)):
            world.advance(passed)
            if number == UPSET + 1:
                upset(world)
            company.show(world)
            days.load()
            plan = days.plan(world.now.replace(tzinfo=None), now())
            days.build(plan)
            found = days.differences(plan)
            assert not found, f"build {number}\n" + "\n".join(map(str, found))
            assert plan.is_increment == (number > 0)

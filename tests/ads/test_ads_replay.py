"""Sixty days, each with a load: what was known of spend on each day, and what is known of it now.

The platforms tell the same days again for weeks, and otherwise. As known on a day spend is what the
platforms told on that day; as known now it is what they tell now: both are the world's truth. CI
lives through one week of it; SALESOPS_THOROUGH=1 has all days, of three seeds.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from dagster_project.run.clock import now
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import day_of
from ingestion.sandbox.world.render import source_ids
from ingestion.sandbox.world.schema import NULL
from tests.ad_company import wait_for_nothing, write_ad_company
from tests.compiled_models import CompiledModels
from tests.sandbox.ads_traps import ads_traps
from tests.sandbox.simulated_company import ServedCompany, served
from tests.thorough import thorough
from tests.truth.history import History

ENTITIES = ("campaigns", "spend_daily", "fx_rates")
"""What the company has beside its platforms."""
FIGURES = ("spend_native", "spend", "impressions", "clicks", "conversions", "conversion_value")
SPEND = """
    select
        campaign_id, day, sum(spend_native) as spend_native, sum(spend) as spend,
        sum(impressions) as impressions, sum(clicks) as clicks, sum(conversions) as conversions,
        sum(conversion_value_native) as conversion_value, bool_or(is_partial) as is_partial,
        count(*) filter (exclusion_reason is not null) as excluded
    from marts.fct_spend_daily
    group by campaign_id, day
"""
Days = dict[tuple[str, dt.date], dict[str, object]]


@dataclass(frozen=True)
class Story:
    """A world, its age in days at the first load, and how many days are lived through.

    Every so many days what was known then is looked at.
    """

    seed: int
    days: int
    every: int
    age: int = 70
    scale: float = 0.04


STORIES = (
    Story(4, days=8, every=4),
    *(pytest.param(Story(seed, days=60, every=1), marks=thorough) for seed in (4, 8, 15)),
)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedCompany]:
    """The company, whose data are in a folder of the test's own."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    wait_for_nothing(monkeypatch)
    file = write_ad_company(tmp_path / "company.yml", ENTITIES)
    with served(World.found(seed=1, scale=0.02), file) as company:
        yield company


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.seed}, {story.days} days")
def test_spend_as_known_on_each_day_and_as_known_now(company: ServedCompany, story: Story) -> None:
    world = World.found(story.seed, story.scale)
    world.advance(story.age)
    known: list[tuple[dt.datetime, dt.datetime]] = []
    for _ in range(story.days + 1):
        company.show(world)
        company.load()
        known.append((moment_of(world), now()))
        world.advance(1)
    last = known[-1][0]
    assert_met(world)
    changed: set[tuple[str, dt.date]] = set()
    for as_of, known_at in known[:: story.every]:
        then = published(company, as_of, known_at)
        assert_same(then, truth(world, as_of, told_at=as_of))
        today = published(company, as_of, now())
        assert_same(today, truth(world, as_of, told_at=last))
        changed |= {key for key in then.keys() | today.keys() if then.get(key) != today.get(key)}
    assert len(changed) > story.days, "hardly any day was told otherwise"


def moment_of(world: World) -> dt.datetime:
    """The world's present, UTC without zone."""
    return world.now.replace(tzinfo=None)


def published(company: ServedCompany, as_of: dt.datetime, known_at: dt.datetime) -> Days:
    """Spend by campaign and day as of a moment, as it was known at one."""
    CompiledModels.of(company.company).build(as_of, known_at, ["fct_spend_daily"])
    with duckdb.connect(company.warehouse, read_only=True) as connection:
        rows = connection.execute(SPEND).arrow().read_all().to_pylist()
    assert not [row for row in rows if row.pop("excluded")]
    return {(row.pop("campaign_id"), row.pop("day")): row for row in rows}


def truth(world: World, as_of: dt.datetime, told_at: dt.datetime) -> Days:
    """Spend of the days up to a moment, as the world told of it at one.

    The day on which a campaign spent is its account's, and money is at that day's rate.
    """
    history = History.of(world, "UTC", 1, "USD", told_at)
    value = {
        name: history.value_at("spend_daily", name)
        for name in ("spend", "impressions", "clicks", "conversions", "conversion_value",
                     "is_partial", "is_deleted")
    }  # fmt: skip
    day = history.fact("spend_daily", "day").astype(np.int64)
    until = History.of(world, "UTC", 1, "USD", as_of).today
    rows = np.flatnonzero((value["spend"] != NULL) & (value["is_deleted"] == 0) & (day <= until))
    campaign = history.fact("spend_daily", "campaign_id")[rows].astype(np.int64)
    currency = history.fact("spend_daily", "currency")[rows]
    # The first row of a campaign's day has all that it comes to, the others nothing.
    first = pd.DataFrame({"campaign": campaign, "day": day[rows], "currency": currency})
    spent = (
        pd.Series(value["spend"][rows]).groupby([first[name] for name in first]).transform("sum")
    )
    whole = spent.where(~first.duplicated(), 0).to_numpy()
    frame = pd.DataFrame(
        {
            "campaign": source_ids("campaigns", campaign).to_pylist(),
            "day": [day_of(int(number)) for number in day[rows]],
            "spend_native": value["spend"][rows],
            "spend": history.convert(whole, currency, day[rows]),
            **{name: value[name][rows] for name in ("impressions", "clicks", "conversions")},
            "conversion_value": value["conversion_value"][rows],
            "is_partial": value["is_partial"][rows],
        }
    )
    found: Days = {}
    for (id, on), part in frame.groupby(["campaign", "day"]):
        sums = {name: Decimal(int(part[name].sum())) for name in FIGURES}
        money = {name: sums[name] / 100 for name in ("spend_native", "spend", "conversion_value")}
        found[str(id), on] = {**sums, **money, "is_partial": bool(part["is_partial"].max())}
    return found


def assert_same(found: Days, expected: Days) -> None:
    """The same days with the same figures; a day on which nothing happened may lack."""
    wrong = {}
    for key in found.keys() | expected.keys():
        ours, theirs = found.get(key, {}), expected.get(key, {})
        for name in (*FIGURES, "is_partial"):
            if (ours.get(name) or 0) != (theirs.get(name) or 0):
                wrong[(*key, name)] = (ours.get(name), theirs.get(name))
    assert not wrong, (len(wrong), sorted(wrong.items())[:12])


def assert_met(world: World) -> None:
    """What the platforms told again, they told in each of the ways that there are."""
    found = ads_traps(world.state)
    assert all(found.values()), found

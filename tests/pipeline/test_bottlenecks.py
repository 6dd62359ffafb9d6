"""mart_bottlenecks on simulated stays: its verdicts where nothing has changed, and where it has.

The models' own SQL, as dbt has compiled it, runs over stays that are drawn from one distribution
per stage: skewed, exponential or rounded to days, of many and of few deals, more in some months
than in others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
import pytest

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from tests.conftest import Publish

MODELS = (
    *("int_stage_durations", "int_stage_periods", "int_stage_stalls", "int_stage_signs"),
    "mart_bottlenecks",
)
FROM, DAYS = np.datetime64("2023-01-01", "us"), 3 * 365
DAY = 86_400_000_000
STAGES = 36
MEDIAN_DAYS = (3.0, 10.0, 30.0)
DEALS_A_MONTH = (8.0, 25.0, 60.0)
SLOWER_FROM = DAYS - 150
TAIL = 3.1
"""Standard errors within which a share is chance (but once in 1,000 times)."""


def exponential(random: np.random.Generator, n: int) -> np.ndarray:
    """Durations with a median of 1 that age does not make any likelier to end."""
    return random.exponential(1 / math.log(2), n)


def skewed(random: np.random.Generator, n: int) -> np.ndarray:
    """Lognormal durations with a median of 1."""
    return np.exp(random.normal(0, 1, n))


def simulated(
    seed: int,
    distribution: Callable[[np.random.Generator, int], np.ndarray],
    is_rounded: bool = False,
    season: float = 0,
    slower: float = 1,
) -> pd.DataFrame:
    """Stays of deals that come in by chance, `season` more or fewer in the course of a year.

    Each stage has its own median, number of deals and share of losses; since `SLOWER_FROM`, the
    days of its stays are times `slower`. What has not ended by the last day has no exit.
    """
    random = np.random.default_rng(seed)
    stages = []
    for number in range(STAGES):
        phase = random.uniform(0, 2 * np.pi)
        rate = random.choice(DEALS_A_MONTH) / 30
        by_day = random.poisson(
            rate * (1 + season * np.sin(np.arange(DAYS) * 2 * np.pi / 365 + phase))
        )
        entered = np.repeat(np.arange(DAYS), by_day) + random.random(by_day.sum())
        median = random.choice(MEDIAN_DAYS)
        days = median * distribution(random, len(entered))
        days = np.where(entered < SLOWER_FROM, days, slower * days)
        days = np.round(days) if is_rounded else days
        is_over = entered + days < DAYS
        stages.append(
            pd.DataFrame(
                {
                    "stage": f"stage {number}",
                    "team": random.choice(["east", "west"], len(entered), p=[0.8, 0.2]),
                    "entered": moments(entered),
                    "exited": pd.Series(moments(entered + days)).where(is_over),
                    "days": np.where(is_over, days, np.nan),
                    "is_dropped": is_over & (random.random(len(entered)) < 0.3 * random.random()),
                    "median": median,
                }
            )
        )
    return pd.concat(stages)


def moments(days: np.ndarray) -> np.ndarray:
    """The moments that lie so many days after the first one."""
    return FROM + (days * DAY).astype(np.int64).astype("timedelta64[us]")


def most_by_chance(share: float, n: int) -> float:
    """The largest share among `n` that an expected one leads to by chance."""
    return share + TAIL * math.sqrt(share * (1 - share) / n)


@dataclass(frozen=True)
class Compiled:
    """The statements of the models by name, and the names of the relations that they read."""

    statements: Mapping[str, str]
    relations: Mapping[str, str]

    def bottlenecks(self, stays: pd.DataFrame) -> pd.DataFrame:
        """`mart_bottlenecks` over stays (stage, team, entered, exited, days, is_dropped)."""
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'; attach ':memory:' as warehouse")
            connection.execute("attach ':memory:' as salesops; create schema salesops.marts")
            connection.execute("create schema warehouse.intermediate")
            for name, sql in {**GIVEN, **self.statements}.items():
                connection.execute(f"create table {self.relations[name]} as {sql}")
            return connection.execute(f"from {self.relations['mart_bottlenecks']}").df()


GIVEN = {
    "fct_stage_visits": """
        select 'crm' as source_instance, null::varchar as pipeline, stage,
            1::bigint as stage_order, team, 'open' as status, false as is_skipped,
            true as is_entry_known, null::varchar as removal,
            entered as entered_at, exited as exited_at, exited::date as exited_on,
            cast(case when not isnan(days) then days end as decimal(38, 6)) as days,
            10::decimal(38, 6) as amount_native, 10::decimal(38, 6) as amount,
            case when is_dropped then 'lost' else 'advanced' end as ended_as
        from stays""",
    "int_pipeline_months": """
        select distinct date_trunc('month', entered_at)::date as month_start
        from salesops.marts.fct_stage_visits""",
    "int_open_stays__month_end": """
        select null::date as month_start, '' as source_instance, '' as pipeline, '' as stage,
            '' as team, 0 as amount, false as is_without_rate, 0.0 as age_days where false""",
}


@pytest.fixture(scope="module")
def compiled(published: Publish) -> Compiled:
    """The models as the edge cases' run has compiled them."""
    edge_cases = published("edge_cases")
    compiled = (edge_cases.folder / "dbt" / "target" / "compiled").rglob("*.sql")
    statements = {path.stem: path.read_text(encoding="utf-8") for path in compiled}
    manifest = Dbt.of(load_company(edge_cases.company)).manifest()
    nodes = {node["name"]: node for node in manifest["nodes"].values()}
    return Compiled(
        {name: statements[name] for name in MODELS},
        {name: nodes[name]["relation_name"] for name in (*GIVEN, *MODELS)},
    )


UNCHANGED = {
    "skewed": lambda seed: simulated(seed, skewed),
    "exponential": lambda seed: simulated(seed, exponential),
    "in whole days": lambda seed: simulated(seed, skewed, is_rounded=True),
    "more in some months": lambda seed: simulated(seed, exponential, season=0.5),
}


@pytest.mark.parametrize("stays", UNCHANGED.values(), ids=UNCHANGED.keys())
def test_where_nothing_has_changed_one_period_in_twenty_calls_a_bottleneck(
    compiled: Compiled, stays: Callable[[int], pd.DataFrame]
) -> None:
    """Of the company's stages, and, apart from these, of its teams'; months and quarters alike."""
    found = pd.concat(
        compiled.bottlenecks(stays(seed)).dropna(subset=["is_bottleneck"]).assign(seed=seed)
        for seed in range(4)
    )
    is_team = (found["team"] != "all").rename("is_team")
    periods = ["seed", "period_grain", "period_start", is_team]
    called = found.groupby(periods)["is_bottleneck"].any().astype(bool)
    assert len(called) > 200
    assert called.mean() <= most_by_chance(0.05, len(called))


def test_a_verdict_needs_ten_stays_on_both_sides(compiled: Compiled) -> None:
    rows = compiled.bottlenecks(simulated(5, skewed))
    slow = (rows["stays_ended"] >= 10) & (rows["usual_stays_ended"] >= 10)
    stalling = (rows["stays_due"] >= 10) & (rows["usual_stays_due"] >= 10)
    assert (rows["is_slow"].notna() == slow).all()
    assert (rows["is_dropping"].notna() == slow).all()
    assert (rows["is_stalling"].notna() == stalling & rows["usual_median_days"].notna()).all()
    assert (rows["is_bottleneck"].notna() == slow | rows["is_stalling"].notna()).all()
    assert 0 < slow.sum() < len(rows)


def test_the_medians_interval_covers_it_19_times_of_20(compiled: Compiled) -> None:
    stays = simulated(6, skewed)
    truth = stays.groupby("stage")["median"].first()
    rows = compiled.bottlenecks(stays).dropna(subset=["median_days_low"])
    rows = rows[(rows["period_start"] >= "2024-01-01") & (rows["period_grain"] == "month")]
    median = rows["stage"].map(truth)
    missed = (median < rows["median_days_low"]) | (median > rows["median_days_high"])
    assert len(rows) > 500
    assert missed.mean() <= most_by_chance(0.05, len(rows))


def test_stays_that_take_twice_as_long_are_found(compiled: Compiled) -> None:
    rows = compiled.bottlenecks(simulated(7, skewed, slower=2))
    quarters = rows[rows["period_grain"] == "quarter"]
    last = quarters[quarters["period_start"] == quarters["period_start"].max()]
    enough = last[last["stays_ended"] >= 60]
    assert len(enough) >= 20
    assert enough["is_bottleneck"].astype(bool).mean() > 0.9

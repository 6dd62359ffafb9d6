"""What the world gave its people is found, and what it did not give is not told.

Companies of several seeds are simulated, and the models' own SQL runs over their tables, as of the
ends of several quarters. The simulated world says who lacks which skill, who answers late, which
stage became a bottleneck, and who was trained. The table of what was found is printed (`-s`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import to_moment
from ingestion.sandbox.world.people import REP
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import NULL_DAY, STAGE_LABELS
from tests.compiled_models import CompiledModels
from tests.people.simulated import DAY, Company
from tests.thorough import IS_THOROUGH

SEEDS = range(1, 21) if IS_THOROUGH else range(1, 3)
MOMENTS = [
    dt.datetime(year, month, day, 12)
    for year, month, day in [
        *[(2024, 6, 30), (2024, 9, 30), (2024, 12, 31), (2025, 3, 31)],
        *[(2025, 6, 30), (2025, 9, 30), (2025, 12, 31)],
    ]
][:: 1 if IS_THOROUGH else 6]
GAPS = ("int_led_visits", "int_skill_visits", "int_skill_comparisons", "int_skill_tests")
MODELS = {
    "skills": (*GAPS, "int_skill_lengths", "mart_skill_gaps"),
    "answers": ("mart_response_times",),
    "training": ("int_led_visits", "int_training_visits", "mart_training_effect"),
    "bottlenecks": (
        *("int_stage_durations", "int_stage_periods", "int_stage_stalls", "mart_bottlenecks"),
    ),
}
LEVEL = 0.05
ENOUGH_POWER = 0.8
SIZES = [10, 25, 50, 100, 200, np.inf]


@pytest.fixture(scope="module")
def compiled() -> CompiledModels:
    """The models as they are built for a company, in UTC."""
    return CompiledModels.of(load_company(PROJECT / "tests/companies/closing/company.yml"))


@pytest.fixture(scope="module")
def looked_at(compiled: CompiledModels) -> pd.DataFrame:
    """All that was tested: `kind, seed, moment, n, is_given, power, is_told`."""
    found = []
    for seed in SEEDS:
        company = Company(World.create(seed))
        for moment in MOMENTS:
            for kind, frame in _told(company, compiled, moment):
                found.append(frame.assign(kind=kind, seed=seed, moment=moment))
        for kind, frame in _told_at_the_end(company, compiled):
            found.append(frame.assign(kind=kind, seed=seed))
    frame = pd.concat(found, ignore_index=True)
    print("\n" + table(frame).to_string(index=False))
    return frame


def _told(
    company: Company, compiled: CompiledModels, moment: dt.datetime
) -> Iterator[tuple[str, pd.DataFrame]]:
    models = [f"model.salesops.{it}" for kind in ("skills", "answers") for it in MODELS[kind]]
    with company.build(compiled, models, moment) as built:
        gaps = built.execute("from people.mart_skill_gaps").df()
        answers = built.execute("from people.mart_response_times").df()
    yield "weak skill", _weak_skills(company, gaps, moment)
    slow = gaps[gaps["is_slow"].notna()]
    yield "slow visits", _rows(slow["n_timed"], np.zeros(len(slow), bool), np.nan, slow["is_slow"])
    yield "late answers", _late_answers(company, answers)


def _told_at_the_end(
    company: Company, compiled: CompiledModels
) -> Iterator[tuple[str, pd.DataFrame]]:
    end = company.world.now.replace(tzinfo=None)
    models = [f"model.salesops.{it}" for kind in ("training", "bottlenecks") for it in MODELS[kind]]
    with company.build(compiled, models, end) as built:
        reps = built.execute("from intermediate.int_training_visits").df()
        courses = built.execute("from marts.mart_training_effect").df()
        stages = built.execute("from marts.mart_bottlenecks where team = 'all'").df()
    yield "trained", _trained(company, reps)
    yield "courses", courses.assign(n=courses["n_after"], is_told=courses["verdict"] != "undecidable")
    yield from _bottlenecks(company, stages)


def _rows(n: object, is_given: object, power: object, is_told: object) -> pd.DataFrame:
    return pd.DataFrame({"n": n, "is_given": is_given, "power": power, "is_told": is_told})


def _numbers(rep_id: pd.Series) -> np.ndarray:
    return rep_id.astype(np.int64).to_numpy() - FIRST_ID["users"]


def _trained_at(company: Company) -> np.ndarray:
    """When each user completed the course of the skill that they lack."""
    users, taken = company.world.state["users"], company.world.state["training"]
    at = np.full(len(users), np.iinfo(np.int64).max)
    needed = taken["course"] == users["weak_stage"][taken["user_id"]]
    np.minimum.at(at, taken["user_id"][needed], taken["completed_at"][needed])
    return at


def _weak_skills(company: Company, gaps: pd.DataFrame, moment: dt.datetime) -> pd.DataFrame:
    """Every rep and stage that was tested.

    Power is that of the test with its correction, for the odds that the world gave the visits.
    """
    gaps = gaps[gaps["is_gap"].notna()].reset_index(drop=True)
    users, causes = company.world.state["users"], company.world.causes
    rep = _numbers(gaps["rep_id"])
    stage = gaps["stage"].map(STAGE_LABELS.index).to_numpy()
    is_given = users["weak_stage"][rep] == stage
    power = np.full(len(gaps), np.nan)
    visits, trained_at, end = company.visits, _trained_at(company), to_moment(moment)
    for i in np.flatnonzero(is_given):
        row = gaps.loc[i]
        mine = visits[(visits["owner_exited"] == rep[i]) & (visits["stage"] == stage[i])]
        exited = mine["exited"].to_numpy()
        exited = exited[(exited > end - 365 * DAY) & (exited <= end)]
        odds = np.where(
            exited >= trained_at[rep[i]], causes.trained_skill_odds, causes.weak_skill_odds
        )
        usual = row["peer_conversion"]
        share = (odds * usual / (1 - usual + odds * usual)).mean()
        power[i] = _power(
            int(row["n"]), int(row["peer_visits"]), usual, share, LEVEL / len(gaps)
        )
    return _rows(gaps["n"], is_given, power, gaps["is_gap"].astype(bool))


def _power(n: int, others: int, usual: float, share: float, level: float) -> float:
    """The chance that Fisher's test tells of a share of `n` below the usual one of `others`."""
    advanced = np.arange(n + 1)
    successes = advanced + int(others * usual)
    p_value = stats.hypergeom.cdf(advanced, n + others, successes, n)
    told = advanced[p_value < level]
    return float(stats.binom.cdf(told.max(), n, share)) if len(told) else 0.0


def _late_answers(company: Company, answers: pd.DataFrame) -> pd.DataFrame:
    """Everybody whose answers were tested; late are who draws from the slower of two medians."""
    answers = answers[answers["is_slow"].notna()].reset_index(drop=True)
    causes = company.world.causes
    hours = company.world.state["users"]["response_hours"][_numbers(answers["rep_id"])]
    between = np.sqrt(causes.responder_hours * causes.slow_responder_hours)
    n, level = answers["answered"].to_numpy(), LEVEL / len(answers)
    needed = stats.binom.isf(level, n, 0.5) + 1
    share = stats.norm.sf(np.log(2 * answers["peer_median_hours"] / hours) / 1.1)
    power = stats.binom.sf(needed - 1, n, share)
    return _rows(n, hours > between, power, answers["is_slow"].astype(bool))


def _trained(company: Company, reps: pd.DataFrame) -> pd.DataFrame:
    """The courses of those who lacked the skill, together: by how much they came to advance more."""
    users = company.world.state["users"]
    rep, stage = _numbers(reps["rep_id"]), reps["skill"].map(STAGE_LABELS.index).to_numpy()
    needed = reps[(users["weak_stage"][rep] == stage) & reps["weight"].notna().to_numpy()]
    rise = needed["conversion_after"] - needed["conversion_before"]
    usual = needed["other_conversion_after"] - needed["other_conversion_before"]
    effect = np.average(rise - usual, weights=needed["weight"])
    return pd.DataFrame({"n": [needed["n_after"].sum()], "reps": len(needed), "effect": effect})


def _bottlenecks(company: Company, stages: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The company's stages by period; a bad quarter, in which all of them drop more, is left out."""
    causes = company.world.causes
    start = pd.Timestamp(causes.bottleneck_from)
    stages = stages[stages["is_bottleneck"].notna()]
    quarter = stages["period_start"].dt.to_period("Q")
    stages = stages[quarter != pd.Period(causes.bad_quarter, "Q")].reset_index(drop=True)
    is_given = (stages["stage"] == causes.bottleneck_stage) & (stages["period_start"] >= start)
    power = np.full(len(stages), np.nan)
    for i in np.flatnonzero(is_given):
        power[i] = _power_of_ranks(company, stages.loc[i])
    rows = _rows(
        stages["stays_ended"], is_given, power, stages["is_bottleneck"].astype(bool)
    ).assign(moment=stages["period_start"])
    for grain, of_grain in rows.groupby(stages["period_grain"]):
        yield f"bottleneck ({grain})", of_grain


def _power_of_ranks(company: Company, row: pd.Series) -> float:
    """The chance that the rank-sum test tells of exponential stays that are so many times as long.

    Of the year before, the visits that began after the change are as long.
    """
    factor, n, m = company.world.causes.bottleneck_factor, row["stays_ended"], row["usual_stays_ended"]
    start, began = row["period_start"], pd.Timestamp(company.world.causes.bottleneck_from)
    longer_now = np.clip((start - began) / pd.Timedelta(days=30), 0, 1)
    longer_then = np.clip((start - began) / pd.Timedelta(days=365), 0, 1)
    beyond = factor / (1 + factor) - 0.5
    above = beyond * (longer_now * (1 - longer_then) - (1 - longer_now) * longer_then)
    z = above * np.sqrt(12 * n * m / (n + m + 1))
    return float(stats.norm.sf(2.326348 - z))


def table(looked_at: pd.DataFrame) -> pd.DataFrame:
    """By kind and sample: what the world gave, what of it could be found, was, and what is false."""
    tested = looked_at[looked_at["is_given"].notna()]
    given, told = tested["is_given"].astype(bool), tested["is_told"].astype(bool)
    likely = given & (tested["power"] >= ENOUGH_POWER)
    size = pd.cut(tested["n"], SIZES, right=False).astype(str)
    counted = pd.DataFrame(
        {
            "kind": tested["kind"],
            "sample": size,
            "given": given,
            "with power": likely,
            "found": likely & told,
            "missed": likely & ~told,
            "found beside": given & ~likely & told,
            "not given": ~given,
            "false": ~given & told,
        }
    )
    order = counted["sample"].map({str(it): i for i, it in enumerate(pd.cut(SIZES[:-1], SIZES, right=False))})
    return counted.assign(order=order).groupby(["kind", "order", "sample"]).sum().reset_index().drop(columns="order")


def _share_of_families_with_false_alarms(rows: pd.DataFrame) -> float:
    false = ~rows["is_given"].astype(bool) & rows["is_told"].astype(bool)
    return float(false.groupby([rows["seed"], rows["moment"]]).any().mean())


KINDS = ["weak skill", "late answers", "bottleneck (quarter)"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_world_gave_is_found_where_it_can_be(looked_at: pd.DataFrame, kind: str) -> None:
    rows = looked_at[(looked_at["kind"] == kind) & (looked_at["power"] >= ENOUGH_POWER)]
    assert len(rows) >= len(SEEDS)
    assert rows["is_told"].astype(bool).mean() >= 0.8


def test_x(looked_at):
    for kind, rows in looked_at[looked_at["is_given"].notna()].groupby("kind"):
        f = ~rows["is_given"].astype(bool) & rows["is_told"].astype(bool)
        print(kind, _share_of_families_with_false_alarms(rows), f.sum(), (~rows.is_given.astype(bool)).sum())
    print(looked_at[looked_at.kind=="trained"][["seed","n","reps","effect"]])
    c=looked_at[looked_at.kind=="courses"]; print(c[["seed","course","reps","effect","low","high","verdict"]].to_string())

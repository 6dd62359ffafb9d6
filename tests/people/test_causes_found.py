"""What the world gave its people is found, and what it did not give is not told.

Companies of several seeds are simulated, and the models' own SQL runs over their tables, as of the
ends of several quarters. The simulated world says who lacks which skill, who answers late, which
stage became a bottleneck, and who was trained. The table of what was found is printed (`-s`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import to_moment
from ingestion.sandbox.world.causes import Causes
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import STAGE_LABELS
from tests.compiled_models import CompiledModels
from tests.people.simulated import DAY, Company
from tests.thorough import IS_THOROUGH

SEEDS = range(1, 21) if IS_THOROUGH else range(1, 2)
CAUSES = Causes() if IS_THOROUGH else Causes(weak_skill_share=0.5, weak_skill_odds=0.2)
"""Of one company alone there is enough to find only where more is lacking."""
EVEN_PACE = replace(CAUSES, quarter_end_pace=0.9)
"""Deals that move as fast at the end of a quarter as before it: else its months do differ."""
MOMENTS = [dt.datetime(year, 12, 31, 12) for year in (2023, 2024, 2025)]
"""A year apart, so that no visit is in two families."""
GAPS = (
    *("int_led_visits", "int_skill_visits", "int_skill_comparisons", "int_skill_tests"),
    *("int_skill_lengths", "mart_skill_gaps"),
)
COURSES = ("int_led_visits", "int_training_visits", "mart_training_effect")
STAGES = (
    *("int_stage_durations", "int_stage_periods", "int_stage_stalls", "int_stage_signs"),
    "mart_bottlenecks",
)
LEVEL = 0.05
ENOUGH_POWER = 0.8
SIZES = [0, 25, 50, 100, 200, np.inf]
SAMPLES = ["under 25", "25 to 49", "50 to 99", "100 to 199", "200 and more"]
BOTTLENECKS = ["bottleneck (quarter)", "bottleneck (month)"]


@pytest.fixture(scope="module")
def compiled() -> CompiledModels:
    """The models as they are built for a company, in UTC."""
    return CompiledModels.of(load_company(PROJECT / "tests/companies/closing/company.yml"))


@pytest.fixture(scope="module")
def looked_at(compiled: CompiledModels) -> pd.DataFrame:
    """All that was tested: `kind, seed, moment, n, is_given, power, is_told`."""
    found = pd.concat([of_seed(seed, compiled) for seed in SEEDS], ignore_index=True)
    found = with_power(found)
    print("\n" + table(found).to_string(index=False))
    print("\n" + found_with_power(found).to_string())
    print("\n" + false_alarms(found).to_string())
    print("\n" + trained(found).to_string())
    effects = trained(found)["effect"]
    print(f"\neffect above 0: {(effects > 0).sum()} of {len(effects)}")
    return found


def of_seed(seed: int, compiled: CompiledModels) -> pd.DataFrame:
    """What was tested in the company of one seed."""
    company = Company(World.create(seed, causes=CAUSES))
    found = [
        frame.assign(kind=kind, moment=moment)
        for moment in MOMENTS
        for kind, frame in _of_reps(company, compiled, moment)
    ]
    found += [frame.assign(kind=kind) for kind, frame in _of_courses(company, compiled)]
    found.append(_of_stages(company, compiled, "quarter"))
    found.append(_of_stages(Company(World.create(seed, causes=EVEN_PACE)), compiled, "month"))
    return pd.concat(found, ignore_index=True).assign(seed=seed)


def _of_reps(
    company: Company, compiled: CompiledModels, moment: dt.datetime
) -> Iterator[tuple[str, pd.DataFrame]]:
    built = company.build(compiled, (*GAPS, "mart_response_times"), moment)
    gaps = built.execute("from people.mart_skill_gaps").df()
    answers = built.execute("from people.mart_response_times").df()
    yield "weak skill", _weak_skills(company, gaps, moment)
    yield "late answers", _late_answers(company, answers)
    slow = gaps[gaps["is_slow"].notna()]
    yield "slow visits", _rows(slow["n_timed"], False, np.nan, slow["is_slow"].astype(bool))


def _of_courses(company: Company, compiled: CompiledModels) -> Iterator[tuple[str, pd.DataFrame]]:
    built = company.build(compiled, COURSES, company.now)
    reps = built.execute("from intermediate.int_training_visits").df()
    courses = built.execute("from marts.mart_training_effect").df()
    yield "trained", _trained(company, reps)
    yield "course", courses[["course", "takers", "reps", "n_after", "effect", "verdict"]]


def _of_stages(company: Company, compiled: CompiledModels, grain: str) -> pd.DataFrame:
    built = company.build(compiled, STAGES, company.now)
    stages = built.execute(
        "from marts.mart_bottlenecks where team = 'all' and period_grain = $1", [grain]
    ).df()
    return _bottlenecks(company, stages).assign(kind=f"bottleneck ({grain})")


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
    """Every rep and stage that was tested, and what the test's power depends on."""
    gaps = gaps[gaps["is_gap"].notna()].reset_index(drop=True)
    rep = _numbers(gaps["rep_id"])
    stage = gaps["stage"].map(STAGE_LABELS.index).to_numpy()
    is_given = company.world.state["users"]["weak_stage"][rep] == stage
    untrained = np.full(len(gaps), np.nan)
    visits, trained_at, end = company.visits, _trained_at(company), to_moment(moment)
    for i in np.flatnonzero(is_given):
        mine = visits[(visits["owner_exited"] == rep[i]) & (visits["stage"] == stage[i])]
        exited = mine["exited"].to_numpy()
        exited = exited[(exited > end - 365 * DAY) & (exited <= end)]
        untrained[i] = (exited < trained_at[rep[i]]).mean()
    rows = _rows(gaps["n"], is_given, np.nan, gaps["is_gap"].astype(bool))
    names = ["advanced", "peer_visits", "peer_conversion"]
    return rows.assign(**gaps[names], untrained=untrained, level=LEVEL / len(gaps))


def with_power(looked_at: pd.DataFrame) -> pd.DataFrame:
    """The same, with the power to find each weak skill, by Fisher's test with its correction.

    The odds are those that all who lack a skill, trained or not, have beside their peers: in one
    share of good and bad quarters they are a little nearer to 1 than the world gave them.
    """
    weak = looked_at[(looked_at["kind"] == "weak skill") & looked_at["is_given"].eq(True)]
    expected = pd.Series(0.0, weak.index)
    for part in (weak["untrained"], 1 - weak["untrained"]):
        expected += part * _shares(_odds_beside_peers(weak[part == 1]), weak["peer_conversion"])
    power = [
        _power(int(row.n), int(row.peer_visits), row.peer_conversion, share, row.level)
        for row, share in zip(weak.itertuples(), expected, strict=True)
    ]
    return looked_at.assign(power=looked_at["power"].fillna(pd.Series(power, weak.index)))


def _odds_beside_peers(rows: pd.DataFrame) -> float:
    """The odds ratio by which as many visits would be expected to advance as did."""

    def too_many(odds: float) -> float:
        return float((rows["n"] * _shares(odds, rows["peer_conversion"]) - rows["advanced"]).sum())

    return float(optimize.brentq(too_many, 0.01, 10))


def _shares(odds: float, usual: pd.Series) -> pd.Series:
    return odds * usual / (1 - usual + odds * usual)


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
    """By how much those who lacked a skill, and took its course, came to advance more deals."""
    users = company.world.state["users"]
    rep, stage = _numbers(reps["rep_id"]), reps["skill"].map(STAGE_LABELS.index).to_numpy()
    needed = reps[(users["weak_stage"][rep] == stage) & reps["weight"].notna().to_numpy()]
    rise = needed["conversion_after"] - needed["conversion_before"]
    usual = needed["other_conversion_after"] - needed["other_conversion_before"]
    effect = np.average(rise - usual, weights=needed["weight"])
    return pd.DataFrame({"n": [needed["n_after"].sum()], "reps": len(needed), "effect": effect})


def _bottlenecks(company: Company, stages: pd.DataFrame) -> pd.DataFrame:
    """The company's stages by period, but for a bad quarter, in which all of them drop more.

    The quarter in the midst of which a stage became slower says neither the one nor the other.
    """
    causes = company.world.causes
    start = pd.Timestamp(causes.bottleneck_from)
    stages = stages[stages["is_bottleneck"].notna()]
    quarter = stages["period_start"].dt.to_period("Q")
    is_bad = quarter == pd.Period(causes.bad_quarter, "Q")
    is_half = (
        (stages["stage"] == causes.bottleneck_stage)
        & (stages["period_grain"] == "quarter")
        & (stages["period_start"] < start)
        & (quarter == start.to_period("Q"))
    )
    stages = stages[~is_bad & ~is_half].reset_index(drop=True)
    is_given = (stages["stage"] == causes.bottleneck_stage) & (stages["period_start"] >= start)
    level = LEVEL / (3 * stages.groupby("period_start")["stage"].transform("size"))
    power = np.full(len(stages), np.nan)
    for i in np.flatnonzero(is_given):
        power[i] = _power_of_ranks(company, stages.loc[i], level[i])
    rows = _rows(stages["stays_ended"], is_given, power, stages["is_bottleneck"].astype(bool))
    return rows.assign(moment=stages["period_start"])


def _power_of_ranks(company: Company, row: pd.Series, level: float) -> float:
    """The chance that the rank-sum test tells of exponential stays that are so many times as long.

    Of the year before, the visits that began after the change are as long.
    """
    factor, n, m = (
        company.world.causes.bottleneck_factor,
        row["stays_ended"],
        row["usual_stays_ended"],
    )
    start, began = row["period_start"], pd.Timestamp(company.world.causes.bottleneck_from)
    longer_now = np.clip((start - began) / pd.Timedelta(days=30), 0, 1)
    longer_then = np.clip((start - began) / pd.Timedelta(days=365), 0, 1)
    beyond = factor / (1 + factor) - 0.5
    above = beyond * (longer_now * (1 - longer_then) - (1 - longer_now) * longer_then)
    z = above * np.sqrt(12 * n * m / (n + m + 1))
    return float(stats.norm.sf(stats.norm.isf(level) - z))


def table(looked_at: pd.DataFrame) -> pd.DataFrame:
    """By kind and sample: what the world gave, what of it was likely to be found, and what was."""
    tested = looked_at[looked_at["is_given"].notna()]
    given, told = tested["is_given"].astype(bool), tested["is_told"].astype(bool)
    likely = given & (tested["power"] >= ENOUGH_POWER)
    counted = pd.DataFrame(
        {
            "kind": tested["kind"],
            "sample": pd.cut(tested["n"], SIZES, right=False, labels=SAMPLES),
            "given": given,
            "with power": likely,
            "found": likely & told,
            "missed": likely & ~told,
            "found without": given & ~likely & told,
            "not given": ~given,
            "false": ~given & told,
        }
    )
    return counted.groupby(["kind", "sample"], observed=True).sum().reset_index()


def false_alarms(looked_at: pd.DataFrame) -> pd.DataFrame:
    """By kind: how many of the tests, and of the families of tests, raise a false alarm.

    A test is of a rep and stage, a rep, or a stage; a family all those of a company and moment.
    """
    tested = looked_at[looked_at["is_given"].notna()]
    rows = tested[~tested["is_given"].astype(bool)]
    told = rows["is_told"].astype(bool)
    family = told.groupby([rows["kind"], rows["seed"], rows["moment"]]).any()
    counted = pd.DataFrame(
        {
            "tests": told.groupby(rows["kind"]).size(),
            "false": told.groupby(rows["kind"]).sum(),
            "families": family.groupby("kind").size(),
            "families with one": family.groupby("kind").sum(),
        }
    )
    return counted.assign(
        share_false=counted["false"] / counted["tests"],
        share_of_families=counted["families with one"] / counted["families"],
    )


def found_with_power(looked_at: pd.DataFrame) -> pd.DataFrame:
    """By kind: how many causes a test is likely to find, and how many of these were found."""
    likely = looked_at[looked_at["power"] >= ENOUGH_POWER]
    told = likely["is_told"].astype(bool).groupby(likely["kind"])
    return pd.DataFrame({"with power": told.size(), "found": told.sum(), "share": told.mean()})


def trained(looked_at: pd.DataFrame) -> pd.DataFrame:
    """By seed: the effect of courses on those who lacked the skill."""
    return looked_at[looked_at["kind"] == "trained"][["seed", "n", "reps", "effect"]]


def most_by_chance(share: float, n: int) -> float:
    """The largest share among `n` that an expected one leads to but once in 1,000 times."""
    return share + 3.1 * np.sqrt(share * (1 - share) / n)


@pytest.mark.parametrize("kind", ["weak skill", "late answers", *BOTTLENECKS])
def test_what_the_world_gave_is_found_where_it_can_be(looked_at: pd.DataFrame, kind: str) -> None:
    rows = looked_at[(looked_at["kind"] == kind) & (looked_at["power"] >= ENOUGH_POWER)]
    assert len(rows) >= 3
    assert rows["is_told"].astype(bool).mean() >= 0.8


@pytest.mark.parametrize("kind", ["weak skill", "slow visits", "late answers", *BOTTLENECKS])
def test_one_family_of_tests_in_twenty_raises_a_false_alarm(
    looked_at: pd.DataFrame, kind: str
) -> None:
    alarms = false_alarms(looked_at).loc[kind]
    assert alarms["share_of_families"] <= most_by_chance(LEVEL, alarms["families"])


def test_who_was_trained_in_what_they_lacked_came_to_advance_more(looked_at: pd.DataFrame) -> None:
    effects = trained(looked_at)
    assert (effects["effect"] > 0).mean() >= 0.9


def test_a_course_helps_those_who_had_been_below_others(looked_at: pd.DataFrame) -> None:
    courses = looked_at[looked_at["kind"] == "course"]
    below = courses[(courses["takers"] == "below others") & courses["effect"].notna()]
    assert np.average(below["effect"].astype(float), weights=below["n_after"]) > 0.03
    assert (courses["verdict"] == "harmed").mean() <= LEVEL

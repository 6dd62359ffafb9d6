"""Quotas of the truth, worked by hand: whose quota holds on which days, and who answers for it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

import pandas as pd
import pytest

from ingestion.sandbox.world.calendar import START
from tests.truth.kpis import truth
from tests.truth.little_world import LittleWorld, moment

NORTH, SOUTH = 0, 1
FEBRUARY, MARCH = date(2023, 2, 1), date(2023, 3, 1)


@pytest.fixture
def little() -> LittleWorld:
    """Two reps: the first is in the first team, the second in the other."""
    little = LittleWorld("2023-04-01")
    first, second = little.reps[:2]
    for rep, team in ((first, NORTH), (second, SOUTH)):
        little.change("users", int(rep), "2023-01-01 09:00", "team_number", team)
    return little


def win(little: LittleWorld, rep: int, at: str, amount: int) -> None:
    """A deal that a rep wins at a moment."""
    deal = little.deal("2023-01-02 09:00", at[:10], amount, int(little.reps[rep]))
    little.close(deal, at, "Closed Won")


def attainment(
    little: LittleWorld,
    cut: str = "company",
    grain: str = "month",
    variant: str = "default",
    loads: Sequence[datetime] = (),
) -> pd.DataFrame:
    """quota_attainment of a cut: value, counts and sums by period and key."""
    settings = {"timezone": "UTC", "fiscal_year_start_month": 1, "currency": "USD"}
    table = truth(little.world, **settings, loads=loads, has_finance=False)  # type: ignore[arg-type]
    rows = table[
        (table["metric"] == "quota_attainment") & (table["variant"] == variant)
        & (table["dimension"] == cut) & (table["period_grain"] == grain)
    ]  # fmt: skip
    return rows.set_index(["period_start", "dimension_key"])


def test_a_teams_own_quota_goes_beside_the_reps_of_other_teams(little: LittleWorld) -> None:
    little.quota("2023-02-01", "month", 3_000, owner=little.reps[0])
    little.quota("2023-02-01", "month", 6_000, team=SOUTH)
    win(little, 0, "2023-02-10 10:00", 3_000)
    company = attainment(little).loc[(FEBRUARY, "all")]
    assert company["value"] == pytest.approx(1 / 3)
    assert company["n_included"] == 2, "the rep, and the quota that nobody is behind"
    teams = attainment(little, "team").loc[FEBRUARY]["value"].sort_values()
    assert teams.tolist() == pytest.approx([0, 1])


def test_a_team_answers_for_reps_without_a_quota(little: LittleWorld) -> None:
    little.quota("2023-02-01", "month", 6_000, team=SOUTH)
    win(little, 0, "2023-02-10 10:00", 3_000)
    win(little, 1, "2023-02-10 10:00", 1_500)
    company = attainment(little).loc[(FEBRUARY, "all")]
    assert company[["numerator", "denominator"]].tolist() == [1_500, 6_000]
    assert company[["n_included", "n_excluded"]].tolist() == [1, 1]
    reps = attainment(little, "rep").loc[FEBRUARY]
    assert reps["value"].isna().all()
    assert reps["n_excluded"].tolist() == [1, 1]


def test_the_companys_own_quota_holds_for_everybody(little: LittleWorld) -> None:
    little.quota("2023-02-01", "month", 10_000)
    little.quota("2023-02-01", "month", 6_000, team=SOUTH)
    win(little, 0, "2023-02-10 10:00", 3_000)
    win(little, 1, "2023-02-10 10:00", 1_500)
    assert attainment(little).loc[(FEBRUARY, "all"), "value"] == pytest.approx(0.45)


def test_what_was_won_counts_in_the_months_with_a_quota(little: LittleWorld) -> None:
    little.quota("2023-02-01", "month", 3_000, owner=little.reps[0])
    win(little, 0, "2023-02-10 10:00", 3_000)
    win(little, 0, "2023-03-10 10:00", 9_000)
    assert attainment(little, grain="all")["value"].tolist() == pytest.approx([1])
    assert attainment(little).loc[(MARCH, "all"), "n_excluded"] == 1
    assert attainment(little, grain="quarter")["n_excluded"].tolist() == [0]


def test_part_of_a_month_asks_for_its_days_and_the_quarter_for_the_others(
    little: LittleWorld,
) -> None:
    little.quota("2023-01-01", "quarter", 90_000, owner=little.reps[0])
    little.quota("2023-02-15", "month", 2_800, owner=little.reps[0])
    asked = attainment(little)["denominator"].droplevel(1)
    assert asked.loc[FEBRUARY] == pytest.approx(14 * 1_000 + 14 * 100)
    assert asked.loc[MARCH] == pytest.approx(17 * 1_000 + 14 * 100)


def test_activities_have_quotas_too(little: LittleWorld) -> None:
    little.quota("2023-02-01", "month", 4, owner=little.reps[0], measure="activities")
    at = [moment("2023-02-03 10:00"), moment("2023-02-28 10:00"), moment("2023-03-03 10:00")]
    little.state.create(
        "activities", 3, at, type=0, direction=1, occurred_at=at, owner_id=little.reps[0]
    )
    company = attainment(little, variant="activities").loc[(FEBRUARY, "all")]
    assert company[["numerator", "denominator"]].tolist() == [2, 4]


@pytest.mark.parametrize("loads", [("2023-04-01",), ("2023-02-20", "2023-04-01")])
def test_wins_are_of_the_team_that_loaded_versions_tell(
    little: LittleWorld, loads: tuple[str, ...]
) -> None:
    little.quota("2023-02-01", "month", 4_000, team=NORTH)
    little.quota("2023-02-01", "month", 4_000, team=SOUTH)
    win(little, 0, "2023-02-10 10:00", 1_000)
    little.change("users", int(little.reps[0]), "2023-03-01 00:00", "team_number", SOUTH)
    found = attainment(little, "team", loads=[datetime.fromisoformat(load) for load in loads])
    won = found.loc[FEBRUARY]["numerator"]
    names = little.history().team_labels
    codes = little.history().team_codes
    known_then = NORTH if len(loads) > 1 else SOUTH
    assert won[won > 0].index.tolist() == [names[codes[known_then]]]


def test_little_worlds_begin_when_the_company_does(little: LittleWorld) -> None:
    assert START <= FEBRUARY

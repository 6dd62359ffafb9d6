"""Activity metrics of the truth, worked by hand: who answered when, on which days of work."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pandas as pd
import pytest

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import HOUR
from ingestion.sandbox.world.schema import ACTIVITY_TYPES, DIRECTIONS
from tests.truth.calendar import Office
from tests.truth.kpis import truth
from tests.truth.little_world import LittleWorld, day, moment

SETTINGS = {"timezone": "Europe/Berlin", "fiscal_year_start_month": 1, "currency": "USD"}
EARLY_CLOSERS = Office((0, 1, 2, 3), 8 * HOUR, 14 * HOUR, frozenset({day("2023-04-10")}))


@pytest.fixture
def little() -> LittleWorld:
    return LittleWorld("2023-06-01")


def act(little: LittleWorld, at: str, direction: str = "out", **links: int) -> None:
    """An activity that happened, a call of the first rep unless it is said."""
    kind = ACTIVITY_TYPES.index(links.pop("type", "call"))  # type: ignore[arg-type]
    links = {"owner_id": int(little.reps[0])} | links
    little.state.create(
        "activities", 1, moment(at), type=kind, direction=DIRECTIONS.index(direction),
        occurred_at=moment(at), **links,
    )  # fmt: skip


def lead(little: LittleWorld, created: str, answered: str | None = None) -> int:
    """A lead of the first rep."""
    at = moment(created)
    row = int(little.state.create("leads", 1, at, created_at=at, owner_id=little.reps[0])[0])
    if answered:
        little.change("leads", row, answered, "first_response_at", moment(answered))
    return row


def now(
    little: LittleWorld, metric: str, variant: str = "default", **settings: object
) -> pd.Series:
    """The company's cell of all time."""
    return cells(little, metric, variant, "company", "all", **settings).squeeze()


def cells(
    little: LittleWorld, metric: str, variant: str, cut: str, grain: str, **settings: object
) -> pd.DataFrame:
    of_deals = SETTINGS | {"has_finance": False} | settings
    table = truth(little.world, **of_deals)  # type: ignore[arg-type]
    return table[
        (table["metric"] == metric) & (table["variant"] == variant)
        & (table["dimension"] == cut) & (table["period_grain"] == grain)
    ]  # fmt: skip


@pytest.mark.parametrize("link", ["contact_id", "opportunity_id", "account_id", "lead_id"])
def test_an_inquiry_is_answered_by_the_next_to_the_same(little: LittleWorld, link: str) -> None:
    for _ in range(2):
        little.deal("2023-03-01 09:00", "2023-09-01")
        lead(little, "2023-03-01 09:00")
    act(little, "2023-03-06 09:00", "in", **{link: 0})
    act(little, "2023-03-06 09:00", **{link: 0})
    act(little, "2023-03-06 11:00", **{link: 1})
    act(little, "2023-03-06 12:00", "in", **{link: 0})
    act(little, "2023-03-06 13:30", **{link: 0})
    found = now(little, "inquiry_response_hours")
    assert (found["numerator"], found["denominator"]) == (4.5 + 1.5, 2)
    assert now(little, "inquiry_response_hours", "median")["value"] == 3


def test_an_activity_is_of_the_account_of_its_deal_or_contact(little: LittleWorld) -> None:
    deals = [little.deal("2023-03-01 09:00", "2023-09-01") for _ in range(3)]
    contacts = little.state["contacts"]
    buyer = 0
    account = int(contacts["account_id"][buyer])
    other = int(np.flatnonzero(contacts["account_id"] != account)[0])
    for deal in deals[:2]:
        little.state["opportunities"]["account_id"][deal] = account
    act(little, "2023-03-06 09:00", "in", opportunity_id=deals[0])
    act(little, "2023-03-06 10:00", contact_id=other)
    act(little, "2023-03-06 11:00", opportunity_id=deals[2])
    act(little, "2023-03-06 12:00", opportunity_id=deals[0], account_id=account + 1)
    act(little, "2023-03-06 09:30", "in", contact_id=other)
    act(little, "2023-03-07 09:00", "in", contact_id=buyer)
    act(little, "2023-03-07 12:00", opportunity_id=deals[1])
    found = now(little, "inquiry_response_hours")
    assert (found["numerator"], found["denominator"]) == (3 + 0.5 + 3, 3)


def test_inquiries_of_the_last_day_are_not_due(little: LittleWorld) -> None:
    act(little, "2023-05-30 12:00", "in", contact_id=0)
    act(little, "2023-05-31 00:00", "in", contact_id=1)
    act(little, "2023-05-31 00:00:01", "in", contact_id=2)
    act(little, "2023-05-29 12:00", "in", contact_id=3)
    act(little, "2023-05-30 12:00", contact_id=3)
    within, never = (
        now(little, "inquiry_response_hours", name) for name in ("within_24h", "never")
    )
    assert (within["numerator"], within["denominator"], within["n_excluded"]) == (1, 3, 1)
    assert (never["numerator"], never["denominator"], never["n_excluded"]) == (2, 3, 1)


def test_notes_and_tasks_ask_nothing_nor_does_what_is_about_nobody(little: LittleWorld) -> None:
    act(little, "2023-03-06 09:00", "in", contact_id=0, type="note")  # type: ignore[arg-type]
    act(little, "2023-03-06 09:00", "in", contact_id=0, type="task")  # type: ignore[arg-type]
    act(little, "2023-03-06 09:00", "in")
    act(little, "2023-03-06 10:00", contact_id=0)
    assert now(little, "inquiry_response_hours", "never").empty


def test_hours_from_or_to_a_bare_day_are_not_known(little: LittleWorld) -> None:
    """Midnight in Berlin is 23:00 in UTC."""
    lead(little, "2023-03-05 23:00", "2023-03-06 09:00")
    lead(little, "2023-03-06 09:00", "2023-03-06 23:00")
    lead(little, "2023-03-06 09:00", "2023-03-06 12:00")
    lead(little, "2023-03-05 23:00")
    for variant, excluded in (("default", 2), ("within_24h", 3), ("business_hours", 2)):
        found = now(little, "lead_response_hours", variant)
        assert (found["n_included"], found["n_excluded"]) == (1, excluded)
    assert now(little, "lead_response_hours", "never")["denominator"] == 4


def test_answered_before_it_was_created(little: LittleWorld) -> None:
    first = lead(little, "2023-03-06 09:00")
    act(little, "2023-03-06 08:00", lead_id=first)
    lead(little, "2023-03-06 09:00")
    found = now(little, "lead_response_hours")
    assert (found["n_included"], found["n_excluded"]) == (0, 1)
    assert np.isnan(found["value"])
    for variant in ("within_1h", "within_24h", "never"):
        assert now(little, "lead_response_hours", variant)["value"] == 0.5


@pytest.mark.parametrize(
    ("created", "answered", "hours"),
    [
        ("2023-03-06 09:30", "2023-03-06 11:00", 1.5),  # Monday, 10:30 to noon
        ("2023-03-03 15:00", "2023-03-06 08:30", 1.5),  # Friday 16:00 to Monday 9:30
        ("2023-03-24 15:00", "2023-03-27 07:30", 1.5),  # the clocks go forward on the Sunday
        ("2023-03-04 10:00", "2023-03-05 20:00", 0),  # Saturday to Sunday evening
        ("2023-03-06 18:00", "2023-03-07 07:00", 0),  # one evening and night
        ("2023-03-06 05:00", "2023-03-07 18:00", 16),  # two whole days
    ],
)  # fmt: skip
def test_working_hours(little: LittleWorld, created: str, answered: str, hours: float) -> None:
    lead(little, created, answered)
    assert now(little, "lead_response_hours", "business_hours")["value"] == hours


def test_working_hours_of_a_company_that_works_otherwise(little: LittleWorld) -> None:
    """From Thursday noon over Easter Monday to Tuesday, 9:00: an hour of both, and two."""
    lead(little, "2023-04-06 10:00", "2023-04-11 07:00")
    found = now(little, "lead_response_hours", "business_hours", office=EARLY_CLOSERS)
    assert found["value"] == 2 + 1


def test_gaps_on_merged_deals_are_their_survivors(little: LittleWorld) -> None:
    merged, kept = (little.deal("2023-03-01 09:00", "2023-09-01") for _ in range(2))
    act(little, "2023-03-06 09:00", opportunity_id=merged)
    act(little, "2023-03-08 09:00", opportunity_id=kept)
    act(little, "2023-03-12 09:00", opportunity_id=merged)
    little.change("opportunities", merged, "2023-03-20 09:00", "merged_into_id", kept)
    little.close(kept, "2023-04-01 09:00", "Closed Won")
    act(little, "2023-04-03 09:00", opportunity_id=kept)
    found = now(little, "follow_up_gap_days")
    assert (found["numerator"], found["denominator"]) == (2 + 4, 2)
    touches = now(little, "touches_per_won_deal")
    assert (touches["numerator"], touches["n_excluded"]) == (4, 0)


def test_days_between_two_activities_one_of_which_is_a_day(little: LittleWorld) -> None:
    open_deal = little.deal("2023-03-01 09:00", "2023-09-01")
    act(little, "2023-03-06 18:00", opportunity_id=open_deal)
    act(little, "2023-03-07 23:00", opportunity_id=open_deal)
    assert now(little, "follow_up_gap_days")["value"] == 2


def test_rep_days_are_in_the_team_of_the_day(little: LittleWorld) -> None:
    """March 2023 has 23 working days; the rep is the only one in both teams that does something."""
    rep = int(little.reps[0])
    little.change("users", rep, "2023-01-01 09:00", "team_number", 0)
    little.change("users", rep, "2023-03-08 20:00", "team_number", 1)
    for at in ("2023-03-01 09:00", "2023-03-31 09:00"):
        act(little, at, owner_id=rep)
    loads = [datetime(2023, 2, 1), datetime(2023, 6, 1)]
    parts = {
        cut: cells(little, "activities", "per_rep_day", cut, "month", loads=loads)
        for cut in ("rep", "team", "company")
    }
    march = parts["rep"][parts["rep"]["numerator"] > 0]
    assert list(march["denominator"]) == [23]
    teams = parts["team"][parts["team"]["numerator"] > 0]
    assert list(teams["numerator"]) == [1, 1]
    peers = len(little.reps)
    assert parts["company"]["denominator"].item() == 23 * peers
    assert parts["team"]["denominator"].sum() == 23 * peers
    assert parts["company"]["n_included"].item() == peers
    assert parts["team"]["n_included"].sum() == peers + 1


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    world = World.found(seed=11, scale=0.1)
    world.advance(250)
    return truth(world, **SETTINGS, has_finance=False)  # type: ignore[arg-type]


def of_company(table: pd.DataFrame, metric: str, variant: str = "default") -> pd.DataFrame:
    wanted = (table["metric"] == metric) & (table["variant"] == variant)
    return table[wanted & (table["dimension"] == "company")]


def test_weeks_add_up_and_begin_on_mondays(table: pd.DataFrame) -> None:
    for metric in ("activities", "deals_won", "revenue_won", "pipeline_created"):
        found = of_company(table, metric)
        weeks, whole = (found[found["period_grain"] == grain] for grain in ("week", "all"))
        assert {start.weekday() for start in weeks["period_start"]} == {0}
        assert weeks["value"].sum() == pytest.approx(whole["value"].item())
        assert weeks["n_excluded"].sum() == whole["n_excluded"].item()


def test_types_have_the_days_of_all(table: pd.DataFrame) -> None:
    rows = table[(table["metric"] == "activities") & (table["variant"] == "per_rep_day")]
    for _, cell in rows.groupby(["period_grain", "period_start"], dropna=False):
        whole = cell[cell["dimension"] == "company"]
        types = cell[cell["dimension"] == "activity_type"]
        assert (types["denominator"] == whole["denominator"].item()).all()
        assert types["numerator"].sum() == whole["numerator"].item()
        assert len(types) == len(ACTIVITY_TYPES)


def test_a_week_of_a_rep_has_five_days_at_most(table: pd.DataFrame) -> None:
    rows = table[(table["metric"] == "activities") & (table["variant"] == "per_rep_day")]
    weeks = rows[(rows["dimension"] == "rep") & (rows["period_grain"] == "week")]
    assert weeks["denominator"].between(0, 5).all()
    assert (weeks["denominator"] == 5).any()
    assert max(weeks["period_start"]) <= date(2023, 9, 8)

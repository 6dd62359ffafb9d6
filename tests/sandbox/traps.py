"""What makes records hard to read: how often each trap is in a world, and an evening that has all.

A small company has few people and closes a deal a week. Whether somebody changes teams between two
loads, or a history lags at one, cannot be left to chance.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import DAY, HOUR, Ints, day_of, to_moment
from ingestion.sandbox.world.people import MANAGER, active_reps, region_currency
from ingestion.sandbox.world.quotas import MONTH, REVENUE
from ingestion.sandbox.world.schema import (
    ACTIVITY_TYPES,
    DIRECTIONS,
    LOST,
    NONE,
    NULL,
    NULL_DAY,
    POST_SALE,
    RELABELLED,
    STAGE_OPEN,
    STAGE_WON,
)
from ingestion.sandbox.world.store import State
from tests.sandbox.ads_traps import ads_traps, upset_ads
from tests.sandbox.money_traps import money_traps, upset_money

MINUTE = 60_000_000
LAG_DAYS = 2
ASKED = 5_000_00


def traps(world: World, first_load: datetime) -> dict[str, int]:
    """How often each trap is in the world now, for a company that was first loaded at a moment."""
    state = world.state
    return {
        **_closings(state),
        **_stages(state),
        **_people(state, first_load),
        **_leads(state),
        **_activities(state),
        **money_traps(state),
        **ads_traps(state),
    }


def _closings(state: State) -> dict[str, int]:
    """Closings by what their records say of when they were, and those not yet told."""
    deals = state["opportunities"]
    shut = np.flatnonzero(~STAGE_OPEN[deals["stage"]])
    told, recorded, due = (deals[name][shut] for name in ("shut_at", "closed_at", "close_date"))
    is_day, day = recorded == NULL, told // DAY
    return {
        "late_entries": int((~is_day & (recorded < told)).sum()),
        "dates_left_in_the_past": int((is_day & (due < day)).sum()),
        "dates_in_the_future": int((due > day).sum()),
        "bare_dates": int((is_day & (due == day)).sum()),
        "lagging_histories": int((deals["told_on"] >= state.day).sum()),
    }


def _stages(state: State) -> dict[str, int]:
    """Deals that are in stages after the sale, and moves to stages that have another name now."""
    deals, log = state["opportunities"], state.logs["opportunities"]
    moved_to = log["new"][log["field"] == list(deals.columns).index("stage")]
    return {
        "post_sale_stages": int(np.isin(deals["stage"], POST_SALE).sum()),
        "relabelled_stages": int(np.isin(moved_to, list(RELABELLED)).sum() * state.is_relabelled),
    }


def _people(state: State, first_load: datetime) -> dict[str, int]:
    """Quotas, and transfers that only later versions of users tell of."""
    quotas, users, log = state["quotas"], state["users"], state.logs["users"]
    starts = [day_of(int(day)).day for day in quotas["period_start"]]
    moves = log["field"] == list(users.columns).index("team_number")
    moves = moves & (log["old"] != NULL_DAY) & (log["at"] >= to_moment(first_load))
    return {
        "team_quotas": int((quotas["team_number"] != NULL_DAY).sum()),
        "part_month_quotas": sum(start > 1 for start in starts),
        "transfers": int(moves.sum()),
    }


def _leads(state: State) -> dict[str, int]:
    """Leads of deals that were merged into won ones."""
    deals, named = state["opportunities"], state["leads"]["opportunity_id"]
    into = deals["merged_into_id"][named[named != NONE]]
    return {"leads_of_merged_deals": int(STAGE_WON[deals["stage"][into[into != NONE]]].sum())}


def _activities(state: State) -> dict[str, int]:
    """Activities told late, planned or about what lives on elsewhere; inquiries that wait."""
    told, deals = state["activities"], state["opportunities"]
    deal, is_plan, happened = told["opportunity_id"], told["is_plan"] == 1, told["occurred_at"]
    is_done = ~is_plan | (told["done_at"] != NULL)
    asks = (told["direction"] == DIRECTIONS.index("in")) & is_done
    named = deal != NONE
    created, answered = (state["leads"][name] for name in ("created_at", "first_response_at"))
    is_answered = answered != NULL
    answered = answered[is_answered]
    return {
        "logged_late": int((~is_plan & (told["updated_at"] > happened)).sum()),
        "planned_and_done": int((is_plan & is_done).sum()),
        "planned_still": int((~is_done).sum()),
        "inquiries_of_nobody": int((asks & (told["owner_id"] == NONE)).sum()),
        "inquiries_not_due": int((asks & (happened > state.now - DAY)).sum()),
        "activities_of_a_day": int((is_done & (happened % DAY == 0)).sum()),
        "leads_answered_on_a_day": int((answered % DAY == 0).sum()),
        "leads_answered_before_they_were": int((answered < created[is_answered]).sum()),
        "activities_of_merged_deals": int((deals["merged_into_id"][deal[named]] != NONE).sum()),
        "activities_of_deleted_deals": int((deals["is_deleted"][deal[named]] == 1).sum()),
    }


def upset(world: World) -> None:
    """What happens seldom, all at one moment some minutes before midnight.

    Open deals are deleted, merged (one with a lead into a won deal) and re-assigned; one is lost,
    of which the history tells days later; a rep changes teams, and has a quota from today on. Two
    buyers ask, and of some answers only the day is told. So it goes with customers and their money,
    and with what advertising platforms tell.
    """
    state = world.state
    deals, moment = state["opportunities"], state.now - 5 * MINUTE
    quiet = deals["updated_at"] < moment
    is_open = np.flatnonzero(quiet & (deals["is_open"] == 1))
    has_lead = np.isin(is_open, state["leads"]["opportunity_id"])
    led, others = is_open[has_lead][:1], np.setdiff1d(is_open, is_open[has_lead][:1])
    won = np.flatnonzero(quiet & STAGE_WON[deals["stage"]] & _is_alive(state))[: len(led)]
    led = led[: len(won)]
    deleted, lost = others[:2], others[10:11]
    merged, kept = np.append(others[2:4], led), np.append(others[4:6], won)
    state.change("opportunities", deleted, "is_deleted", 1, moment)
    state.change("opportunities", merged, "merged_into_id", kept, moment)
    state.touch("opportunities", kept, moment)
    deals["is_open"][np.concatenate([deleted, merged])] = 0
    owners = deals["owner_id"][others]
    heir = owners[owners != NONE][-1]
    state.change("opportunities", others[6:9], "owner_id", heir, moment)
    _lose(state, lost, moment)
    _transfer(state, moment)
    _ask_and_answer(state, others[11:13], moment)
    upset_money(state, moment)
    upset_ads(state, moment)


def _is_alive(state: State) -> Ints:
    deals = state["opportunities"]
    return (deals["is_deleted"] == 0) & (deals["merged_into_id"] == NONE)


def _lose(state: State, ids: Ints, moment: int) -> None:
    """Deals are lost; their histories say so some days later."""
    deals = state["opportunities"]
    for name, value in (
        ("stage", LOST[deals["pipeline"][ids]]),
        ("closed_at", moment),
        ("close_date", moment // DAY),
    ):
        state.change("opportunities", ids, name, value, moment)
    deals["is_open"][ids] = 0
    deals["shut_at"][ids] = deals["untold_at"][ids] = moment
    deals["told_on"][ids] = state.day + LAG_DAYS


def _ask_and_answer(state: State, deals: Ints, moment: int) -> None:
    """Two buyers write: now, and on a day; a day tells when they were called, and leads answered.

    One of the leads was answered on the day before it was there.
    """
    midnight = moment // DAY * DAY
    for at, direction in ((moment, "in"), (midnight, "in"), (midnight - DAY, "out")):
        state.create(
            "activities", len(deals), moment, occurred_at=at,
            type=ACTIVITY_TYPES.index("email"), direction=DIRECTIONS.index(direction),
            owner_id=state["opportunities"]["owner_id"][deals], opportunity_id=deals,
        )  # fmt: skip
    leads = state["leads"]
    waiting = (leads["first_response_at"] == NULL) & (leads["is_deleted"] == 0)
    waiting = np.flatnonzero(waiting & (leads["updated_at"] < moment))[:2]
    created = leads["created_at"][waiting]
    answered = np.where(np.arange(len(waiting)) == 0, midnight, created - HOUR)
    state.change("leads", waiting, "first_response_at", answered, moment)


def _transfer(state: State, moment: int) -> None:
    """A rep goes to the next team, and has a quota for a month that begins today.

    It is another one on each of three evenings in a row, since a search index that lags hides who
    has just changed, and what another change follows unseen nobody ever knows.
    """
    users = state["users"]
    managers, rep = np.flatnonzero(users["role"] == MANAGER), active_reps(state)[[state.day % 3]]
    team = (users["team_number"][rep] + 1) % len(managers)
    state.change("users", rep, "team_number", team, moment)
    state.change("users", rep, "manager_id", managers[team], moment)
    state.create(
        "quotas", 1, moment, owner_id=rep, period_start=moment // DAY, period_grain=MONTH,
        measure=REVENUE, amount=ASKED, currency=region_currency(users["region"][rep]),
    )  # fmt: skip

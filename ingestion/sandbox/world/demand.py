"""Campaigns, ad spend, marketing touches, leads, accounts and contacts."""

from __future__ import annotations

from typing import Any

import numpy as np

from ingestion.sandbox.world.advertising import (
    ADS_PER_CAMPAIGN,
    LINKEDIN,
    META,
    OTHER,
    advertise,
    last_days,
    make_ads,
    placing,
)
from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    MILLISECOND,
    START,
    Ints,
    add_months,
    day_number,
    day_of,
    quarter_start,
    working_moments,
)
from ingestion.sandbox.world.people import REP, SDR, active_reps
from ingestion.sandbox.world.schema import (
    CHANNELS,
    INDUSTRIES,
    NONE,
    NULL,
    NULL_DAY,
    REGIONS,
    TITLES,
)
from ingestion.sandbox.world.store import State

STREAM = 2
LEADS_PER_DAY = 38.0
"""Mean new leads of a weekday at scale 1 in the first year."""
CHANNEL_SHARES = np.array([0.24, 0.18, 0.20, 0.10, 0.14, 0.06, 0.08])
CHANNEL_PLATFORM = np.array([0, 1, 3, 3, 3, 3, 3])
CAMPAIGN_DAYS = (60, 120)
LEAD_WINDOW_DAYS = 60
"""Everything happens to a lead within so many days."""
LEAD_CONVERSION = 0.24
NEW, WORKING, QUALIFIED, CONVERTED, DISQUALIFIED = range(5)
CONTACT_DELETED_PER_DAY = 0.000015
EMPLOYEES = np.array([30, 300, 3000])


def demand(state: State) -> float:
    """Today's demand relative to a plain weekday of the first year at scale 1."""
    causes, today = state.causes, day_of(state.day)
    pace = 1.0 if today.weekday() < 5 else 0.15
    bad = causes.bad_quarter_demand if quarter_start(today) == causes.bad_quarter else 1.0
    years = (state.day - day_number(START)) / 365.25
    return state.scale * pace * bad * causes.season[today.month - 1] * causes.growth_per_year**years


def step_demand(state: State) -> None:
    """Start campaigns, spend on ads, receive leads, and let what is due happen to leads."""
    rng = state.rng(STREAM)
    today = day_of(state.day)
    if today.day == 1:
        _launch_campaigns(state, rng, day_number(add_months(today, 1)))
    _spend(state, rng)
    _receive_leads(state, rng)
    _work_leads(state, rng)
    _forget_contacts(state, rng)


def _launch_campaigns(state: State, rng: np.random.Generator, before: int) -> None:
    count = max(3, round(6 * state.scale**0.5))
    started = rng.integers(state.day, before, count)
    ends = started + rng.integers(*CAMPAIGN_DAYS, count)
    channel = rng.choice(len(CHANNELS), count, p=CHANNEL_SHARES)
    channel[:2] = 0, 1
    platform = CHANNEL_PLATFORM[channel]
    platform[(channel == 1) & (rng.random(count) < 0.5)] = META
    platform[1] = META if day_of(state.day).month % 2 else LINKEDIN
    ended_on = np.where(rng.random(count) < 0.9, ends, NULL_DAY)
    at = state.now + 8 * HOUR
    campaigns = state.create(
        "campaigns", count, at, channel=channel, platform=platform, started_on=started,
        ended_on=ended_on, budget=rng.integers(5, 60, count) * 1000_00, renamings=0,
        **placing(state, platform, started, ended_on),
    )  # fmt: skip
    make_ads(state, campaigns, at)


def _running(state: State) -> Ints:
    campaigns = state["campaigns"]
    last = last_days(campaigns["started_on"], campaigns["ended_on"])
    return np.flatnonzero((campaigns["started_on"] <= state.day) & (last >= state.day))


def _spend(state: State, rng: np.random.Generator) -> None:
    """A day's figures of every ad of the running paid campaigns."""
    campaigns = state["campaigns"]
    running = _running(state)
    paid = running[campaigns["platform"][running] != OTHER]
    paid = paid[campaigns["started_on"][paid] < state.day]
    shape = (len(paid), ADS_PER_CAMPAIGN)
    per_ad = 55_00 * state.scale**0.5
    spend = (per_ad * rng.lognormal(0, 0.5, shape)).astype(np.int64)
    clicks = rng.poisson(spend / 450)
    conversions = rng.binomial(clicks, 0.05)
    impressions = clicks * rng.integers(20, 60, shape)
    drawn = {
        "spend": spend, "clicks": clicks, "conversions": conversions, "impressions": impressions,
    }  # fmt: skip
    advertise(state, paid, drawn)


def _receive_leads(state: State, rng: np.random.Generator) -> None:
    count = rng.poisson(LEADS_PER_DAY * demand(state))
    causes = state.causes
    owners = active_reps(state, (REP, SDR))
    owner = owners[rng.integers(0, len(owners), count)]
    at = working_moments(rng, state.day, state["users"]["region"][owner])
    channel = rng.choice(len(CHANNELS), count, p=CHANNEL_SHARES)

    answered = rng.random(count) < 0.9
    hours = state["users"]["response_hours"][owner] * rng.lognormal(0, 1.1, count)
    respond = np.where(answered, at + _milliseconds(hours * HOUR), NULL)
    odds = np.where(
        hours <= causes.fast_response_hours,
        causes.fast_response_odds,
        np.where(hours > causes.slow_response_hours, causes.slow_response_odds, 1.0),
    ) * np.array(causes.channel_odds)[channel]  # fmt: skip
    odds *= LEAD_CONVERSION / (1 - LEAD_CONVERSION)
    converts = answered & (rng.random(count) < odds / (1 + odds))
    qualifies = converts | (rng.random(count) < 0.45)
    accepts = converts | (qualifies & answered & (rng.random(count) < 0.5))
    accept = respond + _milliseconds(rng.exponential(30, count) * HOUR)
    convert = accept + _milliseconds((2 + rng.exponential(120, count)) * HOUR)
    qualify = at + _milliseconds(rng.exponential(20, count) * HOUR)

    number = len(state["leads"]) * 2 + 1 + 2 * np.arange(count)
    leads = state.create(
        "leads", count, at, created_at=at, channel=channel,
        campaign_id=_campaign(state, rng, channel),
        owner_id=np.where(rng.random(count) < 0.02, NONE, owner), status=NEW,
        person_number=number, company_number=number, respond_due=respond,
        qualify_due=np.where(qualifies, qualify, NULL),
        accept_due=np.where(accepts, accept, NULL),
        convert_due=np.where(converts, convert, NULL),
    )  # fmt: skip
    _touch_leads(state, rng, leads)


def _milliseconds(moments: Any) -> Ints:
    return moments.astype(np.int64) // MILLISECOND * MILLISECOND


def _campaign(state: State, rng: np.random.Generator, channel: Ints) -> Ints:
    """A running campaign of each channel, or none."""
    running = _running(state)
    if not len(running):
        return np.full(len(channel), NONE)
    order = np.argsort(state["campaigns"]["channel"][running], kind="stable")
    sorted_channels = state["campaigns"]["channel"][running][order]
    low = np.searchsorted(sorted_channels, channel, "left")
    high = np.searchsorted(sorted_channels, channel, "right")
    pick = low + (rng.random(len(channel)) * (high - low)).astype(np.int64)
    has = (high > low) & (rng.random(len(channel)) < 0.9)
    return np.where(has, running[order][np.where(has, pick, 0)], NONE)


def _touch_leads(state: State, rng: np.random.Generator, leads: Ints) -> None:
    """One to three touches of each lead up to its creation; earlier ones become known only now."""
    table = state["leads"]
    lead = np.repeat(leads, rng.integers(1, 4, len(leads)))
    first = np.r_[True, lead[1:] != lead[:-1]] if len(lead) else np.empty(0, bool)
    created = table["created_at"][lead]
    before = _milliseconds(rng.exponential(6 * 24, len(lead)) * HOUR)
    same = first | (rng.random(len(lead)) < 0.5)
    channel = np.where(
        same, table["channel"][lead], rng.choice(len(CHANNELS), len(lead), p=CHANNEL_SHARES)
    )
    campaign = np.where(same, table["campaign_id"][lead], _campaign(state, rng, channel))
    kind = np.where(first, np.where(channel < 2, 0, 2), rng.choice([1, 3, 4], len(lead)))
    state.create(
        "touches", len(lead), created, occurred_at=created - np.where(first, 0, before),
        type=kind, channel=channel, campaign_id=campaign, lead_id=lead,
    )  # fmt: skip


def recent_leads(state: State) -> Ints:
    """Ids of leads young enough for something to happen to them."""
    first = np.searchsorted(state["leads"]["created_at"], state.now - LEAD_WINDOW_DAYS * DAY)
    return np.arange(first, len(state["leads"]))


def due_today(state: State, leads: Ints, column: str) -> Ints:
    """Those of `leads` whose moment in `column` is today."""
    moment = state["leads"][column][leads]
    return leads[(moment >= state.now) & (moment < state.now + DAY)]


def _work_leads(state: State, rng: np.random.Generator) -> None:
    table = state["leads"]
    recent = recent_leads(state)
    recent = recent[(table["is_deleted"][recent] == 0) & (table["status"][recent] < CONVERTED)]
    for due, reached in (("respond_due", "first_response_at"), ("qualify_due", "qualified_at"),
                         ("accept_due", "accepted_at")):  # fmt: skip
        ids = due_today(state, recent, due)
        at = table[due][ids]
        state.change("leads", ids, reached, at, at, table["owner_id"][ids])
    worked = due_today(state, recent, "respond_due")
    fresh = worked[table["status"][worked] == NEW]
    state.change("leads", fresh, "status", WORKING, table["respond_due"][fresh])
    accepted = due_today(state, recent, "accept_due")
    state.change("leads", accepted, "status", QUALIFIED, table["accept_due"][accepted])

    age = state.now - table["created_at"][recent]
    given_up = recent[(age >= 30 * DAY) & (age < 31 * DAY) & (table["convert_due"][recent] == NULL)]
    noted_at = state.now + 5 * HOUR
    given_up = given_up[table["updated_at"][given_up] < noted_at]
    state.change("leads", given_up, "status", DISQUALIFIED, noted_at)
    quiet = (table["convert_due"][recent] == NULL) & (table["updated_at"][recent] < state.now)
    spam = recent[quiet & (rng.random(len(recent)) < 0.0003)]
    state.change("leads", spam, "is_deleted", 1, state.now + DAY - 30 * 60 * 1_000_000)


def _forget_contacts(state: State, rng: np.random.Generator) -> None:
    """Contacts who are not the first of their account are sometimes deleted, at the day's end."""
    contacts, accounts = state["contacts"], state["accounts"]
    ids = np.flatnonzero(rng.random(len(contacts)) < CONTACT_DELETED_PER_DAY)
    first = accounts["first_contact"][contacts["account_id"][ids]]
    gone = ids[(contacts["is_deleted"][ids] == 0) & (ids != first)]
    state.change("contacts", gone, "is_deleted", 1, state.now + DAY - 30 * 60 * 1_000_000)


def new_accounts(
    state: State, rng: np.random.Generator, owner: Ints, at: Ints, lead: Ints | None = None
) -> Ints:
    """Accounts of these owners' regions with one to three contacts each.

    With `lead`, the company and its first contact are those of the lead.
    """
    users, count = state["users"], len(owner)
    segment = np.where(rng.random(count) < 0.92, users["segment"][owner], rng.integers(0, 3, count))
    region = np.where(
        rng.random(count) < 0.95, users["region"][owner], rng.integers(0, len(REGIONS), count)
    )
    company = len(state["accounts"]) * 2 + 2 * np.arange(count)
    if lead is not None:
        company = state["leads"]["company_number"][lead].astype(np.int64)
    existing = len(state["accounts"])
    has_parent = (rng.random(count) < 0.03) & (existing > 0)
    contacts = rng.integers(1, 4, count)
    first = len(state["contacts"]) + np.cumsum(contacts) - contacts
    accounts = state.create(
        "accounts", count, at, owner, industry=rng.integers(0, len(INDUSTRIES), count),
        segment=segment, region=np.where(rng.random(count) < 0.95, region, NONE),
        employees=(EMPLOYEES[segment] * rng.lognormal(0, 0.5, count)).astype(np.int32) + 1,
        parent_id=np.where(has_parent, rng.integers(0, max(existing, 1), count), NONE),
        owner_id=owner, created_at=at, company_number=company, first_contact=first,
        contact_count=contacts,
    )  # fmt: skip
    account = np.repeat(accounts, contacts)
    person = (len(state["contacts"]) + np.arange(len(account))) * 2
    if lead is not None:
        person[first - len(state["contacts"])] = state["leads"]["person_number"][lead]
    state.create(
        "contacts", len(account), np.repeat(at, contacts), np.repeat(owner, contacts),
        account_id=account, title=rng.integers(0, len(TITLES), len(account)),
        created_at=np.repeat(at, contacts), person_number=person,
        company_number=np.repeat(company, contacts),
    )  # fmt: skip
    return accounts

"""What advertising platforms tell, and tell otherwise for weeks: figures of ads by day.

A platform tells of a day early on the next one (UTC): the shares of `SO_FAR` on the very evening,
where the account's zone is west of it. Conversions arrive up to four weeks after their day, figures
are corrected, costs credited, days vanish; ads are deleted and campaigns renamed. `day_figures` is
what platforms would answer now.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

import numpy as np

from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS, AdAccount
from ingestion.sandbox.world.calendar import (
    HOUR,
    START,
    Ints,
    add_months,
    day_number,
    day_of,
    to_datetime,
)
from ingestion.sandbox.world.schema import (
    CURRENCIES,
    NONE,
    NULL_DAY,
    PLATFORMS,
    RESTATEMENTS,
)
from ingestion.sandbox.world.store import Array, State

STREAM = 12
ADS_PER_CAMPAIGN = 4
LONGEST_DAYS = 120
"""Campaigns without an end run so many days."""
GOOGLE, LINKEDIN, META, OTHER = range(len(PLATFORMS))
CONVERSION, CORRECTION = range(len(RESTATEMENTS))
CURRENCY = np.array([CURRENCIES.index(account.currency) for account in AD_ACCOUNTS] + [0])
"""Currency by account; the last is that of none."""
IS_WESTERN = np.array(
    [account.timezone.startswith("America/") for account in AD_ACCOUNTS] + [False]
)
"""Whether the account's day lasts into the next one of UTC."""
VALUE = 150_00
"""Of a conversion."""
SO_FAR = 60
"""Percent of a day that are told in its evening."""
LATE_SHARE, TWENTY_SHARE = 0.5, 0.25
"""Of conversions that arrive days later; of these, that take 20 days."""
TWENTY, LAST_LAG = 20, 28
CORRECTED_SHARE = 0.03
CORRECTION_DAYS = (5, 26)
CORRECTION_PERCENT = (70, 96)
"""What is left of a corrected figure."""
CREDIT_DAYS, CREDIT_PERCENT = 20, (20, 61)
VANISHED_DAYS = 10
EVERY = {"credit": (25, 5), "vanish": (30, 17), "delete": (40, 23), "rename": (35, 11)}
"""In how many days once, and on which of them."""
Columns = dict[str, Ints]


@dataclass(frozen=True)
class Figures:
    """Figures by day, of campaigns or of single ads, in order of campaign, day and ad.

    `campaign` and `ad` are rows (`ad`: NONE of whole campaigns), `day` is the account's; money is
    in hundredths of the account's currency.
    """

    campaign: Ints
    ad: Ints
    day: Ints
    spend: Ints
    impressions: Ints
    clicks: Ints
    conversions: Ints
    conversion_value: Ints

    def __len__(self) -> int:
        return len(self.campaign)


FIGURES = ("spend", "impressions", "clicks", "conversions", "conversion_value")


@dataclass(frozen=True)
class DayFigures:
    """All that platforms tell now; of ads that are deleted apart from the others."""

    campaigns: Figures
    ads: Figures
    deleted_ads: Figures


def day_figures(state: State) -> DayFigures:
    """Figures by campaign and day, and by ad and day: days that vanished are in neither.

    What a campaign has beyond its ads (Performance Max, a credit) and what deleted ads spent is in
    the campaign's figures.
    """
    spend = state["spend_daily"]
    live = np.flatnonzero(spend["is_deleted"] == 0)
    live = live[np.lexsort((spend["ad"][live], spend["day"][live], spend["campaign_id"][live]))]
    ad = spend["ad"][live]
    is_deleted = np.append(state["ads"]["is_deleted"], 0)[ad] == 1
    return DayFigures(
        _by_campaign(state, live),
        _of_rows(state, live[(ad != NONE) & ~is_deleted]),
        _of_rows(state, live[is_deleted]),
    )


def _of_rows(state: State, rows: Ints) -> Figures:
    spend = state["spend_daily"]
    names = {"campaign": "campaign_id", "ad": "ad", "day": "day"} | {n: n for n in FIGURES}
    return Figures(**{name: spend[of][rows].astype(np.int64) for name, of in names.items()})


def _by_campaign(state: State, rows: Ints) -> Figures:
    parts = _of_rows(state, rows)
    if not len(rows):
        return parts
    is_first = np.r_[True, (np.diff(parts.campaign) != 0) | (np.diff(parts.day) != 0)]
    first = np.flatnonzero(is_first)
    sums = {name: np.add.reduceat(getattr(parts, name), first) for name in FIGURES}
    return Figures(parts.campaign[first], np.full(len(first), NONE), parts.day[first], **sums)


def today_of(account: AdAccount, moment: int) -> int:
    """The day of an account at a moment."""
    local = to_datetime(moment).astimezone(ZoneInfo(account.timezone))
    return day_number(local.replace(tzinfo=UTC).date())


def placing(state: State, platform: Array, started_on: Ints, ended_on: Ints) -> Mapping[str, Array]:
    """The accounts of new campaigns: in turns; the first one is Performance Max where one lacks.

    There is always one that runs, since campaigns begin in each month.
    """
    campaigns = state["campaigns"]
    account = np.full(len(platform), NONE)
    for code, name in enumerate(PLATFORMS):
        own = [nth for nth, known in enumerate(AD_ACCOUNTS) if known.platform == name]
        new = np.flatnonzero(platform == code)
        if own:
            before = int((campaigns["platform"] == code).sum())
            account[new] = np.array(own)[(before + np.arange(len(new))) % len(own)]
    is_pmax = np.zeros(len(platform), np.int64)
    known = campaigns["is_pmax"] == 1
    until = last_days(campaigns["started_on"][known], campaigns["ended_on"][known])
    needed = day_number(add_months(day_of(state.day).replace(day=1), 2))
    is_pmax[:1] = until.max(initial=0) < needed
    return {
        "ad_account": account,
        "currency": CURRENCY[account],
        "is_pmax": is_pmax & (platform == GOOGLE),
    }


def last_days(started_on: Ints, ended_on: Ints) -> Ints:
    """The days on which campaigns run for the last time."""
    return np.where(ended_on == NULL_DAY, started_on + LONGEST_DAYS, ended_on)


def make_ads(state: State, campaigns: Ints, at: int) -> None:
    """The ads of new campaigns, where the platform has any."""
    table = state["campaigns"]
    has = (table["ad_account"][campaigns] != NONE) & (table["is_pmax"][campaigns] == 0)
    campaign = np.repeat(campaigns[has], ADS_PER_CAMPAIGN)
    number = np.tile(np.arange(ADS_PER_CAMPAIGN), int(has.sum()))
    state.create("ads", len(campaign), at, campaign_id=campaign, number=number, is_deleted=0)


def advertise(state: State, paid: Ints, drawn: Columns) -> None:
    """A day of the platforms, for which figures of campaigns are drawn, one row each, by ad."""
    rng = state.rng(STREAM)
    rows = _told(state, paid, drawn)
    western = IS_WESTERN[state["campaigns"]["ad_account"][rows["campaign_id"]]]
    _tell(state, rng, {name: values[~western] for name, values in rows.items()})
    _restate(state)
    _seldom(state, rng)
    _finish(state, rng)
    evening = {name: values[western] for name, values in rows.items()}
    alive = np.append(state["ads"]["is_deleted"], 0)[evening["ad"]] == 0
    _tell_so_far(state, {name: values[alive] for name, values in evening.items()})


def _told(state: State, paid: Ints, drawn: Columns) -> Columns:
    """Rows of figures: of each ad that is not deleted, or of a campaign that has none."""
    is_whole = state["campaigns"]["is_pmax"][paid] == 1
    each = np.repeat(paid[~is_whole], ADS_PER_CAMPAIGN)
    number = np.tile(np.arange(ADS_PER_CAMPAIGN), int((~is_whole).sum()))
    ad = np.searchsorted(state["ads"]["campaign_id"], each) + number
    rows = {
        name: np.concatenate([values[is_whole].sum(1), values[~is_whole].ravel()]).astype(np.int64)
        for name, values in drawn.items()
    }
    rows["campaign_id"] = np.concatenate([paid[is_whole], each])
    rows["ad"] = np.concatenate([np.full(int(is_whole.sum()), NONE), ad])
    alive = np.append(state["ads"]["is_deleted"], 0)[rows["ad"]] == 0
    return {name: values[alive] for name, values in rows.items()}


def _tell(state: State, rng: np.random.Generator, rows: Columns) -> None:
    """Yesterday, as far as it is known by now: of some conversions only later."""
    late = rng.binomial(rows["conversions"], LATE_SHARE)
    known = rows | {"conversions": rows["conversions"] - late}
    ids = _create(state, known, state.day - 1, state.now + 3 * HOUR)
    _plan(state, rng, ids, late)


def _tell_so_far(state: State, rows: Columns) -> None:
    """Today until now; conversions are not among it."""
    part = {name: rows[name] * SO_FAR // 100 for name in ("spend", "clicks", "impressions")}
    part["spend"] = np.maximum(part["spend"], 1)
    rows = rows | part | {"conversions": np.zeros(len(rows["ad"]), np.int64)}
    _create(state, rows, state.day, state.now + 23 * HOUR + HOUR // 2, is_partial=1)


def _create(state: State, rows: Columns, day: int, at: int, is_partial: int = 0) -> Ints:
    campaigns, campaign = state["campaigns"], rows["campaign_id"]
    if not len(campaign):
        return campaign
    return state.create(
        "spend_daily", len(campaign), at, platform=campaigns["platform"][campaign], day=day,
        currency=campaigns["currency"][campaign], is_partial=is_partial, is_deleted=0,
        conversion_value=rows["conversions"] * VALUE, **rows,
    )  # fmt: skip


def _finish(state: State, rng: np.random.Generator) -> None:
    """Days that were told in their evening are told whole."""
    spend = state["spend_daily"]
    ids = np.flatnonzero((spend["is_partial"] == 1) & (spend["day"] < state.day))
    ids = ids[spend["is_deleted"][ids] == 0]
    if not len(ids):
        return
    count, at = len(ids), state.now + 10 * HOUR
    grown = (spend["spend"][ids] * rng.integers(145, 190, count) + 99) // 100
    more = np.round(spend["clicks"][ids] * rng.uniform(0.4, 0.9, count)).astype(np.int64)
    more += rng.poisson(0.3, count)
    clicks = spend["clicks"][ids] + more
    impressions = spend["impressions"][ids] + more * rng.integers(20, 60, count)
    conversions = rng.binomial(clicks, 0.05)
    late = rng.binomial(conversions, LATE_SHARE)
    for name, values in (
        ("spend", grown), ("clicks", clicks), ("impressions", impressions),
        ("conversions", conversions - late), ("conversion_value", (conversions - late) * VALUE),
        ("is_partial", 0),
    ):  # fmt: skip
        state.change("spend_daily", ids, name, values, at)
    _plan(state, rng, ids, late)


def _plan(state: State, rng: np.random.Generator, ids: Ints, late: Ints) -> None:
    """What will be told otherwise of new figures, and when."""
    spend = np.repeat(ids, late)
    lag = 2 + np.minimum(rng.exponential(6, len(spend)).astype(np.int64), LAST_LAG - 2)
    lag = np.where(rng.random(len(spend)) < TWENTY_SHARE, TWENTY, lag)
    wrong = ids[rng.random(len(ids)) < CORRECTED_SHARE]
    noticed = rng.integers(*CORRECTION_DAYS, len(wrong))
    left = rng.integers(*CORRECTION_PERCENT, len(wrong))
    rows = np.concatenate([spend, wrong])
    state.create(
        "restatements", len(rows), state.now, spend_id=rows,
        due_on=state["spend_daily"]["day"][rows] + np.concatenate([lag, noticed]),
        kind=np.repeat([CONVERSION, CORRECTION], [len(spend), len(wrong)]),
        percent=np.concatenate([np.full(len(spend), NULL_DAY), left]),
    )  # fmt: skip


def _restate(state: State) -> None:
    """Conversions arrive and figures are corrected, as far as that is due today."""
    plans, at = state["restatements"], state.now + 4 * HOUR
    due = np.flatnonzero(plans["due_on"] == state.day)
    due = due[state["spend_daily"]["is_deleted"][plans["spend_id"][due]] == 0]
    if not len(due):
        return
    arrived = due[plans["kind"][due] == CONVERSION]
    ids, count = np.unique(plans["spend_id"][arrived], return_counts=True)
    convert(state, ids, count, at)
    corrections = due[plans["kind"][due] == CORRECTION]
    correct(state, plans["spend_id"][corrections], plans["percent"][corrections], at)


def convert(state: State, ids: Ints, count: Ints | int, at: int) -> None:
    """More conversions on days that were told before."""
    conversions = state["spend_daily"]["conversions"][ids].astype(np.int64) + count
    state.change("spend_daily", ids, "conversions", conversions, at)
    state.change("spend_daily", ids, "conversion_value", conversions * VALUE, at)


def correct(state: State, ids: Ints, percent: Ints | int, at: int) -> None:
    """Figures turn out to be less: invalid clicks."""
    for name in ("spend", "clicks", "impressions"):
        left = state["spend_daily"][name][ids].astype(np.int64) * percent // 100
        state.change("spend_daily", ids, name, left, at)


def _seldom(state: State, rng: np.random.Generator) -> None:
    """A credit, a day that vanishes, a deleted ad and a new name, each every few weeks."""
    for what, (every, on) in EVERY.items():
        nth = rng.random()
        if (state.day - day_number(START)) % every != on:
            continue
        if what == "credit" and len(rows := creditable(state, state.day)):
            credit(state, _one(rows, nth), int(rng.integers(*CREDIT_PERCENT)), state.now + 6 * HOUR)
        if what == "vanish" and len(rows := told_on(state, state.day - VANISHED_DAYS)):
            vanish(state, _one(rows, nth), state.now + 5 * HOUR)
        if what == "delete" and len(rows := deletable(state, state.day)):
            delete_ad(state, _one(rows, nth), state.now + 7 * HOUR)
        if what == "rename" and len(rows := running(state, state.day)):
            rename(state, _one(rows, nth), state.now + 8 * HOUR)


def _one(rows: Ints, nth: float) -> int:
    return int(rows[int(nth * len(rows))])


def told_on(state: State, first: int, last: int | None = None) -> Ints:
    """Rows of figures of a day or some days in a row that have not vanished."""
    spend = state["spend_daily"]
    last = first if last is None else last
    within = (spend["day"] >= first) & (spend["day"] <= last)
    return np.flatnonzero(within & (spend["is_deleted"] == 0))


def creditable(state: State, today: int) -> Ints:
    """Rows of ads whose campaign may be credited for the day.

    Parts of a campaign are its ads and one row beyond them: so none that has a row of that kind on
    the day, and none with a deleted ad, whose spend platforms tell as such a row.
    """
    spend, ads = state["spend_daily"], state["ads"]
    rows = told_on(state, today - CREDIT_DAYS, today - 2)
    beyond = spend["ad"] == NONE
    key = spend["campaign_id"].astype(np.int64) * 2**32 + spend["day"]
    gone = ads["campaign_id"][ads["is_deleted"] == 1]
    taken = np.isin(key[rows], key[beyond]) | np.isin(spend["campaign_id"][rows], gone)
    return rows[~taken]


def credit(state: State, row: int, percent: int, at: int) -> None:
    """A share of what a campaign has spent on the day of a row is given back: its own row."""
    spend = state["spend_daily"]
    campaign, day = int(spend["campaign_id"][row]), int(spend["day"][row])
    whole = told_on(state, day)
    whole = whole[spend["campaign_id"][whole] == campaign]
    amount = -(int(spend["spend"][whole].sum()) * percent // 100)
    none = np.zeros(1, np.int64)
    rows = dict.fromkeys(("clicks", "impressions", "conversions"), none)
    one = {"campaign_id": none + campaign, "ad": none + NONE, "spend": none + amount}
    _create(state, rows | one, day, at)


def vanish(state: State, row: int, at: int) -> None:
    """The day of a row is not told any more, of its whole campaign."""
    spend = state["spend_daily"]
    whole = told_on(state, int(spend["day"][row]))
    whole = whole[spend["campaign_id"][whole] == spend["campaign_id"][row]]
    state.change("spend_daily", whole, "is_deleted", 1, at)


def deletable(state: State, today: int) -> Ints:
    """Recent rows of ads that may be deleted: of campaigns that have nothing beyond their ads."""
    spend, ads = state["spend_daily"], state["ads"]
    rows = told_on(state, today - 10, today - 2)
    beyond = spend["campaign_id"][spend["ad"] == NONE]
    gone = ads["campaign_id"][ads["is_deleted"] == 1]
    return rows[~np.isin(spend["campaign_id"][rows], np.concatenate([beyond, gone]))]


def delete_ad(state: State, row: int, at: int) -> None:
    """The ad of a row is deleted; what it has spent remains its campaign's."""
    ad = state["spend_daily"]["ad"][[row]]
    state.change("ads", ad, "is_deleted", 1, at)


def running(state: State, today: int) -> Ints:
    """Campaigns of platforms that have run for a day at least."""
    campaigns = state["campaigns"]
    last = last_days(campaigns["started_on"], campaigns["ended_on"])
    runs = (campaigns["started_on"] < today) & (last >= today)
    return np.flatnonzero(runs & (campaigns["ad_account"] != NONE))


def rename(state: State, campaign: int, at: int) -> None:
    """A campaign gets another name."""
    ids = np.array([campaign])
    state.change("campaigns", ids, "renamings", state["campaigns"]["renamings"][ids] + 1, at)

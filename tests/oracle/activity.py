"""The members of the activity metrics: what people did, how soon, and how often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pandas as pd

from tests.oracle.existing import NONE, Row, done, or_none, reached
from tests.oracle.members import CLOSED, DEAL_CUTS, LEAD_CUTS, OWNER_CUTS, Members, survivors
from tests.oracle.periods import GRAINS, WEEKLY
from tests.oracle.records import Records

HOUR = pd.Timedelta(hours=1)
DAY = pd.Timedelta(days=1)
OWN_WORK = ("task", "note")
LINKS = ("contact_id", "deal", "account_id", "lead_id")
TYPE = "activity_type"
AGE = pd.Timedelta(days=14)
NAT = pd.NaT
UNKNOWN_USER: Row = {"role": None, "hired_on": None, "left_on": None, "is_active": "false"}
"""Somebody of whom records are all that is told: nobody says that they are still here."""


@dataclass(frozen=True)
class Done:
    """An activity that happened; `deal` is what its deal has become by merges."""

    id: str
    type: str
    direction: str | None
    at: pd.Timestamp
    owner: str | None
    deal: str | None
    lead_id: str | None
    contact_id: str | None
    account_id: str | None
    is_deleted: bool

    @property
    def links(self) -> set[tuple[str, str]]:
        """Whom and what it was about."""
        told = ((link, getattr(self, link)) for link in LINKS)
        return {(link, key) for link, key in told if key is not None}


class Activities:
    """What happened by a moment, and what of it can be known."""

    def __init__(self, records: Records, deals: pd.DataFrame, as_of: pd.Timestamp) -> None:
        self.records, self.as_of = records, as_of
        self.deals = deals.assign(removal=deals["removal"].where(deals["removal"].notna(), None))
        self.users = records["users"].set_index("source_id")
        self.became = survivors(deals)
        self.accounts = {
            (link, row.source_id): row.account_id
            for link, entity in (
                ("deal", "deals"), ("contact_id", "contacts"), ("lead_id", "leads"),
            )
            for row in records[entity].itertuples()
            if row.account_id in {*records["accounts"]["source_id"]}
        }  # fmt: skip
        found = [self._done(row) for row in done(records, as_of).itertuples()]
        self.all = sorted(found, key=lambda one: (one.at, one.id))
        self.happened = [one for one in self.all if not one.is_deleted]
        self.outbound = [one for one in self.happened if one.direction == "out"]

    def _done(self, row: Any) -> Done:
        """An activity, of its own account, else of that of its deal, contact or lead."""
        deal = self.became.get(row.opportunity_id, row.opportunity_id)
        about = (("deal", deal), ("contact_id", row.contact_id), ("lead_id", row.lead_id))
        told = (self.accounts.get(key) for key in about)
        account = row.account_id or next((one for one in told if one), None)
        return Done(
            row.source_id, row.type, row.direction, row.occurred_at, row.owner_id, deal,
            row.lead_id, row.contact_id, account, bool(row.is_deleted),
        )  # fmt: skip

    def since_conversion(self, lead: Any) -> pd.Timestamp:
        """When somebody first reached out to whom or what a lead became, from its creation on."""
        if pd.isna(lead.converted_at) or lead.converted_at > self.as_of:
            return NAT
        became = {self.became.get(lead.opportunity_id), lead.contact_id} - {None}
        later = (one for one in self.outbound if one.at >= lead.created_at)
        return next((one.at for one in later if {one.deal, one.contact_id} & became), NAT)

    def telling(self, ids: Iterable[str]) -> set[str]:
        """The sources of records."""
        return {self.records.instance_of(id) for id in ids}

    def clock(self, moment: pd.Timestamp) -> pd.Timestamp:
        """What the company's clocks show at a moment."""
        zoned = moment.tz_localize("UTC").tz_convert(self.records.timezone)
        return zoned.tz_localize(None)

    def day(self, moment: pd.Timestamp) -> pd.Timestamp:
        """The day of a moment on the company's clocks."""
        return self.clock(moment).normalize()

    def is_bare(self, moment: pd.Timestamp) -> bool:
        """Whether a moment stands for a day."""
        return bool(moment == self.records.utc(self.day(moment)))

    def of_owner(self, owner: str | None) -> Row:
        """The keys of the cuts that an owner has; teams of the files are those of now."""
        user = self.users.loc[owner] if owner in self.users.index else {}
        known = {cut: or_none(user.get(cut)) for cut in ("team", "region", "segment")}
        return {"rep": or_none(owner), "manager": or_none(user.get("manager_id")), **known}

    def dated(self, moment: pd.Timestamp) -> Row:
        """The day and month that a moment lies in."""
        day = self.day(moment)
        return {"day": day, "month": day.to_period("M")}

    def hours(self, first: pd.Timestamp, last: pd.Timestamp) -> float:
        return (last - first) / HOUR

    def working_hours(self, first: pd.Timestamp, last: pd.Timestamp) -> float:
        """Hours of work between two moments, on the company's clocks, day by day."""
        begins, ends = self.clock(first), self.clock(last)
        total, day = 0.0, begins.normalize()
        while day < ends:
            if self.records.office.is_working(day.date()):
                opens, closes = (day + hours for hours in self.records.office.hours)
                total += max((min(ends, closes) - max(begins, opens)) / HOUR, 0)
            day += timedelta(days=1)
        return total


def activity_members(
    records: Records, deals: pd.DataFrame, as_of: pd.Timestamp
) -> Iterator[Members]:
    """activities, lead_response_hours, follow_up_gap_days, touches_per_won_deal, inquiries."""
    told = Activities(records, deals, as_of)
    yield from _counts(told)
    yield from _lead_response(told)
    yield from _follow_up(told)
    yield from _touches(told)
    yield from _inquiries(told)


def _framed(rows: Sequence[Row], cuts: Sequence[str]) -> pd.DataFrame:
    columns = [
        "id", "day", "month", "numerator", "denominator", "reason", "side", "is_part", *cuts
    ]  # fmt: skip
    frame = pd.DataFrame(list(rows), columns=columns)
    for column in ("reason", "side", "denominator", "is_part"):
        frame[column] = frame[column].astype(object).where(frame[column].notna(), None)
    return frame


def _counts(told: Activities) -> Iterator[Members]:
    cuts = (*OWNER_CUTS, TYPE)
    rows = [
        {
            "id": one.id, **told.dated(one.at), "numerator": 1, TYPE: one.type,
            "reason": "deleted" if one.is_deleted else None, **told.of_owner(one.owner),
        }
        for one in told.all
    ]  # fmt: skip
    frame = _framed(rows, cuts)
    yield Members("activities", "default", "count", "activity", frame, cuts, grains=WEEKLY)
    for period, grains in (("month", tuple(GRAINS)), ("week", ("week",))):
        frame = _framed(list(_rep_days(told, period)), cuts)
        yield Members(
            "activities", "per_rep_day", "count", "rep_period", frame, cuts, grains=grains
        )


def _rep_days(told: Activities, period: str) -> Iterator[Row]:
    """Working days of reps by period as records, and what reps did beside them."""
    people = {*told.users.index, *(one.owner for one in told.happened), *told.deals["rep"]}
    people -= {None, NONE}
    reps = {rep: days for rep in sorted(people) if (days := _active_days(told, rep)) is not None}
    own = [one for one in told.happened if one.owner in reps]
    begun = {_period(told.day(one.at), period) for one in own}
    types = sorted({one.type for one in own})
    for one in own:
        yield {
            "id": one.id, **told.dated(one.at), "numerator": 1, "denominator": 0,
            "side": "numerator", TYPE: one.type, **told.of_owner(one.owner),
        }  # fmt: skip
    for rep, (first, last) in reps.items():
        worked: dict[pd.Timestamp, list[pd.Timestamp]] = defaultdict(list)
        for day in pd.date_range(first, last):
            if told.records.office.is_working(day.date()):
                worked[_period(day, period)].append(day)
        for start, days in worked.items():
            if start in begun:
                row: Row = {
                    "id": f"{rep} {start.date()}", "day": start, "month": days[0].to_period("M"),
                    "numerator": 0, "denominator": len(days),
                }  # fmt: skip
                yield row | told.of_owner(rep)
                yield from (row | {TYPE: kind, "is_part": True} for kind in types)


def _period(day: pd.Timestamp, period: str) -> pd.Timestamp:
    """The first day of the month or week (ISO) that a day lies in."""
    return day.replace(day=1) if period == "month" else day - timedelta(days=day.weekday())


def _active_days(told: Activities, rep: str) -> tuple[pd.Timestamp, pd.Timestamp] | None:
    """The first and the last day on which a rep was one; None: nobody's, or no rep."""
    user = told.users.loc[rep] if rep in told.users.index else UNKNOWN_USER
    mine = told.deals[(told.deals["rep"] == rep) & told.deals["removal"].isna()]
    done = [told.day(one.at) for one in told.happened if one.owner == rep]
    own = [*done, *(told.day(at) for at in mine["created_at"].dropna())]
    is_rep = bool(own) or len(mine) > 0 if user["role"] is None else user["role"] == "rep"
    if not (is_rep and told.happened):
        return None
    hired, left = user["hired_on"], user["left_on"]
    first = min([pd.Timestamp(hired), *done]) if hired else min(own, default=None)
    last = told.day(told.as_of)
    if left:
        last = min(last, pd.Timestamp(left) - timedelta(days=1))
    elif user["is_active"] == "false":
        last = max(own, default=None)
    if first is None or last is None:
        return None
    return max(first, told.day(told.happened[0].at)), last


def _lead_response(told: Activities) -> Iterator[Members]:
    leads = reached(told.records, told.records["leads"], told.as_of)
    leads = leads[leads["created_at"] <= told.as_of]
    first: dict[str | None, pd.Timestamp] = {}
    for one in told.outbound:
        first.setdefault(one.lead_id, one.at)
    first.pop(None, None)
    noted = leads["first_response_at"].where(leads["first_response_at"] <= told.as_of)
    became = {lead.source_id: told.since_conversion(lead) for lead in leads.itertuples()}
    reached_after = [id for id, at in became.items() if not pd.isna(at)]
    telling = told.telling([*first, *leads.loc[noted.notna(), "source_id"], *reached_after])
    found: dict[str, list[Row]] = defaultdict(list)
    for lead, response in zip(leads.itertuples(), noted, strict=True):
        answer = first.get(lead.source_id, response)
        answer = became[lead.source_id] if pd.isna(answer) else answer
        tells = told.records.instance_of(lead.source_id) in telling
        is_answered = not pd.isna(answer)
        is_timed = not (told.is_bare(lead.created_at) or (is_answered and told.is_bare(answer)))
        base = "deleted" if lead.is_deleted else None if tells else "no_activities"
        row: Row = {
            "id": lead.source_id, **told.dated(lead.created_at), "denominator": 1, "reason": base,
            **told.of_owner(lead.owner_id), "channel": or_none(lead.channel),
            "campaign": or_none(lead.campaign_id),
        }  # fmt: skip
        if is_answered or not tells:
            wait = told.hours(lead.created_at, answer) if is_answered else 0
            doubt = None if is_timed else "no_time"
            doubt = doubt or ("answered_before_created" if wait < 0 else None)
            worked = told.working_hours(lead.created_at, answer) if is_answered else 0
            for variant, hours in (("default", wait), ("median", wait), ("business_hours", worked)):
                found[variant].append(row | {"numerator": hours, "reason": base or doubt})
        for variant, limit in (("within_1h", HOUR), ("within_24h", DAY)):
            is_within = is_answered and answer - lead.created_at <= limit
            reason = base or (None if is_timed else "no_time")
            found[variant].append(row | {"numerator": int(is_within), "reason": reason})
        found["never"].append(row | {"numerator": int(not is_answered)})
    yield from _variants("lead_response_hours", "lead", found, LEAD_CUTS)


def _variants(
    metric: str, entity: str, found: dict[str, list[Row]], cuts: tuple[str, ...]
) -> Iterator[Members]:
    """Members of response times, by variant."""
    for variant, rows in found.items():
        unit = "ratio" if variant.startswith("within") or variant == "never" else "hours"
        is_median = variant == "median"
        yield Members(
            metric, variant, unit, entity, _framed(rows, cuts), cuts, is_median, grains=WEEKLY
        )


def _follow_up(told: Activities) -> Iterator[Members]:
    """Each outbound activity on a deal, with the days since the one before."""
    deals = told.deals
    outbound: dict[str | None, list[Done]] = defaultdict(list)
    for one in told.outbound:
        outbound[one.deal].append(one)
    gaps: list[Row] = []
    for deal in deals.to_dict("records"):
        touches = outbound[deal["id"]]
        is_closed = deal["status"] in CLOSED
        is_undated = is_closed and pd.isna(deal["closed_at"])
        if is_closed and not is_undated:
            touches = [one for one in touches if one.at < deal["closed_at"]]
        for earlier, later in pairwise(touches):
            days = (later.at - earlier.at) / DAY
            if told.is_bare(earlier.at) or told.is_bare(later.at):
                days = (told.day(later.at) - told.day(earlier.at)) / DAY
            gaps.append(
                {
                    "id": later.id, **told.dated(later.at), "numerator": days, "denominator": 1,
                    "reason": deal["removal"] or ("no_close_date" if is_undated else None),
                    **{cut: deal[cut] for cut in DEAL_CUTS},
                }
            )  # fmt: skip
    frame = _framed(gaps, DEAL_CUTS)
    yield Members("follow_up_gap_days", "default", "days", "activity", frame, grains=WEEKLY)
    telling = told.telling(one.id for one in told.outbound if one.deal)
    rows = [
        {
            "id": deal["id"], "month": None, "denominator": 1,
            "numerator": int(any(one.at > told.as_of - AGE for one in outbound[deal["id"]])),
            "reason": deal["removal"]
            or (None if told.records.instance_of(deal["id"]) in telling else "no_activities"),
            **{cut: deal[cut] for cut in DEAL_CUTS},
        }
        for deal in deals.to_dict("records")
        if deal["status"] not in CLOSED
    ]  # fmt: skip
    frame = _framed(rows, DEAL_CUTS)
    yield Members(
        "follow_up_gap_days", "share_touched_14d", "ratio", "opportunity", frame, grains=("all",)
    )


def _touches(told: Activities) -> Iterator[Members]:
    counted: dict[str | None, int] = defaultdict(int)
    for one in told.happened:
        counted[one.deal] += 1
    telling = told.telling(one.id for one in told.happened if one.deal)
    rows = [
        {
            "id": deal["id"], "day": deal["closed_day"], "month": deal["closed_month"],
            "numerator": counted[deal["id"]], "denominator": 1,
            "reason": deal["removal"]
            or ("no_close_date" if pd.isna(deal["closed_at"]) else None)
            or (None if told.records.instance_of(deal["id"]) in telling else "no_activities"),
            **{cut: deal[cut] for cut in DEAL_CUTS},
        }
        for deal in told.deals.to_dict("records")
        if deal["status"] == "won"
    ]  # fmt: skip
    frame = _framed(rows, DEAL_CUTS)
    yield Members("touches_per_won_deal", "default", "count", "opportunity", frame, grains=WEEKLY)


def _inquiries(told: Activities) -> Iterator[Members]:
    """Each inbound activity with the first later outbound one that shares a link with it."""
    credited = told.deals.set_index("id")["rep"].to_dict()
    leads = told.records["leads"].set_index("source_id")["owner_id"].to_dict()
    found: dict[str, list[Row]] = defaultdict(list)
    telling = told.telling(one.id for one in told.outbound)
    for one in told.all:
        if one.direction != "in" or one.type in OWN_WORK or not one.links:
            continue
        later = (
            other.at for other in told.outbound if other.at > one.at and other.links & one.links
        )
        answer = next(later, NAT)
        is_answered = not pd.isna(answer)
        deals_rep = credited.get(one.deal, NONE)
        owner = one.owner or (deals_rep if deals_rep != NONE else leads.get(one.lead_id))
        tells = told.records.instance_of(one.id) in telling
        base = "deleted" if one.is_deleted else None if tells else "no_activities"
        is_timed = not (told.is_bare(one.at) or (is_answered and told.is_bare(answer)))
        is_due = is_answered or one.at <= told.as_of - DAY
        row: Row = {
            "id": one.id, **told.dated(one.at), "denominator": 1, TYPE: one.type, "reason": base,
            **told.of_owner(owner),
        }  # fmt: skip
        if is_answered or not tells:
            hours = told.hours(one.at, answer) if is_answered else 0
            reason = base or (None if is_timed else "no_time")
            for variant in ("default", "median"):
                found[variant].append(row | {"numerator": hours, "reason": reason})
        is_within = is_answered and answer - one.at <= DAY
        doubt = None if is_due else "not_due"
        reason = base or doubt or (None if is_timed else "no_time")
        found["within_24h"].append(row | {"numerator": int(is_within), "reason": reason})
        found["never"].append(row | {"numerator": int(not is_answered), "reason": base or doubt})
    yield from _variants("inquiry_response_hours", "activity", found, (*OWNER_CUTS, TYPE))

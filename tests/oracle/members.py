"""The population of every metric: who is in it, in which period, and what it adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from tests.oracle.close_dates import (
    INSTANT,
    close_dates,
    known_from,
    open_before,
    open_ids,
    pushed_behind,
)
from tests.oracle.existing import reached
from tests.oracle.money import Rates
from tests.oracle.periods import GRAINS, WEEKLY, period_start
from tests.oracle.records import Records
from tests.oracle.states import EARLIEST, deals_at, removals_at, timelines

NONE = "(none)"
OWNER_CUTS = ("rep", "team", "manager", "region", "segment")
DEAL_CUTS = (*OWNER_CUTS, "lead_source", "product", "deal_type", "pipeline")
LEAD_CUTS = (*OWNER_CUTS, "channel", "campaign")
CLOSED = ("won", "lost", "no_decision")
DAY = pd.Timedelta(days=1)
UNKNOWN = (
    "no_rate", "no_history", "no_probability", "unknown_status", "no_ended_at", "no_paid_at",
)  # fmt: skip
"""Reasons that say that a value is not known: where they take all, a sum is not 0 but nothing."""


@dataclass(frozen=True)
class Members:
    """A metric variant's population.

    `frame` has `id`, `month` (local, NaT without a date), of weeks `day`, `numerator`,
    `denominator` (None in additive metrics), `reason` (None: included) and a column per cut;
    `side`, where it is there, is None of records and not of what stands beside them, `is_part` of
    what counts in the company. `months` are all months of a state at period end, `every_month` says
    that the company has them all, `grains` those that the members count in.
    """

    metric: str
    variant: str
    unit: str
    entity: str
    frame: pd.DataFrame
    cuts: tuple[str, ...] = DEAL_CUTS
    is_median: bool = False
    months: tuple[pd.Period, ...] = ()
    every_month: bool = True
    grains: tuple[str, ...] = tuple(GRAINS)

    @property
    def is_additive(self) -> bool:
        """Whether values add up: there is nothing to divide by."""
        return not self.is_median and bool(self.frame["denominator"].isna().all())


def members_of_sales(
    records: Records, deals: pd.DataFrame, as_of: pd.Timestamp
) -> Iterator[Members]:
    """The members of every metric that is built on deals or leads alone, but sales_velocity."""
    yield from _outcome(deals)
    yield from _pipeline_created(records, deals)
    yield from _pushes(records, deals, as_of)
    yield from _slippage(records, deals, as_of)
    yield from _pipeline_value(records, as_of)
    yield from _leads(records, as_of, deals)


def deals_now(records: Records, as_of: pd.Timestamp) -> pd.DataFrame:
    """Deals as of a moment: amount in the company's currency, cycle, cuts, months."""
    deals = deals_at(records, as_of)
    closed_on = records.local(deals["closed_at"])
    day_now = records.local(pd.Series([as_of]))[0]
    deals["value"] = _values(records, deals, closed_on.fillna(day_now))
    deals["closed_month"] = closed_on.dt.to_period("M")
    deals["closed_day"] = closed_on.dt.normalize()
    deals["created_day"] = records.local(deals["created_at"]).dt.normalize()
    deals["created_month"] = deals["created_day"].dt.to_period("M")
    begun = deals["first_contact_at"].fillna(deals["created_at"])
    deals["days_from_contact"] = _days(records, begun, deals)
    deals["days_from_creation"] = _days(records, deals["created_at"], deals)
    return _with_cuts(records, deals, deals["credited_to"])


def _values(records: Records, deals: pd.DataFrame, days: pd.Series) -> pd.Series:
    rates = Rates(records)
    amounts = [
        rates.convert(amount, currency, day.date())
        for amount, currency, day in zip(deals["amount"], deals["currency"], days, strict=True)
    ]
    return pd.Series(amounts, index=deals.index, dtype=object)


def _days(records: Records, start: pd.Series, deals: pd.DataFrame) -> pd.Series:
    """Elapsed days until the closing; calendar days where either side is a bare one."""
    end = deals["closed_at"]
    first, last = (records.local(side) for side in (start, end))
    begins, ends = (records.moments(side.dt.normalize()) for side in (first, last))
    is_bare = (start == begins) | (end == ends) | deals["closed_on_a_day"]
    calendar = (last.dt.normalize() - first.dt.normalize()) / DAY
    return ((end - start) / DAY).mask(is_bare, calendar)


def _with_cuts(records: Records, frame: pd.DataFrame, owners: pd.Series) -> pd.DataFrame:
    """The frame with the keys of its cuts; region and segment are its own, else the owner's."""
    users = records["users"].set_index("source_id")
    frame = frame.assign(rep=owners, manager=owners.map(users["manager_id"]))
    frame["team"] = owners.map(users["team"])
    for cut in ("region", "segment"):
        of_owner = owners.map(users[cut]).astype(object)
        frame[cut] = frame[cut].fillna(of_owner) if cut in frame else of_owner
    for cut in {*DEAL_CUTS, *LEAD_CUTS, "stage"} & set(frame.columns):
        frame[cut] = frame[cut].astype(object).where(frame[cut].notna(), NONE)
    return frame


def _members(
    frame: pd.DataFrame,
    month: pd.Series,
    numerator: object,
    denominator: object,
    *reasons: tuple[pd.Series, str],
    cuts: tuple[str, ...] = DEAL_CUTS,
    day: pd.Series | None = None,
) -> pd.DataFrame:
    """Members of a metric; of several reasons for exclusion the first one holds."""
    reason = frame["removal"].copy()
    for applies, name in reasons:
        reason = reason.mask(reason.isna() & applies, name)
    return frame[["id", *cuts]].assign(
        month=month, day=day, numerator=numerator, denominator=denominator, reason=reason
    )


def _unvalued(deals: pd.DataFrame) -> tuple[tuple[pd.Series, str], ...]:
    """Why an amount does not count: there is none, or no rate for it."""
    is_missing = deals["value"].isna()
    has_none = deals["amount"].isna()
    return (has_none, "no_amount"), (is_missing & ~has_none, "no_rate")


def _outcome(deals: pd.DataFrame) -> Iterator[Members]:
    closed = deals[deals["status"].isin(CLOSED)]
    won = closed[closed["status"] == "won"]

    def members(metric: str, variant: str, unit: str, of: pd.DataFrame, num, den, *reasons, **kw):
        no_date = (of["closed_at"].isna(), "no_close_date")
        day = of["closed_day"]
        frame = _members(of, of["closed_month"], num, den, no_date, *reasons, day=day)
        return Members(metric, variant, unit, "opportunity", frame, **kw)

    for status in CLOSED:
        of = closed[closed["status"] == status]
        yield members(f"deals_{status}", "default", "deals", of, 1, None, grains=WEEKLY)
    unvalued, value = _unvalued(won), won["value"].fillna(Decimal(0))
    yield members("revenue_won", "default", "money", won, value, None, *unvalued, grains=WEEKLY)
    yield members("average_deal_size", "default", "money", won, value, 1, *unvalued)
    yield members(
        "average_deal_size", "median", "money", won, value, None, *unvalued, is_median=True
    )

    is_won = (closed["status"] == "won").astype(int)
    yield members("win_rate", "default", "ratio", closed, is_won, 1)
    is_none = (closed["status"] == "no_decision").astype(int)
    yield members("no_decision_rate", "default", "ratio", closed, is_none, 1)
    decided = closed[closed["status"] != "no_decision"]
    was_won = (decided["status"] == "won").astype(int)
    yield members("win_rate", "decided", "ratio", decided, was_won, 1)
    worth = closed["value"].fillna(Decimal(0))
    yield members(
        "win_rate", "by_value", "ratio", closed, worth.where(is_won == 1, Decimal(0)), worth,
        *_unvalued(closed),
    )  # fmt: skip
    cohort = _members(
        deals, deals["created_month"], (deals["status"] == "won").astype(int), 1,
        (deals["created_at"].isna(), "no_created_at"),
    )  # fmt: skip
    yield Members("win_rate", "cohort", "ratio", "opportunity", cohort)

    for variant, of, days in (
        ("default", won, "days_from_contact"),
        ("median", won, "days_from_contact"),
        ("created", won, "days_from_creation"),
        ("closed", closed, "days_from_creation"),
    ):
        reasons = ((of[days].isna(), "no_created_at"), (of[days] < 0, "closed_before_contact"))
        yield members(
            "sales_cycle_days", variant, "days", of, of[days].fillna(0), 1, *reasons,
            is_median=variant == "median",
        )  # fmt: skip


def _pipeline_created(records: Records, deals: pd.DataFrame) -> Iterator[Members]:
    """`default` at the amount of now; `as_created` as the bridge has it, deals gone since too."""
    undated = (deals["created_at"].isna(), "no_created_at")
    value = deals["value"].fillna(Decimal(0))
    month, day = deals["created_month"], deals["created_day"]
    frame = _members(deals, month, value, None, undated, *_unvalued(deals), day=day)
    yield Members("pipeline_created", "default", "money", "opportunity", frame, grains=WEEKLY)
    then = _as_created(records, deals)
    begun_on = records.local(then["begins_at"]).dt.normalize()
    reasons = (
        (then["begins_at"].isna(), "no_created_at"),
        (then["status"] != "open", "born_closed"),
        *_unvalued(then),
    )
    value = then["value"].fillna(Decimal(0))
    frame = _members(then, begun_on.dt.to_period("M"), value, None, *reasons, day=begun_on)
    yield Members("pipeline_created", "as_created", "money", "opportunity", frame, grains=WEEKLY)
    counts = _members(deals, month, 1, None, undated, day=day)
    yield Members("pipeline_created", "count", "deals", "opportunity", counts, grains=WEEKLY)


def _as_created(records: Records, deals: pd.DataFrame) -> pd.DataFrame:
    """The deals with what they were worth, whose they were and in when they began."""
    then = deals.copy()
    begins = dict(zip(deals["id"], deals["begins_at"], strict=True))
    changes = records["changes"].sort_values("changed_at", kind="stable")
    own = records["deals"].set_index("source_id")
    for name in ("amount", "currency", "owner_id"):
        values = own[name].reindex(deals["id"]).to_dict()
        for deal, history in changes[changes["field"] == name].groupby("entity_id"):
            later = history[history["changed_at"] > begins.get(deal, pd.NaT)]
            if len(later):
                past = history[history["changed_at"] <= begins[deal]]["new_value"]
                values[deal] = past.iloc[-1] if len(past) else later["old_value"].iloc[0]
        then[name] = pd.Series([values[deal] for deal in deals["id"]], deals.index, dtype=object)
    days = records.local(deals["begins_at"])
    known = days.notna()
    then["value"] = _values(records, then[known], days[known]).reindex(deals.index)
    lives = timelines(records)
    then["status"] = [
        lives[deal].at(EARLIEST if pd.isna(at) else at).status for deal, at in begins.items()
    ]
    gone = set(own.index[own["is_deleted"] | own["merged_into_id"].notna()])
    gone |= set(changes.loc[changes["field"] == "is_deleted", "entity_id"])
    then["removal"] = pd.Series(
        [
            removals_at(records, at).get(deal) if deal in gone and not pd.isna(at) else None
            for deal, at in begins.items()
        ],
        deals.index,
        dtype=object,
    )
    of_now = records["deals"].set_index("source_id").reindex(deals["id"])
    for cut in ("region", "segment"):
        then[cut] = of_now[cut].set_axis(deals.index) if cut in of_now else None
    return _with_cuts(records, then, then["owner_id"])


def _pushes(records: Records, deals: pd.DataFrame, as_of: pd.Timestamp) -> Iterator[Members]:
    """Moves of the close date to a later day, before a deal's closing; edits after it are none."""
    closed = deals[deals["status"].isin(CLOSED)]
    history = close_dates(records)
    closed_at = history["entity_id"].map(closed.set_index("id")["closed_at"])
    is_push = (history["changed_at"] < closed_at) & (
        history["new_value"].fillna("") > history["old_value"].fillna("9999")
    )
    since = known_from(records)
    created = closed["created_at"].fillna(EARLIEST)
    is_unknown = pd.Series(True, closed.index) if since is None else created < since
    times = history[is_push].groupby("entity_id").size()
    pushes = closed["id"].map(times).fillna(0)
    undated = (closed["closed_at"].isna(), "no_close_date")
    unknown = (is_unknown, "no_history")
    frame = _members(closed, closed["closed_month"], pushes, 1, undated, unknown)
    yield Members("push_count", "default", "count", "opportunity", frame)


def _slippage(records: Records, deals: pd.DataFrame, as_of: pd.Timestamp) -> Iterator[Members]:
    """Deals due in an ended period when it began: still open at its end, or pushed behind it.

    Where nobody knows what was expected then, any open deal may have been due.
    """
    history, since = close_dates(records), known_from(records)
    fiscal = records.fiscal_year_start_month
    this_month = records.local(pd.Series([as_of]))[0].to_period("M")
    ended_by = records.local(pd.Series([as_of + INSTANT]))[0].to_period("M")
    first = records.local(pd.Series([deals["begins_at"].min()]))[0]
    starts = pd.period_range(this_month if pd.isna(first) else first, this_month, freq="M")
    opened = {month: open_before(records, records.utc(month.start_time)) for month in starts}
    for grain in ("month", "quarter", "year"):
        found: dict[str, list[pd.DataFrame]] = {"default": [], "pushed": []}
        for month in starts:
            end = month + GRAINS[grain]
            is_start = period_start(month, grain, fiscal) == str(month.start_time.date())
            if not is_start or end > ended_by:
                continue
            begins_at = records.utc(month.start_time)
            is_known = since is not None and since <= begins_at
            due_on = pd.to_datetime(opened[month]["close_date"])
            due = (due_on >= month.start_time) & (due_on < end.start_time)
            ids = opened[month].loc[due | (not is_known), "id"]
            mine = deals[deals["id"].isin(ids)].assign(month=month, is_known=is_known)
            still_open = open_ids(records, records.utc(end.start_time) - INSTANT)
            limits = (begins_at, str(end.start_time.date()))
            pushed = pushed_behind(records, history, *limits)
            found["default"].append(mine.assign(slipped=mine["id"].isin(still_open).astype(int)))
            found["pushed"].append(mine.assign(slipped=mine["id"].isin(pushed).astype(int)))
        for variant, parts in found.items():
            if parts:
                frame = pd.concat(parts, ignore_index=True)
                unknown = (~frame["is_known"].astype(bool), "no_history")
                members = _members(frame, frame["month"], frame["slipped"], 1, unknown)
                yield Members(
                    "slippage_rate", variant, "ratio", "opportunity", members, grains=(grain,)
                )


def _pipeline_value(records: Records, as_of: pd.Timestamp) -> Iterator[Members]:
    """Deals open just before each month's end, and now; of an unknown beginning, only now."""
    now = deals_at(records, as_of)
    this_month = records.local(pd.Series([as_of]))[0].to_period("M")
    known = now["begins_at"].fillna(now["closed_at"])
    first = records.local(pd.Series([known.min()]))[0]
    first_month = this_month if pd.isna(first) else first.to_period("M")
    states = []
    for month in pd.period_range(first_month, this_month, freq="M"):
        if month == this_month:
            state, day = now, records.local(pd.Series([as_of]))[0]
        else:
            end = records.utc((month + 1).start_time)
            state, day = deals_at(records, end - pd.Timedelta(microseconds=1)), month.end_time
            state = state[state["begins_at"] < end]
        state = state[(state["status"] == "open") & state["removal"].isna()]
        value = _values(records, state, pd.Series(day, index=state.index))
        states.append(
            _with_cuts(records, state.assign(month=month, value=value), state["owner_id"])
        )
    frame = pd.concat(states, ignore_index=True)
    frame["stage"] = _stage_labels(records, frame)
    months = tuple(pd.period_range(first_month, this_month, freq="M"))
    unvalued = _unvalued(frame)
    value = frame["value"].fillna(Decimal(0))
    cuts = (*DEAL_CUTS, "stage")
    amounts = _members(frame, frame["month"], value, None, *unvalued, cuts=cuts)
    yield Members("pipeline_value", "default", "money", "opportunity", amounts, cuts, months=months)
    is_weightless = frame["probability"].isna()
    is_nowhere = (frame["stage"] == NONE) & (frame["month"] != this_month)
    reasons = ((is_nowhere, "no_history"), (is_weightless, "no_probability"))
    weighted = value * frame["probability"].fillna(Decimal(0))
    weights = _members(frame, frame["month"], weighted, None, *unvalued, *reasons, cuts=cuts)
    yield Members(
        "pipeline_value", "weighted", "money", "opportunity", weights, cuts, months=months
    )


def _stage_labels(records: Records, frame: pd.DataFrame) -> list[str]:
    """Stages as cuts name them: with the pipeline where several pipelines have one of the name."""
    pipelines = records["stages"].groupby("stage")["pipeline"].nunique()
    return [
        f"{stage} ({pipeline})" if pipelines.get(stage, 0) > 1 else stage
        for stage, pipeline in zip(frame["stage"], frame["pipeline"], strict=True)
    ]


def _leads(records: Records, as_of: pd.Timestamp, deals: pd.DataFrame) -> Iterator[Members]:
    leads = reached(records, records["leads"], as_of)
    leads = leads[leads["created_at"] <= as_of].copy()
    live = deals[deals["removal"].isna()]
    leads["id"] = leads["source_id"]
    leads["removal"] = pd.Series(None, index=leads.index, dtype=object).mask(
        leads["is_deleted"], "deleted"
    )
    leads = leads.assign(channel=leads["channel"], campaign=leads["campaign_id"])
    leads = _with_cuts(records, leads, leads["owner_id"])
    month = records.local(leads["created_at"]).dt.to_period("M")
    survivor = leads["opportunity_id"].map(survivors(deals))
    won = survivor.isin(live.loc[live["status"] == "won", "id"]).astype(int)
    unnamed = leads["opportunity_id"].isna() & (leads["converted_at"] <= as_of)
    has_deal = (survivor.isin(live["id"]) | unnamed).astype(int)
    is_qualified = leads["qualified_at"] <= as_of
    for variant, outcome, kept in (
        ("default", won, leads["id"].notna()),
        ("qualified", won, is_qualified),
        ("to_opportunity", has_deal, leads["id"].notna()),
    ):
        frame = _members(leads, month, outcome, 1, cuts=LEAD_CUTS)[kept]
        yield Members("lead_conversion_rate", variant, "ratio", "lead", frame, LEAD_CUTS)


def survivors(deals: pd.DataFrame) -> dict[str, str]:
    """The deal that each one is now: the one that it was merged into, however many steps on."""
    into = deals[deals["removal"] == "merged"].set_index("id")["merged_into_id"].to_dict()
    survivors = {}
    for deal in deals["id"]:
        seen = {deal}
        survivors[deal] = deal
        while (heir := into.get(survivors[deal])) and heir not in seen:
            seen.add(heir)
            survivors[deal] = heir
    return survivors

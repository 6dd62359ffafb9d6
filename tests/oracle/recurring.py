"""The members of the metrics of recurring revenue, from subscriptions alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from tests.oracle.customers import CUSTOMER_CUTS, Customers, main_plan
from tests.oracle.existing import Row, existing, local, month_of, or_none, told
from tests.oracle.members import Members
from tests.oracle.money import Rates
from tests.oracle.periods import GRAINS, period_start
from tests.oracle.records import INSTANT, Records

RUNNING = frozenset(("active", "past_due", "live", "renewing", "non_renewing"))
PAST = frozenset(("ended", "canceled", "cancelled", "expired", "churned", "completed"))
UNCOUNTED = frozenset(
    (
        "trial", "trialing", "in_trial", "incomplete", "incomplete_expired", "draft", "pending",
        "future", "paused", "on_hold", "suspended", "unpaid",
    )
)  # fmt: skip
YEAR = pd.DateOffset(years=1)


@dataclass(frozen=True)
class Moment:
    """A moment at which recurring revenue is asked for, and the day of its rates."""

    at: pd.Timestamp
    day: pd.Timestamp


@dataclass(frozen=True)
class Held:
    """What a customer pays a month at a moment: of each subscription, at the rate of a day.

    An amount without a rate is None.
    """

    amounts: tuple[tuple[str, Decimal | None], ...]

    @property
    def is_paying(self) -> bool:
        """Whether there is anything, be it without a rate."""
        return bool(self.amounts)

    @property
    def mrr(self) -> Decimal | None:
        """The sum; None where a rate is missing."""
        return total(amount for _, amount in self.amounts)

    @property
    def plan(self) -> str:
        """The main plan."""
        return main_plan(self.amounts)


def total(amounts: Iterator[Decimal | None] | Sequence[Decimal | None]) -> Decimal | None:
    """The sum of what is known, None where anything is not."""
    listed = list(amounts)
    return None if None in listed else sum(listed, Decimal(0))


class Subscriptions:
    """The subscriptions of a company: those that are paid, and those that are left out, and why."""

    def __init__(self, records: Records, customers: Customers, as_of: pd.Timestamp) -> None:
        self.records, self.customers, self.as_of = records, customers, as_of
        self.rates = Rates(records)
        frame = existing(records, "subscriptions", as_of, "started_at")
        frame["word"] = [
            re.sub(r"[\s-]+", "_", word.strip().casefold()) for word in frame["status"]
        ]
        is_past = frame["word"].isin(PAST) & frame["ended_at"].isna()
        reason = pd.Series(None, frame.index, dtype=object)
        reason = reason.mask(~frame["word"].isin(RUNNING | PAST), "unknown_status")
        reason = reason.mask(frame["word"].isin(UNCOUNTED), "status_does_not_count")
        frame["reason"] = reason.mask(is_past, "no_ended_at")
        frame["ended_at"] = self._ends(frame)
        self.counted = frame[frame["reason"].isna()]
        is_paid = frame["mrr"].map(Decimal) > 0
        self.paid, self.left_out = (
            frame[is_paid & is_counted]
            for is_counted in (frame["reason"].isna(), frame["reason"].notna())
        )

    def _ends(self, frame: pd.DataFrame) -> list[pd.Timestamp]:
        """When each ends; on a bare day with the next term, where that begins the day after."""
        given = self.records["subscriptions"]
        starts: dict[tuple[str, pd.Timestamp], pd.Timestamp] = {}
        for row in given[given["mrr"].map(Decimal) > 0].sort_values("started_at").itertuples():
            word = re.sub(r"[\s-]+", "_", row.status.strip().casefold())
            if not row.is_deleted and word in (RUNNING | PAST) - UNCOUNTED:
                day = local(self.records, row.started_at).normalize()
                starts.setdefault((row.customer_id, day), row.started_at)
        ends = []
        for row in frame.itertuples():
            end, is_bare = row.ended_at, False
            if not pd.isna(end):
                day = local(self.records, end).normalize()
                is_bare = self.records.utc(day) == end or end >= self.records.utc(
                    day + pd.Timedelta(days=1)
                ) - pd.Timedelta(seconds=1)
            following = (row.customer_id, day + pd.Timedelta(days=1)) if is_bare else None
            ends.append(starts.get(following, end))
        return ends

    @property
    def months(self) -> tuple[pd.Period, ...]:
        """From the month in which the first began to the current one."""
        if self.counted.empty:
            return ()
        first = month_of(self.records, self.counted["started_at"].min())
        return tuple(pd.period_range(first, month_of(self.records, self.as_of), freq="M"))

    def begin(self, month: pd.Period) -> Moment:
        """The last moment before a month."""
        return self.end(month - 1)

    def end(self, month: pd.Period) -> Moment:
        """The last moment of a month; of the current one, now."""
        at = self.records.utc((month + 1).start_time) - INSTANT
        at = min(at, self.as_of)
        return Moment(at, local(self.records, at))

    def year_before(self, moment: Moment) -> pd.Timestamp:
        """The same moment on the clocks of a year before."""
        after = local(self.records, moment.at + INSTANT)
        return self.records.utc(after - YEAR) - INSTANT

    def active(self, at: pd.Timestamp) -> pd.DataFrame:
        """What is paid for at a moment."""
        return _begun_and_not_ended(self.paid, at)

    def held(self, at: pd.Timestamp, day: pd.Timestamp) -> dict[str, Held]:
        """What each paying customer pays at a moment, at the rates of a day."""
        found: dict[str, list[tuple[str, Decimal | None]]] = defaultdict(list)
        for row in self.active(at).itertuples():
            amount = self.rates.convert(row.mrr, row.currency, day.date())
            found[row.customer_id].append((or_none(row.plan), amount))
        return {customer: Held(tuple(amounts)) for customer, amounts in found.items()}

    def had_before(self, customer: str, at: pd.Timestamp) -> bool:
        """Whether a customer had begun to pay by a moment."""
        started = self.paid.loc[self.paid["customer_id"] == customer, "started_at"]
        return bool((started <= at).any())


def _begun_and_not_ended(frame: pd.DataFrame, at: pd.Timestamp) -> pd.DataFrame:
    return frame[(frame["started_at"] <= at) & ~(frame["ended_at"] <= at)]


def recurring_members(subscriptions: Subscriptions) -> Iterator[Members]:
    """Every metric of recurring revenue but cac_payback_months."""
    if not subscriptions.months:
        return
    yield from _revenue(subscriptions)
    yield from _retention_of_revenue(subscriptions)
    yield from _retention_of_customers(subscriptions)
    yield from _flows(subscriptions)


def _member(
    metric: str, unit: str, entity: str, rows: Sequence[Row], **settings: object
) -> Members:
    frame = told(rows, CUSTOMER_CUTS)
    return Members(metric, "default", unit, entity, frame, CUSTOMER_CUTS, **settings)


def _revenue(subscriptions: Subscriptions) -> Iterator[Members]:
    """mrr, arr, average_revenue_per_account: states of each month's end."""
    rows: list[Row] = []
    accounts: list[Row] = []
    for month in subscriptions.months:
        moment = subscriptions.end(month)
        for row in subscriptions.active(moment.at).itertuples():
            amount = subscriptions.rates.convert(row.mrr, row.currency, moment.day.date())
            cuts = subscriptions.customers.cuts(row.customer_id, or_none(row.plan))
            reason = "no_rate" if amount is None else None
            rows.append(
                {"id": row.source_id, "month": month, "numerator": amount, "reason": reason, **cuts}
            )
        for row in _begun_and_not_ended(subscriptions.left_out, moment.at).itertuples():
            cuts = subscriptions.customers.cuts(row.customer_id, or_none(row.plan))
            rows.append({"id": row.source_id, "month": month, "reason": row.reason, **cuts})
        for customer, held in subscriptions.held(moment.at, moment.day).items():
            reason = "no_rate" if held.mrr is None else None
            cuts = subscriptions.customers.cuts(customer, held.plan)
            accounts.append(
                {"id": customer, "month": month, "numerator": held.mrr, "denominator": 1,
                 "reason": reason, **cuts}
            )  # fmt: skip
    months = subscriptions.months
    yield _member("mrr", "money", "subscription", rows, months=months)
    yearly = [row | {"numerator": row.get("numerator") and 12 * row["numerator"]} for row in rows]
    yield _member("arr", "money", "subscription", yearly, months=months)
    yield _member(
        "average_revenue_per_account", "money per month", "customer", accounts, months=months
    )


def _retention_of_revenue(subscriptions: Subscriptions) -> Iterator[Members]:
    """net_ and gross_revenue_retention: who paid a year before, both at the rates of now."""
    net: list[Row] = []
    gross: list[Row] = []
    for month in subscriptions.months:
        moment = subscriptions.end(month)
        now = subscriptions.held(moment.at, moment.day)
        before = subscriptions.held(subscriptions.year_before(moment), moment.day)
        for customer, then in before.items():
            kept = now.get(customer, Held(()))
            unknown = then.mrr is None or kept.mrr is None
            row = {
                "id": customer, "month": month, "reason": "no_rate" if unknown else None,
                **subscriptions.customers.cuts(customer, then.plan),
            }  # fmt: skip
            if not unknown:
                row["denominator"] = then.mrr
                net.append(row | {"numerator": kept.mrr})
                gross.append(row | {"numerator": min(then.mrr, kept.mrr)})
            else:
                net.append(row)
                gross.append(row)
    for metric, rows in (("net_revenue_retention", net), ("gross_revenue_retention", gross)):
        yield _member(
            metric, "ratio", "customer", rows, months=subscriptions.months, every_month=False
        )


def _retention_of_customers(subscriptions: Subscriptions) -> Iterator[Members]:
    """customer_retention_rate, logo_churn_rate: who paid just before a period began."""
    fiscal = subscriptions.records.fiscal_year_start_month
    months = subscriptions.months
    for grain in ("month", "quarter", "year"):
        kept: list[Row] = []
        for start in sorted({_first(month, grain, fiscal) for month in months}):
            opening = subscriptions.begin(start)
            closing = subscriptions.end(start + GRAINS[grain] - 1)
            stays = subscriptions.held(closing.at, closing.day)
            for customer, then in subscriptions.held(opening.at, opening.day).items():
                kept.append(
                    {"id": customer, "month": start, "numerator": int(customer in stays),
                     "denominator": 1, **subscriptions.customers.cuts(customer, then.plan)}
                )  # fmt: skip
        gone = [row | {"numerator": 1 - row["numerator"]} for row in kept]
        for metric, rows in (("customer_retention_rate", kept), ("logo_churn_rate", gone)):
            yield _member(metric, "ratio", "customer", rows, grains=(grain,))


def _first(month: pd.Period, grain: str, fiscal: int) -> pd.Period:
    return pd.Period(period_start(month, grain, fiscal), freq="M")


MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation")


def movements(subscriptions: Subscriptions) -> Iterator[Row]:
    """What moved each customer's revenue from month end to month end.

    Opening + movements + `currency` = closing; contraction and churn are negative.
    """
    for month in subscriptions.months:
        opening, closing = subscriptions.begin(month), subscriptions.end(month)
        before = subscriptions.held(opening.at, opening.day)
        revalued = subscriptions.held(opening.at, closing.day)
        after = subscriptions.held(closing.at, closing.day)
        for customer in {**before, **after}:
            then, now = before.get(customer, Held(())), after.get(customer, Held(()))
            at_one_rate = revalued.get(customer, Held(()))
            cuts = subscriptions.customers.cuts(customer, (then if then.amounts else now).plan)
            row = {"id": customer, "month": month, **cuts}
            if None in (then.mrr, now.mrr, at_one_rate.mrr):
                yield row | {"reason": "no_rate"}
                continue
            moved = now.mrr - at_one_rate.mrr
            if not then.is_paying:
                known = subscriptions.had_before(customer, opening.at)
                kind = "reactivation" if known else "new"
            elif not now.is_paying:
                kind = "churn"
            else:
                kind = "expansion" if moved > 0 else "contraction"
            yield row | {
                "opening": then.mrr, "closing": now.mrr,
                "currency": at_one_rate.mrr - then.mrr,
                **{name: moved if name == kind else Decimal(0) for name in MOVEMENTS},
            }  # fmt: skip


def _flows(subscriptions: Subscriptions) -> Iterator[Members]:
    """new_mrr, churned_mrr, quick_ratio."""
    found: dict[str, list[Row]] = {"new_mrr": [], "churned_mrr": [], "quick_ratio": []}
    for row in movements(subscriptions):
        if row.get("reason"):
            for rows in found.values():
                rows.append(row)
            continue
        if row["new"]:
            found["new_mrr"].append(row | {"numerator": row["new"]})
        if row["churn"]:
            found["churned_mrr"].append(row | {"numerator": -row["churn"]})
        if any(row[name] for name in MOVEMENTS):
            gained = row["new"] + row["expansion"] + row["reactivation"]
            lost = -(row["contraction"] + row["churn"])
            found["quick_ratio"].append(row | {"numerator": gained, "denominator": lost})
    for metric, unit in (("new_mrr", "money"), ("churned_mrr", "money"), ("quick_ratio", "ratio")):
        yield _member(metric, unit, "customer", found[metric])


def plans_of_customers(subscriptions: Subscriptions) -> dict[str, str]:
    """The main plan of each customer now, else of the last month end at which it had one."""
    plans: dict[str, str] = {}
    for month in subscriptions.months:
        moment = subscriptions.end(month)
        for customer, held in subscriptions.held(moment.at, moment.day).items():
            plans[customer] = held.plan
    return plans

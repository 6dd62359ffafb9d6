"""Truth of the finance metrics: recurring revenue, retention, cash."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, Ints, to_datetime, to_moment
from ingestion.sandbox.world.schema import INVOICE_STATUSES, NULL
from tests.truth.history import LENGTH, History
from tests.truth.table import GRAINS, Tall

VOID = INVOICE_STATUSES.index("void")
SALES_DAYS = 90


def add_finance(history: History, tall: Tall) -> None:
    """mrr, arr, retention, cash_collected, days_sales_outstanding; all for the company only."""
    started = history.fact("subscriptions", "started_at")
    if (started <= history.as_of).any():
        first = int(history.month(np.array([started.min()]))[0])
        _recurring(history, tall, first)
        _retention(history, tall, first)
        _customers(history, tall, first)
    _cash(history, tall)
    _receivables(history, tall)


def _active(history: History, moment: int) -> Ints:
    """Subscriptions active at a moment: started by then and not ended by then."""
    ended = history.value_at("subscriptions", "ended_at")
    still = (ended == NULL) | (ended > moment)
    return np.flatnonzero((history.fact("subscriptions", "started_at") <= moment) & still)


def _mrr(history: History, subscriptions: Ints, day: int) -> pd.DataFrame:
    """Recurring revenue of subscriptions in cents at the rate of a day: `customer, cents`."""
    currency = history.fact("subscriptions", "currency")[subscriptions]
    mrr = history.fact("subscriptions", "mrr")[subscriptions]
    customer = history.fact("subscriptions", "customer_id")[subscriptions].astype(np.int64)
    return pd.DataFrame({"customer": customer, "cents": history.convert(mrr, currency, day)})


def _recurring(history: History, tall: Tall, first: int) -> None:
    """mrr, arr: subscriptions active at the end of the period, at the rate of its last day.

    Each is converted and rounded to the cent before adding up; arr is twelve times mrr.
    """
    for grain in GRAINS:
        ends = history.period_ends(tall, grain, first)
        states = [
            _mrr(history, _active(history, moment), day).assign(month=month)
            for month, moment, day in ends
        ]
        frame = pd.concat(states, ignore_index=True)
        for metric, times in (("mrr", 1), ("arr", 12)):
            tall.add(
                metric, frame, (), unit="money", numerator=frame["cents"] * times, per=(100, 1),
                grains=(grain,),
            )  # fmt: skip


def _retention(history: History, tall: Tall, first: int) -> None:
    """net_revenue_retention, gross_revenue_retention.

    Both moments at the rate of the later day, so that currencies do not count as retention. Twelve
    months before is the same local date and time; periods without customers then are left out.
    """
    for grain in GRAINS:
        rows = []
        for month, moment, day in history.period_ends(tall, grain, first):
            before = _active(history, _year_before(history, moment))
            then = _mrr(history, before, day).groupby("customer")["cents"].sum()
            now = _mrr(history, _active(history, moment), day)
            now = now.groupby("customer")["cents"].sum().reindex(then.index, fill_value=0)
            rows.append(pd.DataFrame({"month": month, "then": then, "now": now}))
        frame = pd.concat(rows, ignore_index=True)
        for metric, kept in (
            ("net_revenue_retention", frame["now"]),
            ("gross_revenue_retention", np.minimum(frame["now"], frame["then"])),
        ):
            tall.add(
                metric, frame, (), unit="ratio", numerator=kept, denominator=frame["then"],
                per=(100, 100), grains=(grain,),
            )  # fmt: skip


def _year_before(history: History, moment: int) -> int:
    after = pd.Timestamp(to_datetime(moment + 1)).tz_convert(history.timezone).tz_localize(None)
    earlier = (after - pd.DateOffset(years=1)).tz_localize(
        history.timezone, ambiguous=True, nonexistent="shift_forward"
    )
    return to_moment(earlier.to_pydatetime()) - 1


def _customers(history: History, tall: Tall, first: int) -> None:
    """customer_retention_rate: of the customers active when the period began, those at its end.

    Grains month, quarter, year; the current period ends now.
    """
    customer = history.fact("subscriptions", "customer_id")
    for grain in LENGTH:
        rows = []
        for month, moment, _ in history.period_ends(tall, grain, first):
            then = np.unique(customer[_active(history, history.month_start(month) - 1)])
            stays = np.isin(then, customer[_active(history, moment)])
            rows.append(pd.DataFrame({"month": month, "stays": stays}))
        frame = pd.concat(rows, ignore_index=True)
        tall.add(
            "customer_retention_rate", frame, (), unit="ratio", numerator=frame["stays"],
            denominator=1, grains=(grain,),
        )  # fmt: skip


def _cash(history: History, tall: Tall) -> None:
    """cash_collected: payments at the rate of their local day; refunds are not taken off."""
    paid_at = history.fact("payments", "occurred_at")
    rows = np.flatnonzero(paid_at <= history.as_of)
    day = history.local_day(paid_at[rows])
    currency = history.fact("payments", "currency")[rows]
    cents = history.convert(history.fact("payments", "amount")[rows], currency, day)
    members = pd.DataFrame({"month": history.month(paid_at[rows])})
    tall.add("cash_collected", members, (), unit="money", numerator=cents, per=(100, 1))


def _receivables(history: History, tall: Tall) -> None:
    """days_sales_outstanding: open invoices at the end of the period against 90 days of invoices.

    Amounts with tax, at the rate of the local invoice day; invoices void by then count in neither.
    The numerator is open receivables times 90, the denominator the invoices of the 90 days.
    """
    issued = history.fact("invoices", "issued_at")
    rows = np.flatnonzero(issued <= history.as_of)
    if not len(rows):
        return
    day = history.local_day(issued[rows])
    currency = history.fact("invoices", "currency")[rows]
    total = history.convert(history.fact("invoices", "total")[rows], currency, day)
    first = int(history.month(issued[rows]).min())
    for grain in GRAINS:
        states = []
        for month, moment, _ in history.period_ends(tall, grain, first):
            counts = history.value_at("invoices", "status", moment)[rows] != VOID
            counts &= issued[rows] <= moment
            paid = history.value_at("invoices", "amount_paid", moment)[rows]
            open_cents = history.convert(paid, currency, day)
            recent = counts & (issued[rows] > moment - SALES_DAYS * DAY)
            owed = counts & (paid < history.fact("invoices", "total")[rows])
            states.append(
                pd.DataFrame(
                    {
                        "month": month,
                        "owed": np.where(owed, total - np.maximum(open_cents, 0), 0),
                        "invoiced": np.where(recent, total, 0),
                    }
                )[recent | owed]
            )
        frame = pd.concat(states, ignore_index=True)
        tall.add(
            "days_sales_outstanding", frame, (), unit="days", per=(100, 100), grains=(grain,),
            numerator=frame["owed"] * SALES_DAYS, denominator=frame["invoiced"],
        )  # fmt: skip

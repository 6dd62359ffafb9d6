"""Truth of recurring revenue: states at the ends of periods, retention, movements."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import Ints, to_datetime, to_moment
from ingestion.sandbox.world.schema import NONE, NULL, PLANS, PRODUCTS
from tests.truth.calendar import first_day
from tests.truth.customers import CUSTOMER_CUTS, Customers, is_counted
from tests.truth.history import LENGTH, History
from tests.truth.table import GRAINS, Tall

PLAN_CODES = len(PRODUCTS) + np.argsort(np.argsort(PLANS))
"""The code of each plan in the cut by product: after the products, in the order of the names."""
MOVEMENTS = ("new", "expansion", "contraction", "churn", "reactivation", "currency")


@dataclass(frozen=True)
class Recurring:
    """What customers pay per month, at any moment.

    A subscription without mrr counts as none, and one that is on trial, unpaid or paused neither.
    """

    history: History
    _states: dict[tuple[int, int], pd.DataFrame] = field(default_factory=dict, repr=False)
    _paying: dict[tuple[int, int], pd.DataFrame] = field(default_factory=dict, repr=False)

    def subscriptions(self, moment: int, day: int) -> pd.DataFrame:
        """Subscriptions active at a moment: `customer, plan, cents` at the rate of a day.

        Those that do not count by their status are there too: `counts` is false.
        """
        if (moment, day) not in self._states:
            history, ended = self.history, self.history.value_at("subscriptions", "ended_at")
            columns = ("started_at", "customer_id", "plan", "currency", "mrr")
            started, customer, plan, currency, mrr = (
                history.fact("subscriptions", name) for name in columns
            )
            active = (started <= moment) & ((ended == NULL) | (ended > moment)) & (mrr > 0)
            self._states[moment, day] = pd.DataFrame(
                {
                    "customer": customer[active].astype(np.int64),
                    "plan": PLAN_CODES[plan[active]],
                    "counts": is_counted(history)[active],
                    "cents": history.convert_exact(mrr[active], currency[active], day),
                }
            )
        return self._states[moment, day]

    def customers(self, moment: int, day: int) -> pd.DataFrame:
        """What customers pay at a moment, by customer: `cents`, and the `plan` with most of it."""
        if (moment, day) not in self._paying:
            subscriptions = self.subscriptions(moment, day).query("counts")
            by_plan = subscriptions.groupby(["customer", "plan"], as_index=False)
            plans = by_plan["cents"].sum().sort_values(["cents", "plan"], ascending=[False, True])
            by_customer = plans.groupby("customer")
            self._paying[moment, day] = pd.DataFrame(
                {"cents": by_customer["cents"].sum(), "plan": by_customer["plan"].first()}
            )
        return self._paying[moment, day]

    @cached_property
    def since(self) -> pd.Series:
        """When customers first paid for a subscription, by customer."""
        rows = (self.history.fact("subscriptions", "mrr") > 0) & is_counted(self.history)
        started = self.history.fact("subscriptions", "started_at")[rows]
        rows = pd.Series(started, self.history.fact("subscriptions", "customer_id")[rows])
        rows = rows[rows <= self.history.as_of]
        return rows.groupby(level=0).min()

    @cached_property
    def months(self) -> list[tuple[int, int, int]]:
        """Every month from the first subscription to now: itself, its last moment and day.

        The first may be one without mrr.
        """
        started = self.history.fact("subscriptions", "started_at")[is_counted(self.history)]
        started = started[started <= self.history.as_of]
        if not len(started):
            return []
        months = self.history.begun_months(int(self.history.month(started).min()))
        return [(int(month), *self._end(int(month))) for month in months]

    @property
    def first(self) -> int:
        """The month of the first subscription."""
        return self.months[0][0]

    def _end(self, month: int) -> tuple[int, int]:
        end, day = self.history.month_start(month + 1) - 1, int(first_day(month + 1)) - 1
        return min(end, self.history.as_of), min(day, self.history.today)

    @cached_property
    def plans(self) -> Ints:
        """The main plan of every customer now, or when one last paid at the end of a month."""
        plans = np.full(len(self.history.fact("customers", "created_at")), NONE, np.int64)
        for _, moment, day in self.months:
            paying = self.customers(moment, day)
            plans[paying.index] = paying["plan"]
        return plans

    @cached_property
    def movements(self) -> pd.DataFrame:
        """What moved the mrr of each customer in each month, in cents.

        `customer, month, plan, opening, new, expansion, contraction, churn, reactivation, currency,
        closing`. The opening is that of the month before at its own last day's rate; all but
        `currency` are at the rate of the month's end. The plan is that of the opening, else of the
        closing.
        """
        columns = ["customer", "month", "plan", "opening", *MOVEMENTS, "closing"]
        months = [self._moved(*month)[columns] for month in self.months]
        none = pd.DataFrame(columns=columns, dtype=np.int64)
        return pd.concat([none, *months], ignore_index=True)

    def _moved(self, month: int, moment: int, day: int) -> pd.DataFrame:
        before, day_before = self._end(month - 1)
        opening, closing = self.customers(before, day_before), self.customers(moment, day)
        frame = pd.DataFrame(index=opening.index.union(closing.index))
        frame["opening"] = opening["cents"].reindex(frame.index, fill_value=0)
        frame["closing"] = closing["cents"].reindex(frame.index, fill_value=0)
        revalued = self.customers(before, day)["cents"].reindex(frame.index, fill_value=0)
        moved = frame["closing"] - revalued
        was, is_there = frame["opening"] > 0, frame["closing"] > 0
        is_first = self.since.reindex(frame.index) > before
        for name, applies in (
            ("new", ~was & is_first), ("reactivation", ~was & ~is_first),
            ("churn", was & ~is_there),
            ("expansion", was & is_there & (moved > 0)),
            ("contraction", was & is_there & (moved < 0)),
        ):  # fmt: skip
            frame[name] = moved.where(applies, 0)
        frame["currency"] = revalued - frame["opening"]
        frame["plan"] = (
            opening["plan"].reindex(frame.index).fillna(closing["plan"]).astype(np.int64)
        )
        return frame.rename_axis("customer").reset_index().assign(month=month)


def add_recurring(recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """All metrics of recurring revenue; none before the first subscription."""
    if recurring.months:
        _states(recurring, customers, tall)
        _retention(recurring, customers, tall)
        _customers(recurring, customers, tall)
        _movements(recurring, customers, tall)


def _states(recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """mrr, arr, average_revenue_per_account: what is paid at the end of the period.

    At the rate of its last day, each subscription rounded to the cent; arr is twelve times mrr.
    Subscriptions count in their own plan, customers in their main one; those on trial, unpaid or
    paused are excluded. The company has every period from the first subscription that counts on.
    """
    for grain in GRAINS:
        ends = recurring.history.period_ends(tall, grain, recurring.first)
        shared: dict[str, Any] = {"grains": (grain,), "always": [month for month, _, _ in ends]}
        frame = _each(ends, lambda _, *end: recurring.subscriptions(*end))
        frame = frame.join(customers.cuts(frame["customer"], frame["plan"]))
        for metric, times in (("mrr", 1), ("arr", 12)):
            tall.add(
                metric, frame, CUSTOMER_CUTS, unit="money", numerator=frame["cents"] * times,
                per=(100, 1), included=frame["counts"], **shared,
            )  # fmt: skip
        frame = _each(ends, lambda _, *end: recurring.customers(*end).reset_index())
        frame = frame.join(customers.cuts(frame["customer"], frame["plan"]))
        tall.add(
            "average_revenue_per_account", frame, CUSTOMER_CUTS, unit="money per month",
            numerator=frame["cents"], denominator=1, per=(100, 1), **shared,
        )  # fmt: skip


def _retention(recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """net_revenue_retention, gross_revenue_retention.

    Of those who paid twelve months before the period's end (the same local date and time), both
    moments at the rate of the later day, so that currencies do not count as retention; the main
    plan is the one of then. Periods without customers then are left out.
    """
    history = recurring.history

    def stayed(_: int, moment: int, day: int) -> pd.DataFrame:
        before = _year_before(history, moment)
        paying = recurring.customers(before, int(history.local_day(np.array([before]))[0]))
        then, now = recurring.customers(before, day), recurring.customers(moment, day)
        kept = now["cents"].reindex(paying.index, fill_value=0)
        return paying.assign(cents=then["cents"], now=kept).reset_index()

    for grain in GRAINS:
        frame = _each(history.period_ends(tall, grain, recurring.first), stayed)
        frame = frame.join(customers.cuts(frame["customer"], frame["plan"]))
        for metric, kept in (
            ("net_revenue_retention", frame["now"]),
            ("gross_revenue_retention", np.minimum(frame["now"], frame["cents"])),
        ):
            tall.add(
                metric, frame, CUSTOMER_CUTS, unit="ratio", numerator=kept,
                denominator=frame["cents"], per=(100, 100), grains=(grain,),
            )  # fmt: skip


def _year_before(history: History, moment: int) -> int:
    after = pd.Timestamp(to_datetime(moment + 1)).tz_convert(history.timezone).tz_localize(None)
    earlier = (after - pd.DateOffset(years=1)).tz_localize(
        history.timezone, ambiguous=True, nonexistent="shift_forward"
    )
    return to_moment(earlier.to_pydatetime()) - 1


def _customers(recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """customer_retention_rate, logo_churn_rate: of those who paid when the period began.

    Grains month, quarter, year; the current period ends now. Whoever pays nothing at the end has
    gone.
    """
    history = recurring.history

    def stayed(month: int, moment: int, day: int) -> pd.DataFrame:
        then = recurring.customers(history.month_start(month) - 1, int(first_day(month)) - 1)
        return then.assign(
            stays=then.index.isin(recurring.customers(moment, day).index)
        ).reset_index()

    for grain in LENGTH:
        frame = _each(history.period_ends(tall, grain, recurring.first), stayed)
        frame = frame.join(customers.cuts(frame["customer"], frame["plan"]))
        for metric, counted in (
            ("customer_retention_rate", frame["stays"]), ("logo_churn_rate", ~frame["stays"]),
        ):  # fmt: skip
            tall.add(
                metric, frame, CUSTOMER_CUTS, unit="ratio", numerator=counted, denominator=1,
                grains=(grain,),
            )  # fmt: skip


def _movements(recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """new_mrr, churned_mrr, quick_ratio: sums of the months' movements."""
    moved = recurring.movements
    moved = moved.join(customers.cuts(moved["customer"], moved["plan"]))
    for metric, name, sign in (("new_mrr", "new", 1), ("churned_mrr", "churn", -1)):
        members = moved[moved[name] != 0]
        tall.add(
            metric, members, CUSTOMER_CUTS, unit="money", numerator=sign * members[name],
            per=(100, 1),
        )  # fmt: skip
    gained = moved["new"] + moved["expansion"] + moved["reactivation"]
    lost = -(moved["contraction"] + moved["churn"])
    has_moved = (gained != 0) | (lost != 0)
    tall.add(
        "quick_ratio", moved[has_moved], CUSTOMER_CUTS, unit="ratio", numerator=gained[has_moved],
        denominator=lost[has_moved], per=(100, 100),
    )  # fmt: skip


def _each(
    ends: list[tuple[int, int, int]], state: Callable[[int, int, int], pd.DataFrame]
) -> pd.DataFrame:
    """The states of periods one below the other, each with its first `month`."""
    frames = [state(*end).assign(month=end[0]) for end in ends]
    return pd.concat(frames, ignore_index=True)

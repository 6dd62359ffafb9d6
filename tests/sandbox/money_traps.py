"""What makes customers and their money hard to count: how often, and an evening that has it all.

As with deals, a small company meets most of it once in years.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, Ints, day_number, day_of
from ingestion.sandbox.world.schema import (
    COST_CATEGORIES,
    CURRENCIES,
    INVOICE_STATUSES,
    NONE,
    NULL,
    PLANS,
    STAGE_WON,
    SUBSCRIPTION_STATUSES,
)
from ingestion.sandbox.world.store import State

ACTIVE, ENDED, CANCELED = (SUBSCRIPTION_STATUSES.index(s) for s in ("active", "ended", "canceled"))
OPEN, PAID, VOID = (INVOICE_STATUSES.index(status) for status in ("open", "paid", "void"))
SMALL = 90_00
"""What is paid, credited or asked for where the amount does not matter."""


def money_traps(state: State) -> dict[str, int]:
    """How often each trap is in the records of customers and their money now."""
    return {**_subscriptions(state), **_invoices(state), **_marketing(state)}


def _subscriptions(state: State) -> dict[str, int]:
    """Subscriptions of one customer beside, after and in other currencies than each other."""
    columns = ("customer_id", "started_at", "ended_at", "mrr", "currency", "plan")
    rows = pd.DataFrame({name: state["subscriptions"][name] for name in columns})
    rows["ended_at"] = rows["ended_at"].where(rows["ended_at"] != NULL, state.now)
    rows = rows.sort_values(["customer_id", "started_at"])
    by_customer = rows.groupby("customer_id")
    before = by_customer["ended_at"].shift()
    same_instant = before == rows["started_at"]
    return {
        "free_plans": int((rows["mrr"] == 0).sum()),
        "contractions": int((same_instant & (by_customer["mrr"].diff() < 0)).sum()),
        "returns": int((before < rows["started_at"]).sum()),
        "overlaps": int((before > rows["started_at"]).sum()),
        "customers_in_two_currencies": int((by_customer["currency"].nunique() > 1).sum()),
        "customers_with_two_plans": int((by_customer["plan"].nunique() > 1).sum()),
    }


def _invoices(state: State) -> dict[str, int]:
    """Invoices that are not simply open or paid in full."""
    invoices = state["invoices"]
    paid = np.bincount(
        state["payments"]["invoice_id"], state["payments"]["amount"], len(invoices)
    )  # fmt: skip
    credited = np.unique(state["credit_notes"]["invoice_id"])
    total, is_void = invoices["total"], invoices["status"] == VOID
    return {
        "partial_payments": int(((paid > 0) & (paid < total)).sum()),
        "overpayments": int((paid > total).sum()),
        "void_invoices": int(is_void.sum()),
        "payments_of_void_invoices": int((is_void & (paid > 0)).sum()),
        "credits_of_what_is_open": int((paid[credited] == 0).sum()),
        "refunds": int((paid[credited] >= total[credited]).sum()),
    }


def _marketing(state: State) -> dict[str, int]:
    """Touches of deals that had been won, restated spend, costs of no team."""
    deal = state["touches"]["opportunity_id"]
    shut_at = state["opportunities"]["shut_at"][deal]
    late = (deal != NONE) & (shut_at != NULL) & (shut_at < state["touches"]["occurred_at"])
    is_won = STAGE_WON[state["opportunities"]["stage"][deal]]
    reported = state["spend_daily"]["updated_at"] // DAY - state["spend_daily"]["day"]
    return {
        "touches_after_the_win": int((late & is_won).sum()),
        "restated_spend": int((reported > 1).sum()),
        "costs_without_team": int((state["costs"]["team"] == NONE).sum()),
    }


def upset_money(state: State, moment: int) -> None:
    """What seldom happens to customers, invoices and won deals, all at one moment."""
    _upset_subscriptions(state, moment)
    _upset_invoices(state, moment)
    _upset_marketing(state, moment)


def _upset_marketing(state: State, moment: int) -> None:
    """Ads reach those who have bought, spend of a week ago is restated, costs have no team."""
    won = np.flatnonzero(STAGE_WON[state["opportunities"]["stage"]])[:2]
    state.create(
        "touches", len(won), moment, occurred_at=moment, type=0, channel=0, opportunity_id=won
    )
    spend = state["spend_daily"]
    restated = np.flatnonzero(spend["day"] < state.day - 7)[-2:]
    spend["spend"][restated] //= 2
    state.touch("spend_daily", restated, moment)
    month = day_number(day_of(state.day).replace(day=1))
    category = [COST_CATEGORIES.index(name) for name in ("events", "tools")]
    state.create("costs", 2, moment, month=month, amount=SMALL, currency=0, category=category)


def _upset_subscriptions(state: State, moment: int) -> None:
    """Customers pay less, pay nothing any more, leave, come back, or take something beside."""
    subscriptions = state["subscriptions"]
    current = np.flatnonzero(
        (subscriptions["is_current"] == 1) & (subscriptions["started_at"] < state.now - DAY)
    )
    smaller, free, gone, more = (current[nth : nth + 1] for nth in range(4))
    gone_before = np.setdiff1d(
        subscriptions["customer_id"], subscriptions["customer_id"][subscriptions["is_current"] == 1]
    )[:1]
    for ids, status in ((smaller, ENDED), (free, ENDED), (gone, CANCELED)):
        state.change("subscriptions", ids, "ended_at", moment, moment)
        state.change("subscriptions", ids, "status", status, moment)
        subscriptions["is_current"][ids] = 0
    state["customers"]["churned_on"][subscriptions["customer_id"][gone]] = state.day
    for customer, mrr in (
        (subscriptions["customer_id"][smaller], subscriptions["mrr"][smaller] * 2 // 3),
        (subscriptions["customer_id"][free], 0),
        (gone_before, SMALL),
        (subscriptions["customer_id"][more], SMALL),
    ):
        _subscribe(state, customer, mrr, moment)


def _subscribe(state: State, customer: Ints, mrr: Ints | int, moment: int) -> None:
    """In the currency and plan after those of the customer's last; nobody bills it."""
    subscriptions = state["subscriptions"]
    last = [np.flatnonzero(subscriptions["customer_id"] == one)[-1] for one in customer]
    state.create(
        "subscriptions", len(customer), moment, customer_id=customer, started_at=moment, mrr=mrr,
        status=ACTIVE, currency=(subscriptions["currency"][last] + 1) % len(CURRENCIES),
        plan=(subscriptions["plan"][last] + 1) % len(PLANS), is_current=0,
    )  # fmt: skip


def _upset_invoices(state: State, moment: int) -> None:
    """Invoices are paid in part, credited, paid twice, paid back, voided after payment."""
    invoices = state["invoices"]
    unpaid = np.flatnonzero((invoices["status"] == OPEN) & (invoices["amount_paid"] == 0))
    paid = np.flatnonzero(invoices["status"] == PAID)[-9:]
    partly, credited, void = (unpaid[nth : nth + 1] for nth in range(3))
    twice, back, voided = (paid[nth : nth + 1] for nth in range(3))
    for entity, ids, amount in (
        ("payments", partly, SMALL), ("payments", twice, SMALL), ("credit_notes", credited, SMALL),
        ("credit_notes", back, 2 * SMALL),
    ):  # fmt: skip
        state.create(
            entity, len(ids), moment, customer_id=invoices["customer_id"][ids], invoice_id=ids,
            occurred_at=moment, amount=amount, currency=invoices["currency"][ids],
        )  # fmt: skip
    state.change("invoices", partly, "amount_paid", SMALL, moment)
    state.change("invoices", np.append(void, voided), "status", VOID, moment)

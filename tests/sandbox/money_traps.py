"""What makes customers and their money hard to count: how often, and an evening that has it all.

As with deals, a small company meets most of it once in years.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints, day_number, day_of
from ingestion.sandbox.world.cash import CREDIT_NOTE, REFUND, WITH_REFUND
from ingestion.sandbox.world.invoicing import OPEN, PAID, USAGE, VOID
from ingestion.sandbox.world.pricing import (
    MILLIONTHS,
    YEAR,
    Columns,
    priced,
    repriced,
    yearly_price,
)
from ingestion.sandbox.world.schema import (
    COST_CATEGORIES,
    COUPONS,
    CURRENCIES,
    NONE,
    NULL,
    PLANS,
    STAGE_WON,
    SUBSCRIPTION_STATUSES,
)
from ingestion.sandbox.world.store import State
from ingestion.sandbox.world.subscriptions import (
    ACTIVE,
    CANCELED,
    ENDED,
    LOYAL,
    PAST_DUE,
    PAUSED,
    UNPAID,
    current,
    end,
    follow,
    replace,
    subscribe,
)

SMALL = 90_00
"""What is paid, credited or asked for where the amount does not matter."""
MINUTE = HOUR // 60
MANY_LINES = 120
FAILS_AFTER = 3 * DAY


def money_traps(state: State) -> dict[str, int]:
    """How often each trap is in the records of customers and their money now."""
    return {
        **_subscriptions(state), **_prices(state), **_standings(state), **_changes(state),
        **_invoices(state), **_collections(state), **_marketing(state),
    }  # fmt: skip


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


def _prices(state: State) -> dict[str, int]:
    """Prices that are more than an amount a month in a currency with cents."""
    table = state["subscriptions"]
    by_coupon = np.bincount(table["coupon"][table["coupon"] != NONE], minlength=len(COUPONS))
    by_currency = np.bincount(table["currency"], minlength=len(CURRENCIES))
    return {
        "yen": int(by_currency[CURRENCIES.index("JPY")]),
        "dinars": int(by_currency[CURRENCIES.index("KWD")]),
        "quantities": int((table["quantity"] > 1).sum()),
        "fractions_of_a_cent": int((table["mrr"] % MILLIONTHS != 0).sum()),
        "graduated_tiers": int((table["is_tiered"] == 1).sum()),
        "coupons_of_a_share": int(by_coupon[0]),
        "coupons_of_an_amount": int(by_coupon[1]),
        "coupons_of_three_months": int(by_coupon[2]),
    }


def _standings(state: State) -> dict[str, int]:
    """Stretches that do not count, or no more, and customers who are deleted."""
    table, log = state["subscriptions"], state.logs["subscriptions"]
    told = log["new"][log["field"] == list(table.columns).index("status")]
    by_status = np.bincount(told, minlength=len(SUBSCRIPTION_STATUSES))
    names = ("trialing", "past_due", "unpaid", "paused")
    resumed = (table["status"] == PAUSED) & (table["ended_at"] != NULL)
    return {
        **{name: int(by_status[SUBSCRIPTION_STATUSES.index(name)]) for name in names},
        "resumed": int(resumed.sum()),
        "deleted_customers": int((state["customers"]["is_deleted"] == 1).sum()),
    }


def _changes(state: State) -> dict[str, int]:
    """Changes in mid-period, and those that are taken back within a day."""
    table, changes = state["subscriptions"], state["prorations"]
    rows = pd.DataFrame({name: table[name] for name in ("chain", "started_at", "mrr")})
    rows = rows.sort_values(["chain", "started_at"])
    by_chain = rows.groupby("chain")
    is_back = rows["mrr"] == by_chain["mrr"].shift(2)
    is_back &= rows["started_at"] - by_chain["started_at"].shift() < DAY
    return {
        "upgrades_in_mid_period": int((changes["charge"] > changes["credit"]).sum()),
        "changes_not_billed_yet": int((changes["invoice_id"] == NONE).sum()),
        "back_within_a_day": int(is_back.sum()),
    }


def _invoices(state: State) -> dict[str, int]:
    """Invoices that are not simply open or paid in full."""
    invoices = state["invoices"]
    paid = _paid(state)
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


def _collections(state: State) -> dict[str, int]:
    """Invoices that are drafts, long, less a discount or paid bit by bit; refunds of each kind."""
    invoices, lines, notes = (state[name] for name in ("invoices", "invoice_lines", "credit_notes"))
    n_payments = np.bincount(state["payments"]["invoice_id"], minlength=len(invoices))
    paid, is_void = _paid(state), invoices["status"] == VOID
    fails = notes["failed_at"] != NULL
    return {
        "drafts": int((invoices["issued_at"] >= state.now).sum()),
        "invoices_of_many_lines": int((np.bincount(lines["invoice_id"]) >= MANY_LINES).sum()),
        "discounts": int((invoices["discount"] > 0).sum()),
        "lines_that_credit": int((lines["amount"] < 0).sum()),
        "payments_in_parts": int((n_payments > 1).sum()),
        "voids_after_a_part": int((is_void & (paid > 0) & (paid < invoices["total"])).sum()),
        "refunds_that_failed": int((fails & (notes["kind"] == REFUND)).sum()),
        "refunds_alone": int((~fails & (notes["kind"] == REFUND)).sum()),
        "credit_notes_with_a_refund": int((notes["kind"] == WITH_REFUND).sum()),
    }


def _paid(state: State) -> Ints:
    """What was paid of each invoice."""
    payments = state["payments"]
    paid = np.bincount(payments["invoice_id"], payments["amount"], len(state["invoices"]))
    return paid.astype(np.int64)


def _marketing(state: State) -> dict[str, int]:
    """Touches of deals that had been won, costs of no team."""
    deal = state["touches"]["opportunity_id"]
    shut_at = state["opportunities"]["shut_at"][deal]
    late = (deal != NONE) & (shut_at != NULL) & (shut_at < state["touches"]["occurred_at"])
    is_won = STAGE_WON[state["opportunities"]["stage"][deal]]
    return {
        "touches_after_the_win": int((late & is_won).sum()),
        "costs_without_team": int((state["costs"]["team"] == NONE).sum()),
    }


def upset_money(state: State, moment: int) -> None:
    """What seldom happens to customers, invoices and won deals, all at one moment."""
    _upset_subscriptions(state, moment)
    _upset_standings(state, moment)
    _upset_invoices(state, moment)
    _upset_marketing(state, moment)


def _upset_marketing(state: State, moment: int) -> None:
    """Ads reach those who have bought, costs have no team."""
    won = np.flatnonzero(STAGE_WON[state["opportunities"]["stage"]])[:2]
    state.create(
        "touches", len(won), moment, occurred_at=moment, type=0, channel=0, opportunity_id=won
    )
    month = day_number(day_of(state.day).replace(day=1))
    category = [COST_CATEGORIES.index(name) for name in ("events", "tools")]
    state.create("costs", 2, moment, month=month, amount=SMALL, currency=0, category=category)


def _upset_subscriptions(state: State, moment: int) -> None:
    """Customers pay less, pay nothing any more, leave, come back, or take something beside.

    One of those who leave is deleted a minute later.
    """
    subscriptions = state["subscriptions"]
    smaller, free, gone, more, _ = _present(state)
    gone_before = np.setdiff1d(
        subscriptions["customer_id"], subscriptions["customer_id"][subscriptions["is_current"] == 1]
    )
    is_deleted = state["customers"]["is_deleted"][gone_before] == 1
    gone_before = gone_before[~is_deleted][:1]
    for ids, status in ((smaller, ENDED), (free, ENDED), (gone, CANCELED)):
        end(state, ids, status, moment)
    left = subscriptions["customer_id"][gone]
    state["customers"]["churned_on"][left] = state.day
    state.change("customers", left, "is_deleted", 1, moment + MINUTE)
    for customer, yearly in (
        (subscriptions["customer_id"][smaller], yearly_price(state, smaller) * 2 // 3),
        (subscriptions["customer_id"][free], 0),
        (gone_before, SMALL * YEAR),
        (subscriptions["customer_id"][more], SMALL * YEAR),
    ):
        _subscribe(state, customer, yearly, moment)


def _present(state: State) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    """Stretches of four customers who have only one, each to upset another way; and the others."""
    subscriptions, rows = state["subscriptions"], current(state)
    rows = rows[subscriptions["customer_id"][rows] >= LOYAL]
    rows = rows[subscriptions["status"][rows] == ACTIVE]
    rows = rows[subscriptions["started_at"][rows] < state.now - DAY]
    _, first = np.unique(subscriptions["customer_id"][rows], return_index=True)
    rows = rows[np.sort(first)]
    return rows[:1], rows[1:2], rows[2:3], rows[3:4], rows[4:]


def _subscribe(state: State, customer: Ints, yearly: Ints | int, moment: int) -> None:
    """In the currency and plan after those of the customer's last; nobody bills it."""
    subscriptions, count = state["subscriptions"], len(customer)
    last = [np.flatnonzero(subscriptions["customer_id"] == one)[-1] for one in customer]
    currency = (subscriptions["currency"][last].astype(np.int64) + 1) % len(CURRENCIES)
    monthly, one = np.zeros(count, np.int64), np.ones(count, np.int64)
    prices = priced(yearly * one, currency, monthly, one, monthly == 1, NONE * one)
    if not np.any(yearly):
        prices |= dict.fromkeys(("unit_amount", "period_amount", "mrr"), monthly)
    ids = subscribe(
        state, customer, np.full(count, moment), currency, NONE * one,
        (subscriptions["plan"][last] + 1) % len(PLANS), monthly, prices,
    )  # fmt: skip
    subscriptions["is_current"][ids] = 0


def _upset_standings(state: State, moment: int) -> None:
    """A contract is paused, one unpaid, one past due, one begins on trial.

    One changes its price and takes that back a minute later. What was paused by an evening before
    goes on, and who has not paid since then is given up.
    """
    table = state["subscriptions"]
    before = table["started_at"] < state.now - DAY
    paused, unpaid = (
        np.flatnonzero((table["status"] == status) & (table["ended_at"] == NULL) & before)
        for status in (PAUSED, UNPAID)
    )
    end(state, paused, None, moment)
    follow(state, paused, moment, NONE, ACTIVE)
    end(state, unpaid, None, moment)
    state["customers"]["churned_on"][table["customer_id"][unpaid]] = state.day

    *_, others = _present(state)
    pausing, failing, late, trying, wavering = (others[nth : nth + 1] for nth in range(5))
    state.change("subscriptions", np.append(failing, late), "status", PAST_DUE, moment - 2 * MINUTE)
    for ids, status in ((pausing, PAUSED), (failing, UNPAID)):
        end(state, ids, ENDED, moment)
        follow(state, ids, moment, NONE, status, is_current=False)
    _try(state, trying, moment)
    prices: Columns = {
        name: table[name][wavering].copy() for name in repriced(state, wavering, SMALL * wavering)
    }
    larger = repriced(state, wavering, yearly_price(state, wavering) * 2)
    once = replace(state, wavering, larger, np.full(len(wavering), moment - MINUTE))
    replace(state, once, prices, np.full(len(wavering), moment))


def _try(state: State, ids: Ints, moment: int) -> None:
    """The customers of contracts try another one."""
    table = state["subscriptions"]
    prices: Columns = {
        name: table[name][ids].copy() for name in repriced(state, ids, yearly_price(state, ids))
    }
    subscribe(
        state, table["customer_id"][ids], np.full(len(ids), moment), table["currency"][ids],
        np.full(len(ids), NONE), table["plan"][ids], table["is_annual"][ids], prices, True,
    )  # fmt: skip


def _upset_invoices(state: State, moment: int) -> None:
    """Invoices are drafted, paid in part, credited, paid twice, paid back, voided after payment."""
    invoices = state["invoices"]
    unpaid = (invoices["status"] == OPEN) & (invoices["amount_paid"] == 0)
    unpaid &= (invoices["total"] > 4 * SMALL) & (invoices["issued_at"] < state.now - DAY)
    unpaid = np.flatnonzero(unpaid)
    paid = np.flatnonzero((invoices["status"] == PAID) & (invoices["total"] > 4 * SMALL))[-9:]
    partly, credited, void, in_vain = (unpaid[nth : nth + 1] for nth in range(4))
    twice, back, voided, sent_back, returned = (paid[nth : nth + 1] for nth in range(5))
    parts = np.concatenate([partly, in_vain])
    _move(state, "payments", np.concatenate([parts, twice]), SMALL, moment)
    _move(state, "payments", partly, SMALL, moment - MINUTE)
    _move(state, "credit_notes", credited, SMALL, moment, kind=CREDIT_NOTE)
    _move(state, "credit_notes", back, 2 * SMALL, moment, kind=WITH_REFUND)
    _move(state, "credit_notes", returned, SMALL, moment, kind=REFUND)
    _move(
        state, "credit_notes", sent_back, SMALL, moment, kind=REFUND, fail_due=moment + FAILS_AFTER
    )
    state.change("invoices", partly, "amount_paid", 2 * SMALL, moment)
    state.change("invoices", in_vain, "amount_paid", SMALL, moment)
    state.change("invoices", np.concatenate([void, voided, in_vain]), "status", VOID, moment)
    _draft(state, credited, moment)


def _move(state: State, entity: str, ids: Ints, amount: int, at: int, **values: int) -> None:
    """Payments or credit notes of invoices."""
    invoices = state["invoices"]
    state.create(
        entity, len(ids), at, customer_id=invoices["customer_id"][ids], invoice_id=ids,
        occurred_at=at, amount=amount, currency=invoices["currency"][ids], **values,
    )  # fmt: skip


def _draft(state: State, like: Ints, moment: int) -> None:
    """Invoices for usage that are drafts until tomorrow, for whom others are for."""
    invoices, issued_at = state["invoices"], moment + 10 * HOUR
    whose = {
        name: invoices[name][like].copy() for name in ("customer_id", "currency", "subscription_id")
    }
    ids = state.create(
        "invoices", len(like), issued_at, **whose, issued_at=issued_at, drafted_at=moment,
        due_at=issued_at + 30 * DAY, pay_due=issued_at + 20 * DAY, status=OPEN, total=SMALL, tax=0,
        amount_paid=0, discount=0, parts=1,
    )  # fmt: skip
    state.create(
        "invoice_lines", len(like), issued_at, invoice_id=ids, product=0, quantity=1, amount=SMALL,
        kind=USAGE, subscription_id=whose["subscription_id"],
    )  # fmt: skip

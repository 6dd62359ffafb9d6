"""Cash: payments in one part or several, bad debts written off, refunds and those that fail."""

from __future__ import annotations

import numpy as np

from ingestion.sandbox.world.calendar import DAY, HOUR, Ints
from ingestion.sandbox.world.invoicing import OPEN, PAID, VOID
from ingestion.sandbox.world.pricing import rounded
from ingestion.sandbox.world.schema import CREDIT_KINDS, NULL, SMALLEST
from ingestion.sandbox.world.store import State
from ingestion.sandbox.world.subscriptions import forgive

CREDIT_NOTE, REFUND, WITH_REFUND = range(len(CREDIT_KINDS))
DAYS_BETWEEN_PARTS = 9
FAILING_SHARE = 0.1
FAILS_AFTER = 5 * DAY


def collect(state: State, rng: np.random.Generator, more: np.random.Generator) -> None:
    """Payments that arrive today, bad debts written off, and a few refunds."""
    invoices = state["invoices"]
    first = np.searchsorted(invoices["issued_at"], state.now - 200 * DAY)
    recent = np.arange(first, len(invoices))
    due = invoices["pay_due"][recent]
    due_now = (due >= state.now) & (due < state.now + DAY)
    paid = recent[due_now & (invoices["status"][recent] == OPEN)]
    pay(state, paid)

    age = state.now - invoices["issued_at"][recent]
    bad = recent[(invoices["status"][recent] == OPEN) & (age >= 180 * DAY) & (age < 181 * DAY)]
    bad = np.setdiff1d(bad, paid)
    state.change("invoices", bad, "status", VOID, state.now + 4 * HOUR)
    forgive(state, bad, state.now + 4 * HOUR)

    settled = recent[(invoices["paid_at"][recent] >= state.now - 30 * DAY)
                     & (invoices["paid_at"][recent] < state.now)]  # fmt: skip
    settled = settled[rng.random(len(settled)) < 0.0004]
    settled = np.setdiff1d(settled, state["credit_notes"]["invoice_id"])
    at = state.now + 8 * HOUR + rng.integers(0, 10 * 3600, len(settled)) * 1_000_000
    _pay_back(state, more, settled, at, rng.uniform(0.1, 1.0, len(settled)))
    _fail(state)


def pay(state: State, ids: Ints) -> None:
    """Payments of invoices at the moments that they are due: all that is left, or a part."""
    invoices = state["invoices"]
    at, left = invoices["pay_due"][ids], invoices["total"][ids] - invoices["amount_paid"][ids]
    parts, currency = invoices["parts"][ids], invoices["currency"][ids]
    part = rounded(left / np.maximum(parts, 2), currency)
    amount = np.where(parts == 1, left, np.clip(part, SMALLEST[currency], left))
    state.create(
        "payments", len(ids), at, customer_id=invoices["customer_id"][ids], invoice_id=ids,
        occurred_at=at, amount=amount, currency=currency,
    )  # fmt: skip
    state.change("invoices", ids, "amount_paid", invoices["amount_paid"][ids] + amount, at)
    whole = invoices["amount_paid"][ids] == invoices["total"][ids]
    state.change("invoices", ids[whole], "paid_at", at[whole], at[whole])
    state.change("invoices", ids[whole], "status", PAID, at[whole])
    rest = ids[~whole]
    again = at[~whole] + DAYS_BETWEEN_PARTS * DAY
    invoices["pay_due"][rest] = np.where(invoices["parts"][rest] == 0, NULL, again)
    invoices["parts"][rest] -= 1


def _pay_back(
    state: State, more: np.random.Generator, ids: Ints, at: Ints, share: np.ndarray
) -> None:
    """Refunds of payments, and credit notes. What was paid in parts is only credited."""
    invoices, payments = state["invoices"], state["payments"]
    kind = more.choice(len(CREDIT_KINDS), len(ids), p=[0.3, 0.4, 0.3])
    n_payments = np.bincount(payments["invoice_id"], minlength=len(invoices))[ids]
    kind = np.where(n_payments > 1, CREDIT_NOTE, kind)
    currency, total = invoices["currency"][ids], invoices["total"][ids]
    smallest = SMALLEST[currency]
    amount = np.maximum(total * share, np.minimum(100, total)) // smallest * smallest
    fails = (kind == REFUND) & (more.random(len(ids)) < FAILING_SHARE)
    state.create(
        "credit_notes", len(ids), at, customer_id=invoices["customer_id"][ids], invoice_id=ids,
        occurred_at=at, currency=currency, amount=amount.astype(np.int64), kind=kind,
        fail_due=np.where(fails, at + FAILS_AFTER, NULL),
    )  # fmt: skip


def _fail(state: State) -> None:
    """Refunds that the customer's bank sends back today: they are none any more."""
    notes = state["credit_notes"]
    due = notes["fail_due"]
    failing = np.flatnonzero((due >= state.now) & (due < state.now + DAY))
    notes["failed_at"][failing] = due[failing]
    state.change("credit_notes", failing, "is_deleted", 1, due[failing])

"""Subscriptions and their items: the stretches of a chain in the world are one subscription."""

from __future__ import annotations

from functools import cache

import numpy as np

from ingestion.sandbox.systems.stripe import answers
from ingestion.sandbox.systems.stripe.books import SECOND, Books, months_later, seconds
from ingestion.sandbox.systems.stripe.catalogue import (
    ONE_OFF_PRICES,
    PRICE_IDS,
    SUBSCRIPTION_IDS,
    holding,
    of_reference,
    plan,
    price,
    price_key,
)
from ingestion.sandbox.systems.stripe.collections import Document, Ids, Kind, Mask
from ingestion.sandbox.systems.stripe.customers import IDS as CUSTOMERS
from ingestion.sandbox.systems.stripe.errors import StripeError
from ingestion.sandbox.systems.stripe.money import CODES
from ingestion.sandbox.systems.stripe.questions import Question
from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import NONE, NULL, SUBSCRIPTION_STATUSES

ITEM_IDS = Ids("si_", FIRST_ID["subscriptions"])
INVOICE_IDS = Ids("in_", FIRST_ID["invoices"])
VENDORS = {"active", "trialing", "past_due", "unpaid"}
"""Statuses that are named alike."""
STATUSES = (
    "active", "all", "canceled", "ended", "incomplete", "incomplete_expired", "past_due", "paused",
    "trialing", "unpaid",
)  # fmt: skip
DAYS_UNTIL_DUE = 30


def subscriptions(books: Books) -> Kind:
    """All subscriptions; without `status`, those that have not ended."""
    store = books["subscriptions"]
    held = books.price_row[books.current_row] + ONE_OFF_PRICES

    @cache
    def statuses() -> Mask:
        return _current_statuses(books)

    def of_status(question: Question, name: str) -> Mask:
        wanted = question.single.get(name)
        if wanted is not None and wanted not in STATUSES:
            raise StripeError(f"Invalid status: must be one of {', '.join(STATUSES)}", None, name)
        found = statuses()
        if wanted == "all":
            return np.ones(len(found), bool)
        if wanted is None:
            return np.asarray(found != "canceled")
        return np.asarray(found == ("canceled" if wanted == "ended" else wanted))

    return Kind(
        "subscriptions", "subscription", SUBSCRIPTION_IDS, seconds(store["started_at"]),
        lambda key, at: subscription(books, key, at),
        {"status": of_status, "customer": of_reference(store["customer_id"], CUSTOMERS),
         "price": of_reference(held, PRICE_IDS)},
        present=books.chain == np.arange(len(store)), always=("status",),
    )  # fmt: skip


def items(books: Books) -> Kind:
    """The item of each subscription."""
    store = books["subscriptions"]
    return Kind(
        "subscription_items", "subscription_item", ITEM_IDS, seconds(store["started_at"]),
        lambda key, at: item(books, key, at),
        {"subscription": of_reference(np.arange(len(store)), SUBSCRIPTION_IDS)},
        present=books.chain == np.arange(len(store)), required=("subscription",), is_dated=False,
    )  # fmt: skip


def _current_statuses(books: Books) -> Mask:
    """The status of each subscription as it is now, by its first row."""
    chains = np.flatnonzero(books.chain == np.arange(len(books.chain)))
    found = np.full(len(books.chain), "", dtype="<U24")
    found[chains] = [_status(books, int(books.current_row[c]), books.now)[0] for c in chains]
    return found


def _status(books: Books, row: int, at: int) -> tuple[str, bool, int]:
    """The status of a subscription in a row, whether it is on hold, and its end or NULL."""
    name = SUBSCRIPTION_STATUSES[books.status(row, at)]
    ended_at = int(books["subscriptions"]["ended_at"][row])
    if ended_at == NULL or ended_at > at:
        return (name if name in VENDORS else "active"), name == "paused", NULL
    return "canceled", False, ended_at


def subscription(books: Books, chain: int, at: int) -> Document:
    """A subscription."""
    store, row = books["subscriptions"], books.stretch(chain, at)
    status, is_on_hold, ended_at = _status(books, row, at)
    ended = None if ended_at == NULL else ended_at // SECOND
    cancel_at, asked_at = _cancellation(books, row, at)
    began = int(store["started_at"][chain])
    trial = _trial(books, chain, at)
    bill = books.last(books.bills.of(chain), books["invoices"]["drafted_at"], at)
    subscription_id = SUBSCRIPTION_IDS.of(chain)
    url = f"/v1/subscription_items?subscription={subscription_id}"
    reason = None if asked_at is None else "cancellation_requested"
    return {
        "id": subscription_id, "object": "subscription", "application": None,
        "application_fee_percent": None,
        "automatic_tax": {"disabled_reason": None, "enabled": False, "liability": None},
        "billing_cycle_anchor": began // SECOND, "billing_cycle_anchor_config": None,
        "billing_mode": {"flexible": None, "type": "classic"}, "billing_schedules": [],
        "billing_thresholds": None, "cancel_at": cancel_at, "cancel_at_period_end": False,
        "canceled_at": asked_at,
        "cancellation_details": {"comment": None, "feedback": None, "reason": reason},
        "collection_method": "send_invoice", "created": began // SECOND,
        "currency": CODES[store["currency"][chain]],
        "customer": CUSTOMERS.of(int(store["customer_id"][chain])), "customer_account": None,
        "days_until_due": DAYS_UNTIL_DUE, "default_payment_method": None, "default_source": None,
        "default_tax_rates": [], "description": None, "discounts": holding(books, row, at),
        "ended_at": ended,
        "invoice_settings": {
            "account_tax_ids": None, "custom_fields": None, "description": None, "footer": None,
            "issuer": {"type": "self"},
        },
        "items": answers.listed(url, [item(books, chain, at)], False),
        "latest_invoice": None if bill == NONE else INVOICE_IDS.of(bill), "livemode": False,
        "metadata": {}, "next_pending_invoice_item_invoice": None, "on_behalf_of": None,
        "pause_collection": {"behavior": "void", "resumes_at": None} if is_on_hold else None,
        "payment_settings": {
            "payment_method_options": None, "payment_method_types": None,
            "save_default_payment_method": "off",
        },
        "pending_invoice_item_interval": None, "pending_setup_intent": None,
        "pending_update": None, "schedule": None, "start_date": began // SECOND,
        "status": status, "test_clock": None, "transfer_data": None, "trial_end": trial[1],
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": trial[0],
    }  # fmt: skip


def _cancellation(books: Books, row: int, at: int) -> tuple[int | None, int | None]:
    """The second in which a subscription in a row is to end, and the one in which that was asked.

    None before it was asked. That was hours before, where the stretch had begun by then.
    """
    ends_at, asked_at = int(books["subscriptions"]["ended_at"][row]), int(books.asked_to_end[row])
    if row != books.current_row[row] or ends_at == NULL or asked_at > at:
        return None, None
    return ends_at // SECOND, asked_at // SECOND


def item(books: Books, chain: int, at: int) -> Document:
    """The item of a subscription: its price and quantity."""
    row = books.stretch(chain, at)
    key = price_key(books, row)
    starts, ends = _period(books, chain, at)
    return {
        "id": ITEM_IDS.of(chain), "object": "subscription_item", "billing_thresholds": None,
        "created": int(books["subscriptions"]["started_at"][chain]) // SECOND,
        "current_period_end": ends // SECOND, "current_period_start": starts // SECOND,
        "discounts": [], "metadata": {}, "plan": plan(books, key), "price": price(books, key),
        "quantity": int(books["subscriptions"]["quantity"][row]),
        "subscription": SUBSCRIPTION_IDS.of(chain), "tax_rates": [],
    }  # fmt: skip


def _trial(books: Books, chain: int, at: int) -> tuple[int | None, int | None]:
    """The first and the last second of a subscription's trial."""
    store, rows = books["subscriptions"], books.stretches.of(chain)
    tried = rows[(store["trial_ends_at"][rows] != NULL) & (store["started_at"][rows] <= at)]
    if not len(tried):
        return None, None
    return (
        int(store["started_at"][tried[0]]) // SECOND,
        int(store["trial_ends_at"][tried[0]]) // SECOND,
    )


def _period(books: Books, chain: int, at: int) -> tuple[int, int]:
    """The period that a subscription is billed to; before its first invoice, the one to come."""
    line = books.last(books.recurring.of(chain), books.line_drafted_at, at)
    if line != NONE:
        return line_period(books, line)
    store = books["subscriptions"]
    began, trial_ends_at = int(store["started_at"][chain]), int(store["trial_ends_at"][chain])
    if trial_ends_at > at:
        return began, trial_ends_at
    began = max(began, trial_ends_at)
    return began, months_later(began, 12 if store["is_annual"][chain] else 1)


def line_period(books: Books, line: int) -> tuple[int, int]:
    """The moments at which the period of a recurring line begins and the next one does.

    The period of a new stretch begins with it, in the course of the day.
    """
    lines, row = books["invoice_lines"], int(books["invoice_lines"]["subscription_id"][line])
    starts = int(lines["period_start"][line]) * DAY
    began = int(books["subscriptions"]["started_at"][row])
    ends = (int(lines["period_end"][line]) + 1) * DAY
    return (began if starts <= began < ends else starts), ends


def ended(books: Books, chains: Ints) -> Mask:
    """Which subscriptions have ended by now."""
    ended_at = books["subscriptions"]["ended_at"][books.current_row[chains]]
    return np.asarray((ended_at != NULL) & (ended_at <= books.now))


def changes(books: Books) -> tuple[Ints, Ints]:
    """Subscriptions, and the moments at which they changed between their beginning and their end.

    Each new stretch, each new status, each invoice (with its period), each discount that runs out,
    and when they were asked to end.
    """
    store, log = books["subscriptions"], books.state.logs["subscriptions"]
    is_status = log["field"] == books.status_field
    bills = books["invoices"]
    rows = np.arange(len(store))
    discounted = np.flatnonzero(books.discount == rows)
    pairs = [
        (rows, store["started_at"]), (log["id"][is_status], log["at"][is_status]),
        (bills["subscription_id"], bills["drafted_at"]),
        (discounted, books.discount_removed[discounted]),
        (books.current_row, books.asked_to_end[books.current_row]),
    ]  # fmt: skip
    row = np.concatenate([np.asarray(keys, np.int64) for keys, _ in pairs])
    moments = np.concatenate([np.asarray(moments, np.int64) for _, moments in pairs])
    row, moments = row[row != NONE], moments[row != NONE]
    chains = books.chain[row]
    ends = store["ended_at"][books.current_row[chains]]
    between = (moments > store["started_at"][chains]) & ((ends == NULL) | (moments < ends))
    known = between & (moments != NULL) & (moments <= books.now)
    return chains[known], moments[known]

"""What the account's objects are made of: the world's rows, grouped and dated for them.

Moments are microseconds. Nothing here is Stripe's: it is the world, asked as an account asks.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import (
    DAY,
    HOUR,
    Ints,
    add_months,
    day_number,
    day_of,
    to_moment,
)
from ingestion.sandbox.world.render import FIRST_ID
from ingestion.sandbox.world.schema import (
    COUPONS,
    CREDIT_KINDS,
    ENTITIES,
    INVOICE_STATUSES,
    LINE_KINDS,
    NONE,
    NULL,
)
from ingestion.sandbox.world.store import Store

SECOND = 1_000_000
NOTICE = 6 * HOUR
"""Who leaves says so some hours before."""
RECURRING = LINE_KINDS.index("recurring")
VOID = INVOICE_STATUSES.index("void")
REFUND = CREDIT_KINDS.index("refund")
REFUNDED = (REFUND, CREDIT_KINDS.index("credit_note_with_refund"))


class Groups:
    """Elements by their owner, in the order of their moments."""

    def __init__(self, owner: Ints, moments: Ints, owners: int) -> None:
        order = np.lexsort((np.arange(len(owner)), moments, owner))
        self.order: Ints = order[owner[order] >= 0]
        self._starts = np.searchsorted(owner[self.order], np.arange(owners + 1))

    def of(self, owner: int) -> Ints:
        """The elements of an owner, the earliest first."""
        return self.order[self._starts[owner] : self._starts[owner + 1]]


def seconds(moments: Ints) -> Ints:
    """Moments in whole seconds."""
    return np.asarray(moments, np.int64) // SECOND


def second(moment: int) -> int | None:
    """A moment in whole seconds; none where there is none."""
    return None if moment == NULL else int(moment) // SECOND


class Books:
    """A world's customers, subscriptions and money at a moment. Build new ones when it changed."""

    def __init__(self, world: World) -> None:
        self.world, self.state = world, world.state
        self._pairs: dict[tuple[int, int], Ints] = {}
        self.now = to_moment(world.now) - 1

    def __getitem__(self, entity: str) -> Store:
        return self.state[entity]

    def number(self, entity: str, row: int) -> int:
        """The number in the ids of a row."""
        return row + FIRST_ID[entity]

    def became(self, entity: str, column: str, value: int) -> Ints:
        """When a tracked column of each row last took a value; NULL where it never did."""
        log = self.state.logs[entity]
        index = next(i for i, c in enumerate(ENTITIES[entity]) if c.name == column)
        told = (log["field"] == index) & (log["new"] == value)
        moments = np.full(len(self[entity]), NULL, np.int64)
        np.maximum.at(moments, log["id"][told], log["at"][told])
        return moments

    def _text(self, entity: str, column: str) -> list[Any]:
        return list(self._customers[column].to_pylist())

    @cached_property
    def _customers(self) -> Any:
        return self.world.table("customers")

    @cached_property
    def customer_texts(self) -> list[tuple[str, str, str, str]]:
        """Name, email, domain and the CRM's id of the company, by customer."""
        names = ("name", "email", "domain", "account_id")
        return list(zip(*(self._text("customers", name) for name in names), strict=True))

    @cached_property
    def customer_deleted_at(self) -> Ints:
        """When each customer was deleted."""
        gone = self["customers"]["is_deleted"] == 1
        return np.where(gone, self.became("customers", "is_deleted", 1), NULL)

    @cached_property
    def chain(self) -> Ints:
        """The first row of the subscription that each row is a stretch of."""
        return self["subscriptions"]["chain"].astype(np.int64)

    @cached_property
    def stretches(self) -> Groups:
        """Rows by subscription."""
        return Groups(self.chain, self["subscriptions"]["started_at"], len(self.chain))

    @cached_property
    def current_row(self) -> Ints:
        """The row that the subscription of each row is in now."""
        order = self.stretches.order
        last = np.zeros(len(self.chain), np.int64)
        last[self.chain[order]] = order
        return last[self.chain]

    @cached_property
    def asked_to_end(self) -> Ints:
        """When it was asked of each row that ended that it should: some hours before it did."""
        store = self["subscriptions"]
        asked_at = store["ended_at"] - NOTICE
        asked_at = np.where(asked_at > store["started_at"], asked_at, store["ended_at"])
        return np.where(store["ended_at"] == NULL, NULL, asked_at)

    @cached_property
    def price_row(self) -> Ints:
        """The first row that had the price of each row."""
        names = ("plan", "currency", "is_annual", "is_tiered", "unit_amount")
        columns = [self["subscriptions"][name].astype(np.int64) for name in names]
        _, first, which = np.unique(
            np.column_stack(columns), axis=0, return_index=True, return_inverse=True
        )
        return np.asarray(first[which.reshape(-1)], np.int64)

    @cached_property
    def statuses(self) -> Groups:
        """Events of the log in which a status changed, by row."""
        log = self.state.logs["subscriptions"]
        is_status = log["field"] == self.status_field
        owner = np.where(is_status, log["id"], NONE).astype(np.int64)
        return Groups(owner, log["at"], len(self.chain))

    @property
    def status_field(self) -> int:
        """How the log names a status."""
        return next(i for i, c in enumerate(ENTITIES["subscriptions"]) if c.name == "status")

    def stretch(self, chain: int, at: int) -> int:
        """The row that a subscription is in at a moment."""
        rows = self.stretches.of(chain)
        started = self["subscriptions"]["started_at"][rows]
        return int(rows[max(0, int(np.searchsorted(started, at, side="right")) - 1)])

    def status(self, row: int, at: int) -> int:
        """The status of a row at a moment."""
        log, events = self.state.logs["subscriptions"], self.statuses.of(row)
        known = int(np.searchsorted(log["at"][events], at, side="right"))
        return int(log["new"][events[max(0, known - 1)]])

    @cached_property
    def discount(self) -> Ints:
        """The row with which the discount of each row began; NONE where it has none."""
        subscriptions = self["subscriptions"]
        coupon, order = subscriptions["coupon"], self.stretches.order
        previous = np.concatenate([[NONE], order[:-1]])
        begins = (self.chain[order] != self.chain[previous]) | (coupon[order] != coupon[previous])
        begins[:1] = True
        first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
        found = np.full(len(order), NONE, np.int64)
        found[order] = np.where(coupon[order] == NONE, NONE, order[first])
        return found

    @cached_property
    def discount_ends(self) -> Ints:
        """When each discount runs out by itself, by its first row; NULL where never."""
        subscriptions = self["subscriptions"]
        ends = np.full(len(self.chain), NULL, np.int64)
        for row in np.flatnonzero(self.discount == np.arange(len(self.chain))):
            months = COUPONS[subscriptions["coupon"][row]].months
            if months is not None:
                ends[row] = months_later(int(subscriptions["started_at"][self.chain[row]]), months)
        return ends

    @cached_property
    def discount_removed(self) -> Ints:
        """When each discount was taken off, or ran out, by its first row; NULL where it did not.

        What has ended keeps the discounts that it had.
        """
        started, order = self["subscriptions"]["started_at"], self.stretches.order
        removed = self.discount_ends.copy()
        follows = np.flatnonzero(
            (self.chain[order[:-1]] == self.chain[order[1:]])
            & (self.discount[order[:-1]] != self.discount[order[1:]])
            & (self.discount[order[:-1]] != NONE)
        )
        first, at = self.discount[order[follows]], started[order[follows + 1]]
        known = removed[first] != NULL
        removed[first] = np.where(known, np.minimum(removed[first], at), at)
        ends = self["subscriptions"]["ended_at"][self.current_row]
        return np.where((ends != NULL) & (removed >= ends), NULL, removed)

    @cached_property
    def lines(self) -> Groups:
        """Lines by invoice."""
        invoice = self["invoice_lines"]["invoice_id"].astype(np.int64)
        return Groups(invoice, np.zeros(len(invoice), np.int64), len(self["invoices"]))

    @cached_property
    def bills(self) -> Groups:
        """Invoices by subscription."""
        invoices = self["invoices"]
        row = invoices["subscription_id"].astype(np.int64)
        owner = np.where(row == NONE, NONE, self.chain[row])
        return Groups(owner, invoices["drafted_at"], len(self.chain))

    @cached_property
    def recurring(self) -> Groups:
        """Recurring lines by subscription."""
        lines = self["invoice_lines"]
        row = lines["subscription_id"].astype(np.int64)
        is_wanted = (lines["kind"] == RECURRING) & (row != NONE)
        owner = np.where(is_wanted, self.chain[row], NONE)
        return Groups(owner, self.line_drafted_at, len(self.chain))

    @cached_property
    def line_drafted_at(self) -> Ints:
        """When the invoice of each line was drafted."""
        return self["invoices"]["drafted_at"][self["invoice_lines"]["invoice_id"]]

    def last(self, elements: Ints, moments: Ints, at: int) -> int:
        """The last of elements, in the order of their moments, by a moment; NONE for none."""
        known = int(np.searchsorted(moments[elements], at, side="right"))
        return int(elements[known - 1]) if known else NONE

    @cached_property
    def payments(self) -> Groups:
        """Payments by invoice."""
        payments = self["payments"]
        invoice = payments["invoice_id"].astype(np.int64)
        return Groups(invoice, payments["occurred_at"], len(self["invoices"]))

    @cached_property
    def invoice_voided_at(self) -> Ints:
        """When each invoice that is void became so."""
        void = self["invoices"]["status"] == VOID
        return np.where(void, self.became("invoices", "status", VOID), NULL)

    @cached_property
    def notes(self) -> Groups:
        """Credit notes, not refunds alone, by invoice."""
        notes = self["credit_notes"]
        owner = np.where(self.is_note, notes["invoice_id"], NONE).astype(np.int64)
        return Groups(owner, notes["occurred_at"], len(self["invoices"]))

    @cached_property
    def refunded_payment(self) -> Ints:
        """The payment that each refund gives back, the largest of its invoice; NONE for none."""
        notes, payments = self["credit_notes"], self["payments"]
        found = np.full(len(notes), NONE, np.int64)
        for row in np.flatnonzero(np.isin(notes["kind"], REFUNDED) & (notes["invoice_id"] != NONE)):
            paid = self.payments.of(int(notes["invoice_id"][row]))
            paid = paid[payments["occurred_at"][paid] <= notes["occurred_at"][row]]
            if len(paid):
                found[row] = paid[np.argmax(payments["amount"][paid])]
        return found

    @cached_property
    def is_note(self) -> Any:
        """Which rows are credit notes: all but the refunds of a payment alone."""
        alone = self["credit_notes"]["kind"] == REFUND
        return ~alone | (self.refunded_payment == NONE)

    @cached_property
    def note_voided_at(self) -> Ints:
        """When each credit note was voided, and the refund that fails failed; NULL if never."""
        gone = self["credit_notes"]["is_deleted"] == 1
        return np.where(gone, self.became("credit_notes", "is_deleted", 1), NULL)

    @cached_property
    def refunds(self) -> Groups:
        """Refunds by payment."""
        occurred_at = self["credit_notes"]["occurred_at"]
        return Groups(self.refunded_payment, occurred_at, len(self["payments"]))

    def rates_of(self, currency: int, other: int) -> Ints:
        """Exchange rates of a pair, the earliest first."""
        rates = self["fx_rates"]
        if (currency, other) not in self._pairs:
            wanted = (rates["from_currency"] == currency) & (rates["to_currency"] == other)
            self._pairs[currency, other] = np.flatnonzero(wanted)
        return self._pairs[currency, other]

    @cached_property
    def billed_at(self) -> Ints:
        """When each proration went onto an invoice; NULL while it is pending."""
        prorations = self["prorations"]
        invoice = prorations["invoice_id"]
        return np.where(invoice == NONE, NULL, self["invoices"]["drafted_at"][invoice])


def months_later(moment: int, months: int) -> int:
    """The same time of day some months later; the 28th for days that not every month has."""
    day = day_of(moment // DAY)
    later = add_months(day.replace(day=min(day.day, 28)), months)
    return day_number(later) * DAY + moment % DAY

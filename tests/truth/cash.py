"""Truth of invoices and cash: what was paid, what is open, and what was billed of what was won."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import DAY, Ints
from ingestion.sandbox.world.schema import NONE, NULL
from tests.truth.customers import CUSTOMER_CUTS, VOID, Customers
from tests.truth.history import DEAL_CUTS, History
from tests.truth.leads import standing_deal
from tests.truth.recurring import Recurring
from tests.truth.table import GRAINS, Tall

SALES_DAYS = 90
BILLED_WITHIN = 60 * DAY


@dataclass(frozen=True)
class Invoices:
    """Invoices issued up to as-of, what was paid for them and what was credited.

    One that is void now never was. Every payment and credit note of the world names its invoice.
    """

    history: History

    @cached_property
    def rows(self) -> pd.DataFrame:
        """Invoices that count, by row number.

        `customer, issued_at, day, currency, total, tax` (native cents) and `deal`: what the named
        one has become.
        """
        history = self.history
        frame = pd.DataFrame(
            {
                name: history.fact("invoices", name).astype(np.int64)
                for name in ("customer_id", "issued_at", "currency", "total", "tax")
            }
        ).rename(columns={"customer_id": "customer"})
        frame["deal"] = standing_deal(history, history.fact("invoices", "opportunity_id"))
        is_void = history.value_at("invoices", "status") == VOID
        frame = frame[(frame["issued_at"] <= history.as_of) & ~is_void]
        return frame.assign(day=history.local_day(frame["issued_at"]))

    @cached_property
    def payments(self) -> pd.DataFrame:
        """Payments up to as-of, of void invoices too: `customer, invoice, at, amount, currency`."""
        return self._moved("payments")

    @cached_property
    def credits(self) -> pd.DataFrame:
        """Credit notes up to as-of, as payments are, each with the part that is a `refund`.

        A note first lowers what is open of its invoice; what is more is paid back. Of an invoice
        that is void now it is worth nothing. A refund that failed, and is deleted now, never was.
        """
        frame = self._moved("credit_notes").sort_values("at", kind="stable")
        frame = frame[self.history.value_at("credit_notes", "is_deleted")[frame["row"]] == 0]
        frame = frame[frame["invoice"].isin(self.rows.index)].reset_index(drop=True)
        refunds: list[int] = []
        left = self.history.fact("invoices", "total").copy()
        for note in frame.itertuples():
            paid = self.payments[self.payments["invoice"] == note.invoice]
            is_open = left[note.invoice] - paid["amount"][paid["at"] <= note.at].sum()
            lowered = min(note.amount, max(is_open, 0))
            left[note.invoice] -= lowered
            refunds.append(note.amount - lowered)
        return frame.assign(refund=np.array(refunds, np.int64))

    def balances(self, moment: int) -> pd.DataFrame:
        """Invoices issued up to a moment: `customer, issued_at, invoiced, receivable` in cents.

        At the rate of the day of issue. What was paid, less what was paid back, and all that was
        credited are taken off. Payments for void invoices are rows without `invoiced`: they are on
        account, at the rate of their own day.
        """
        frame = self.rows[self.rows["issued_at"] <= moment]
        paid = self._until(moment, self.payments, "amount") - self._until(
            moment, self.credits, "refund"
        )
        settled = paid + self._until(moment, self.credits, "amount")
        day, currency = frame["day"], frame["currency"]
        invoiced = self.history.convert(frame["total"], currency, day)
        open_cents = invoiced - self.history.convert(settled[frame.index], currency, day)
        balances = frame[["customer", "issued_at"]].assign(invoiced=invoiced, receivable=open_cents)
        spare = self.payments[~self.payments["invoice"].isin(self.rows.index)]
        spare = spare[spare["at"] <= moment]
        cents = self.history.convert(
            spare["amount"], spare["currency"], self.history.local_day(spare["at"])
        )
        on_account = pd.DataFrame(
            {"customer": spare["customer"], "issued_at": NULL, "invoiced": 0, "receivable": -cents}
        )
        return pd.concat([balances, on_account], ignore_index=True)

    def _until(self, moment: int, moved: pd.DataFrame, column: str) -> Ints:
        """What payments or credit notes up to a moment come to, by invoice."""
        moved = moved[moved["at"] <= moment]
        size = len(self.history.fact("invoices", "total"))
        return np.bincount(moved["invoice"], moved[column], size).astype(np.int64)

    def _moved(self, entity: str) -> pd.DataFrame:
        columns = {"customer_id": "customer", "invoice_id": "invoice", "occurred_at": "at",
                   "amount": "amount", "currency": "currency"}  # fmt: skip
        frame = pd.DataFrame(
            {
                name: self.history.fact(entity, column).astype(np.int64)
                for column, name in columns.items()
            }
        )
        return frame[frame["at"] <= self.history.as_of].rename_axis("row").reset_index()


def add_cash(invoices: Invoices, recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """cash_collected, days_sales_outstanding, bookings_to_billings."""
    _cash(invoices, recurring, customers, tall)
    if len(invoices.rows):
        _receivables(invoices, recurring, customers, tall)
    _billings(invoices, tall)


def _cash(invoices: Invoices, recurring: Recurring, customers: Customers, tall: Tall) -> None:
    """cash_collected: payments at the rate of their local day; `net` has refunds, taken off."""
    history = invoices.history
    refunds = invoices.credits[invoices.credits["refund"] != 0]
    refunds = refunds.assign(amount=-refunds["refund"])
    for variant, moved in (
        ("default", invoices.payments),
        ("net", pd.concat([invoices.payments, refunds], ignore_index=True)),
    ):
        members = customers.cuts(moved["customer"], recurring.plans[moved["customer"]])
        members["month"] = history.month(moved["at"])
        cents = history.convert(
            moved["amount"].abs(), moved["currency"], history.local_day(moved["at"])
        )
        tall.add(
            "cash_collected", members, CUSTOMER_CUTS, unit="money", variant=variant,
            numerator=cents * np.sign(moved["amount"]), per=(100, 1),
        )  # fmt: skip


def _receivables(
    invoices: Invoices, recurring: Recurring, customers: Customers, tall: Tall
) -> None:
    """days_sales_outstanding: what is open at the end of the period against 90 days of invoices.

    Amounts with tax. The numerator is what is open times 90, the denominator the invoices of the
    90 days up to the end. The company has every period from the first invoice on.
    """
    history = invoices.history
    first = int(history.month(invoices.rows["issued_at"].to_numpy()).min())
    for grain in GRAINS:
        ends = history.period_ends(tall, grain, first)
        states = []
        for month, moment, _ in ends:
            state = invoices.balances(moment)
            state["recent"] = state["invoiced"].where(
                state["issued_at"] > moment - SALES_DAYS * DAY, 0
            )
            sums = state.groupby("customer")[["receivable", "recent"]].sum()
            states.append(sums[(sums != 0).any(axis=1)].reset_index().assign(month=month))
        frame = pd.concat(states, ignore_index=True)
        frame = frame.join(customers.cuts(frame["customer"], recurring.plans[frame["customer"]]))
        tall.add(
            "days_sales_outstanding", frame, CUSTOMER_CUTS, unit="days", per=(100, 100),
            numerator=frame["receivable"] * SALES_DAYS, denominator=frame["recent"],
            grains=(grain,), always=[month for month, _, _ in ends],
        )  # fmt: skip


def _billings(invoices: Invoices, tall: Tall) -> None:
    """bookings_to_billings: of won amounts, what was invoiced within 60 days of closing.

    Net of tax and of the credits of those days, at most the amount, at the rate of the closing.
    Deals that closed less than 60 days ago are excluded. `first_invoice`: deals with any invoice.
    """
    history = invoices.history
    won = history.live_deals[history.live_deals["status"] == "won"].reset_index(drop=True)
    won["month"] = won["closed_month"]
    until = won.set_index("deal")["closed_at"] + BILLED_WITHIN
    named = invoices.rows[invoices.rows["deal"] != NONE]
    limit = named["deal"].map(until)
    named = named[named["issued_at"] <= limit]
    notes = invoices.credits.join(named[["deal"]], on="invoice", how="inner")
    notes = notes[notes["at"] <= notes["deal"].map(until)]
    credited = notes.groupby("invoice")["amount"].sum().reindex(named.index, fill_value=0)
    day = named["deal"].map(won.set_index("deal")["closed_day"])
    net = named["total"] - named["tax"] - credited
    cents = pd.Series(history.convert(net, named["currency"], day), named["deal"])
    billed = cents.groupby(level=0).sum().reindex(won["deal"], fill_value=0).to_numpy()
    is_due = won["closed_at"] + BILLED_WITHIN <= history.as_of
    is_linked = bool((invoices.rows["deal"] != NONE).any())
    tall.add(
        "bookings_to_billings", won, DEAL_CUTS, unit="ratio", per=(100, 100),
        numerator=np.minimum(billed, won["cents"]), denominator=won["cents"],
        included=is_due & won["has_amount"] & is_linked,
    )  # fmt: skip
    tall.add(
        "bookings_to_billings", won, DEAL_CUTS, unit="ratio", variant="first_invoice",
        numerator=won["deal"].isin(named["deal"]), denominator=1, included=is_due & is_linked,
    )  # fmt: skip

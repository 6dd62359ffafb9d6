"""The members of the metrics of invoices and cash."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from tests.oracle.customers import CUSTOMER_CUTS, Customers
from tests.oracle.existing import Row, existing, local, month_of, told
from tests.oracle.members import DEAL_CUTS, Members, survivors
from tests.oracle.money import Rates
from tests.oracle.records import INSTANT, Records

NEVER = frozenset(
    ("void", "voided", "draft", "deleted", "cancelled", "canceled", "proforma", "pending_approval")
)
WRITTEN_OFF = frozenset(("uncollectible", "written_off", "bad_debt"))
SALES_DAYS = 90
BILLED_WITHIN = pd.Timedelta(days=60)
ZERO = Decimal(0)


@dataclass(frozen=True)
class Entry:
    """Money that came for an invoice or was credited on it, in the invoice's currency.

    `reporting` is what it is worth in the company's where it is in another than the invoice's.
    """

    at: pd.Timestamp
    id: str
    amount: Decimal
    reporting: Decimal | None = ZERO


class Ledger:
    """Invoices that count, payments and credits up to a moment, and what they leave open."""

    def __init__(self, records: Records, customers: Customers, as_of: pd.Timestamp) -> None:
        self.records, self.customers, self.as_of = records, customers, as_of
        self.rates = Rates(records)
        frame = existing(records, "invoices", as_of, "issued_at").set_index("source_id", drop=False)
        frame["word"] = (
            frame["status"].str.strip().str.casefold().str.replace(r"[\s-]+", "_", regex=True)
        )
        self.invoices = frame[~frame["word"].isin(NEVER)]
        self.payments = existing(records, "payments", as_of, "occurred_at")
        self.credit_notes = existing(records, "credit_notes", as_of, "occurred_at")
        self.paid, loose_payments = self._entries(self.payments)
        self.given, loose_credits = self._entries(self.credit_notes)
        self.on_account = [*loose_payments, *loose_credits]
        self.credited: dict[str, list[Entry]] = {}
        self.refunded: dict[str, Decimal] = {}
        for invoice, credits in self.given.items():
            self.credited[invoice] = list(self._credited(invoice, credits))

    def _entries(
        self, frame: pd.DataFrame
    ) -> tuple[dict[str, list[Entry]], list[tuple[str, Entry]]]:
        """Entries by invoice, and those of no invoice that counts by customer."""
        of_invoice: dict[str, list[Entry]] = defaultdict(list)
        loose = []
        for row in frame.sort_values(["occurred_at", "source_id"]).itertuples():
            amount = abs(Decimal(row.amount)) if frame is self.credit_notes else Decimal(row.amount)
            day = local(self.records, row.occurred_at).date()
            worth = self.rates.convert(amount, row.currency, day)
            if row.invoice_id not in self.invoices.index:
                loose.append(
                    (row.customer_id, Entry(row.occurred_at, row.source_id, amount, worth))
                )
                continue
            own = self.invoices["currency"][row.invoice_id] or self.records.currency
            if (row.currency or self.records.currency) == own:
                entry = Entry(row.occurred_at, row.source_id, amount)
            else:
                entry = Entry(row.occurred_at, row.source_id, ZERO, worth)
            of_invoice[row.invoice_id].append(entry)
        return of_invoice, loose

    def _credited(self, invoice: str, credits: Sequence[Entry]) -> Iterator[Entry]:
        """The parts of credits up to what was open then; the rest of each is a refund."""
        credited = ZERO
        for credit in credits:
            paid = sum_until(self.paid.get(invoice, ()), credit.at)
            left = max(Decimal(self.invoices["total"][invoice]) - paid - credited, ZERO)
            part = min(left, credit.amount)
            credited += part
            self.refunded[credit.id] = credit.amount - part
            yield Entry(credit.at, credit.id, part, credit.reporting)

    def receivable(self, invoice: str, at: pd.Timestamp) -> Decimal | None:
        """What is open of an invoice at a moment, at the rate of its day; negative: overpaid."""
        row = self.invoices.loc[invoice]
        day = local(self.records, row["issued_at"]).date()
        paid, credited = self.paid.get(invoice, ()), self.credited.get(invoice, ())
        settled = sum_until(paid, at) + sum_until(credited, at)
        whole = self.rates.convert(row["total"], row["currency"], day)
        less = self.rates.convert(str(settled), row["currency"], day)
        others = [entry.reporting for entry in (*paid, *credited) if entry.at <= at]
        if whole is None or less is None or None in others:
            return None
        return whole - less - sum(others, ZERO)

    def invoiced(self, invoice: str) -> Decimal | None:
        """An invoice's total at the rate of its day."""
        row = self.invoices.loc[invoice]
        day = local(self.records, row["issued_at"]).date()
        return self.rates.convert(row["total"], row["currency"], day)

    def net_billed(self, invoice: str, until: pd.Timestamp) -> Decimal:
        """What was billed without tax, less credit notes by a moment, in its own currency."""
        row = self.invoices.loc[invoice]
        credited = sum_until(self.given.get(invoice, ()), until)
        return Decimal(row["total"]) - Decimal(row["tax"] or 0) - credited


def sum_until(entries: Sequence[Entry], at: pd.Timestamp) -> Decimal:
    """What entries add up to by a moment."""
    return sum((entry.amount for entry in entries if entry.at <= at), ZERO)


def cash_members(
    ledger: Ledger, deals: pd.DataFrame, plans: Mapping[str, str]
) -> Iterator[Members]:
    """cash_collected, days_sales_outstanding, bookings_to_billings; `plans` of customers."""
    yield from _cash_collected(ledger, plans)
    yield from _days_sales_outstanding(ledger, plans)
    yield from _bookings_to_billings(ledger, deals)


def _cash_collected(ledger: Ledger, plans: Mapping[str, str]) -> Iterator[Members]:
    rows, refunds = [], []
    for row in ledger.payments.itertuples():
        rows.append(_flow(ledger, plans, row, Decimal(row.amount)))
    for row in ledger.credit_notes.itertuples():
        if refund := ledger.refunded.get(row.source_id):
            refunds.append(_flow(ledger, plans, row, -refund))
    for variant, members in (("default", rows), ("net", [*rows, *refunds])):
        frame = told(members, CUSTOMER_CUTS)
        yield Members("cash_collected", variant, "money", "payment", frame, CUSTOMER_CUTS)


def _flow(ledger: Ledger, plans: Mapping[str, str], row: object, amount: Decimal) -> Row:
    at, customer = row.occurred_at, row.customer_id
    day = local(ledger.records, at).date()
    worth = ledger.rates.convert(str(amount), row.currency, day)
    return {
        "id": row.source_id, "month": month_of(ledger.records, at),
        "numerator": worth, "reason": "no_rate" if worth is None else None,
        **ledger.customers.cuts(customer, plans.get(customer, "(none)")),
    }  # fmt: skip


def _days_sales_outstanding(ledger: Ledger, plans: Mapping[str, str]) -> Iterator[Members]:
    """By customer, of each month's end and now."""
    records, invoices = ledger.records, ledger.invoices
    if invoices.empty:
        return
    first = month_of(records, invoices["issued_at"].min())
    months = tuple(pd.period_range(first, month_of(records, ledger.as_of), freq="M"))
    rows: list[Row] = []
    for month in months:
        at = min(records.utc((month + 1).start_time) - INSTANT, ledger.as_of)
        open_of: dict[str, list[Decimal | None]] = defaultdict(list)
        billed_of: dict[str, list[Decimal | None]] = defaultdict(list)
        issued = invoices[invoices["issued_at"] <= at]
        for row in issued.itertuples():
            if row.word not in WRITTEN_OFF:
                open_of[row.customer_id].append(ledger.receivable(row.source_id, at))
            if row.issued_at > at - pd.Timedelta(days=SALES_DAYS):
                billed_of[row.customer_id].append(ledger.invoiced(row.source_id))
        for customer, entry in ledger.on_account:
            if entry.at <= at:
                open_of[customer].append(None if entry.reporting is None else -entry.reporting)
        for customer in {**open_of, **billed_of}:
            is_unknown = None in open_of[customer] or None in billed_of[customer]
            owed = sum((one for one in open_of[customer] if one), ZERO)
            billed = sum((one for one in billed_of[customer] if one), ZERO)
            if owed or billed or is_unknown:
                rows.append(
                    {"id": customer, "month": month, "numerator": SALES_DAYS * owed,
                     "denominator": billed, "reason": "no_rate" if is_unknown else None,
                     **ledger.customers.cuts(customer, plans.get(customer, "(none)"))}
                )  # fmt: skip
    frame = told(rows, CUSTOMER_CUTS)
    yield Members(
        "days_sales_outstanding", "default", "days", "customer", frame, CUSTOMER_CUTS,
        months=months,
    )  # fmt: skip


def _bookings_to_billings(ledger: Ledger, deals: pd.DataFrame) -> Iterator[Members]:
    """Won deals, against what was invoiced of them up to 60 days after their closing."""
    records = ledger.records
    survivor = survivors(deals)
    invoices_of: dict[str, list[str]] = defaultdict(list)
    for row in ledger.invoices.itertuples():
        if row.opportunity_id in survivor:
            invoices_of[survivor[row.opportunity_id]].append(row.source_id)
    won = deals[(deals["status"] == "won") & deals["removal"].isna() & deals["closed_at"].notna()]
    money, firsts = [], []
    for deal in won.itertuples():
        closed_on = local(records, deal.closed_at).date()
        until = deal.closed_at + BILLED_WITHIN
        in_time = [
            one
            for one in invoices_of.get(deal.id, [])
            if ledger.invoices["issued_at"][one] <= until
        ]
        billed = ZERO
        for one in in_time:
            net = ledger.net_billed(one, until)
            currency = ledger.invoices["currency"][one]
            billed += ledger.rates.convert(str(net), currency, closed_on) or ZERO
        unlinked = None if invoices_of else "no_invoice_link"
        unvalued = None
        if deal.value is None or deal.value != deal.value:
            unvalued = "no_amount" if deal.amount is None else "no_rate"
        young = "not_due" if until > ledger.as_of else None
        row = {"id": deal.id, "month": deal.closed_month}
        row |= {cut: getattr(deal, cut) for cut in DEAL_CUTS}
        value = deal.value if unvalued is None else None
        money.append(
            row | {"numerator": None if value is None else min(billed, value),
                   "denominator": value or ZERO, "reason": young or unvalued or unlinked}
        )  # fmt: skip
        firsts.append(
            row | {"numerator": int(bool(in_time)), "denominator": 1, "reason": young or unlinked}
        )
    for variant, rows in (("default", money), ("first_invoice", firsts)):
        frame = told(rows, DEAL_CUTS)
        yield Members("bookings_to_billings", variant, "ratio", "opportunity", frame)

"""New customers, and the members of what it cost to win them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

import pandas as pd

from tests.oracle.cash import Ledger
from tests.oracle.existing import NONE, Row, month_of, or_none, told
from tests.oracle.marketing import SPEND_CUTS, ad_spend, beside, costs
from tests.oracle.members import Members
from tests.oracle.recurring import Subscriptions, recurring_members
from tests.oracle.touches import Reached

LAG = 3


@dataclass(frozen=True)
class NewCustomer:
    """A customer, or an account that is none in any finance system, when it became one."""

    id: str
    at: pd.Timestamp
    by: str
    reached: Reached


def new_customers(
    ledger: Ledger, subscriptions: Subscriptions, deals: pd.DataFrame
) -> list[NewCustomer]:
    """Who became a customer, by the first of: paid invoice, subscription, won new deal.

    Customers of one account are one.
    """
    account_of = ledger.customers.account_of
    found: dict[str, list[tuple[pd.Timestamp, str]]] = defaultdict(list)

    def who(customer: str) -> str:
        account = account_of.get(customer)
        return f"account {account}" if account else f"customer {customer}"

    for row in ledger.invoices.itertuples():
        payments = ledger.paid.get(row.source_id, [])
        paid_at = min((entry.at for entry in payments), default=row.paid_at)
        if Decimal(row.total) > 0 and paid_at <= ledger.as_of:
            found[who(row.customer_id)].append((paid_at, "paid_invoice"))
    for row in subscriptions.paid.itertuples():
        found[who(row.customer_id)].append((row.started_at, "subscription"))
    won = deals[(deals["status"] == "won") & deals["removal"].isna() & deals["closed_at"].notna()]
    if (deals["deal_type"].map(or_none) != NONE).any():
        won = won[won["deal_type"] == "new"]
    known = won["account_id"].isin(set(ledger.customers.keys))
    for deal in won[known].itertuples():
        found[f"account {deal.account_id}"].append((deal.closed_at, "won_deal"))
    reached = ledger.customers.reached
    return [
        NewCustomer(name, *min(times), reached.get(name.removeprefix("account "), Reached()))
        for name, times in found.items()
    ]


def acquisition_members(
    ledger: Ledger, subscriptions: Subscriptions, deals: pd.DataFrame
) -> Iterator[Members]:
    """customer_acquisition_cost in all its variants, cac_payback_months.

    Who became a customer before the first month of any cost is left out: it was not for nothing.
    """
    records, as_of = ledger.records, ledger.as_of
    won = [
        {
            "id": one.id.split(" ", 1)[1], "entity": "new_customer",
            "month": month_of(records, one.at), "numerator": 0, "denominator": 1,
            "channel": one.reached.channel, "campaign": one.reached.campaign,
        }
        for one in new_customers(ledger, subscriptions, deals)
    ]  # fmt: skip
    ads = ad_spend(records, as_of)
    selling = [row for row in costs(records, as_of) if row["function"] != "other"]
    spent = {"default": [*ads, *selling], "ads": ads}
    spent["lagged"] = [
        row | {"month": row["month"] + LAG}
        for row in spent["default"]
        if row["month"] + LAG <= month_of(records, as_of)
    ]
    for variant, rows in spent.items():
        since = min((row["month"] for row in rows), default=None)
        known = [row | {"reason": _unknown_cost(row["month"], since)} for row in won]
        above = [beside(row, "numerator") for row in rows]
        frame = told([*known, *above], SPEND_CUTS)
        yield Members("customer_acquisition_cost", variant, "money", "customer", frame, SPEND_CUTS)
        if variant == "default":
            yield _payback(known, above, subscriptions, since)


def _unknown_cost(month: pd.Period, since: pd.Period | None) -> str | None:
    return None if since is not None and month >= since else "no_costs"


def _payback(
    won: list[Row], costs: list[Row], subscriptions: Subscriptions, since: pd.Period | None
) -> Members:
    """What new customers cost against what a margin leaves of their mrr, since costs are told."""
    rows: list[Row] = [row | {"denominator": 0} for row in won]
    margin = subscriptions.records.gross_margin
    if margin is None:
        rows = [row | {"reason": "no_margin"} for row in rows]
    else:
        rows += [row for row in costs if not row["reason"]]
        (new,) = (one for one in recurring_members(subscriptions) if one.metric == "new_mrr")
        counts = new.frame[new.frame["reason"].isna()]
        rows += [
            {
                "month": row.month, "numerator": 0, "side": "denominator",
                "denominator": row.numerator * margin,
            }
            for row in counts.itertuples()
            if not _unknown_cost(row.month, since)
        ]  # fmt: skip
    return Members("cac_payback_months", "default", "months", "customer", told(rows, ()), ())

"""Customers: the accounts that they are, and the keys of their cuts."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

from tests.oracle.existing import NONE, existing, or_none
from tests.oracle.records import Records
from tests.oracle.touches import Reached, reached_accounts

FREE_MAIL = frozenset(
    ("gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "yahoo.com", "icloud.com")
)
CUSTOMER_CUTS = ("segment", "region", "product", "channel")


@dataclass(frozen=True)
class Customers:
    """`account_of` has the account of each customer that is matched, `keys` the cuts of accounts.

    `reached`: how each account was first reached.
    """

    ids: tuple[str, ...]
    account_of: Mapping[str, str]
    keys: Mapping[str, Mapping[str, str]]
    reached: Mapping[str, Reached]

    @classmethod
    def of(cls, records: Records, deals: pd.DataFrame, as_of: pd.Timestamp) -> Customers:
        """The customers as of a moment; `deals` as of it."""
        accounts = existing(records, "accounts", as_of, "created_at")
        keys = {
            row.source_id: {"segment": or_none(row.segment), "region": or_none(row.region)}
            for row in accounts.itertuples()
        }
        by_domain: dict[str, list[str]] = defaultdict(list)
        for row in accounts.itertuples():
            if domain := domain_of(row.domain):
                by_domain[domain].append(row.source_id)
        account_of = {}
        customers = existing(records, "customers", as_of, "created_at")
        for row in customers.itertuples():
            mail = domain_of((row.email or "").rpartition("@")[2])
            for found in (
                [row.account_id] if row.account_id in keys else [],
                by_domain.get(domain_of(row.domain), []),
                by_domain.get(mail, []) if mail not in FREE_MAIL else [],
            ):
                if len(found) == 1:
                    account_of[row.source_id] = found[0]
                    break
        ids = tuple(customers["source_id"])
        return cls(ids, account_of, keys, reached_accounts(records, deals, as_of))

    def cuts(self, customer: str, plan: str) -> dict[str, str]:
        """The keys of a customer's cuts; `plan` is that of the metric."""
        account = self.account_of.get(customer, "")
        keys = self.keys.get(account, {"segment": NONE, "region": NONE})
        channel = self.reached.get(account, Reached()).channel
        return {**keys, "product": plan, "channel": channel}


def domain_of(text: str | None) -> str:
    """A web domain without scheme, `www.` and path, in lower case; empty where there is none."""
    bare = re.sub(r"^[a-z]+://", "", (text or "").strip().lower())
    return re.split(r"[/?#]", bare)[0].removeprefix("www.")


def main_plan(mrr_by_plan: Iterable[tuple[str, object]]) -> str:
    """The plan with the most of it, of equals the first by name; `(none)` without any."""
    sums: dict[str, float] = defaultdict(float)
    for plan, mrr in mrr_by_plan:
        sums[plan] += float(mrr or 0)
    return min(sums, key=lambda plan: (-round(sums[plan], 2), plan)) if sums else NONE

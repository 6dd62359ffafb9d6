"""Customers of the truth: the channels that they came through, their cuts, when they were new."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ingestion.sandbox.world.calendar import Ints
from ingestion.sandbox.world.schema import DEAL_TYPES, INVOICE_STATUSES, NONE, UNCOUNTED
from ingestion.sandbox.world.store import Array
from tests.truth.history import History
from tests.truth.leads import leads, touches

CUSTOMER_CUTS = ("segment", "region", "product", "channel")
NEW = DEAL_TYPES.index("new")
VOID = INVOICE_STATUSES.index("void")
FROM = ["account", "channel", "campaign"]


def is_counted(history: History) -> Array:
    """Of each subscription, whether it may bring recurring revenue by its status now."""
    counts: Array = ~np.isin(history.value_at("subscriptions", "status"), UNCOUNTED)
    return counts


@dataclass(frozen=True)
class Customers:
    """Customers, deleted ones too, each of the account that it names; no two name the same."""

    history: History

    @cached_property
    def account(self) -> Ints:
        """The account of every customer."""
        return self.history.fact("customers", "account_id").astype(np.int64)

    def cuts(self, customer: Ints, plan: Ints) -> pd.DataFrame:
        """Codes of the cuts of customers who have these main plans."""
        account = self.account[np.asarray(customer, np.int64)]
        columns = {
            cut: self.history.fact("accounts", cut)[account].astype(np.int64)
            for cut in ("segment", "region")
        }
        channel = self.channels["channel"].reindex(account, fill_value=NONE).to_numpy()
        return pd.DataFrame({**columns, "product": np.asarray(plan, np.int64), "channel": channel})

    @cached_property
    def channels(self) -> pd.DataFrame:
        """Channel and campaign that accounts came through, by account; those that have any.

        Of the first touch of a deal or lead of the account, up to its first won deal where there
        is one; else of its first lead; else of the first won deal that names a campaign.
        """
        history = self.history
        won = self._won
        of_deal = pd.Series(history.fact("opportunities", "account_id"), dtype=np.int64)
        of_deal = of_deal[history.live_deals["deal"]]
        found = leads(history).query("is_alive")
        of_lead = found.set_index("lead")["account"]

        until = won.groupby("account")["closed_at"].min()
        touched = _by_account(touches(history), of_deal, of_lead)
        limit = touched["account"].map(until).fillna(history.as_of).astype(np.int64)
        touched = touched[touched["occurred_at"] <= limit]
        led = found.sort_values("created_at", kind="stable", ignore_index=True)
        led = _by_account(led, of_deal, of_lead)
        named = won[won["campaign"] != NONE].copy()
        named["channel"] = history.fact("campaigns", "channel")[named["campaign"]].astype(np.int64)
        ways = pd.concat([touched[FROM], led[FROM], named[FROM]])
        return ways.drop_duplicates("account").set_index("account")

    @cached_property
    def new(self) -> pd.DataFrame:
        """New customers, each once: `account, at, month, channel, campaign`, an `amount` of 1.

        Since the first payment of an invoice that was not voided, the first subscription, or the
        first won deal of the type new; an account that bought is one without being billed, too.
        """
        history = self.history
        invoice = history.fact("payments", "invoice_id").astype(np.int64)
        is_void = history.value_at("invoices", "status")[invoice] == VOID
        counts = ~is_void & (history.fact("invoices", "total")[invoice] > 0)
        payers = history.fact("invoices", "customer_id")[invoice]
        paid = self._since(payers[counts], history.fact("payments", "occurred_at")[counts])
        pays = (history.fact("subscriptions", "mrr") > 0) & is_counted(history)
        started = self._since(
            history.fact("subscriptions", "customer_id")[pays],
            history.fact("subscriptions", "started_at")[pays],
        )
        bought = self._won[self._won["deal_type"] == NEW].rename(columns={"closed_at": "at"})
        ways = pd.concat([paid, started, bought[["account", "at"]]])
        ways = ways[ways["at"] <= history.as_of]
        frame = ways.groupby("account", as_index=False)["at"].min()
        frame = frame.join(self.channels, on="account").fillna(NONE).astype(np.int64)
        return frame.assign(month=history.month(frame["at"].to_numpy()), amount=1)

    @cached_property
    def _won(self) -> pd.DataFrame:
        """Won deals with an account, by closing: `account, closed_at, deal_type, campaign`."""
        deals = self.history.live_deals
        won = deals[deals["status"] == "won"].sort_values(["closed_at", "deal"])
        frame = won[["closed_at", "deal_type"]].copy()
        for name, column in (("account", "account_id"), ("campaign", "campaign_id")):
            frame[name] = self.history.fact("opportunities", column)[won["deal"]].astype(np.int64)
        return frame[frame["account"] != NONE]

    def _since(self, customer: Ints, at: Ints) -> pd.DataFrame:
        return pd.DataFrame({"account": self.account[customer], "at": at})


def _by_account(records: pd.DataFrame, of_deal: pd.Series, of_lead: pd.Series) -> pd.DataFrame:
    """Leads, or touches, in their order with each account that their deal or their lead is of."""
    sides = [
        records.assign(account=records[name].map(account))
        for name, account in (("deal", of_deal), ("lead", of_lead))
    ]
    both = pd.concat(sides).sort_index(kind="stable")
    both = both[both["account"].notna() & (both["account"] != NONE)]
    return both.astype({"account": np.int64})

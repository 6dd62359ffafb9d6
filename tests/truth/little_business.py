"""Little worlds with customers: how they came, what they pay for, are billed and pay."""

from __future__ import annotations

from typing import Any

import pandas as pd

from ingestion.sandbox.world.schema import (
    CHANNELS,
    COST_CATEGORIES,
    CURRENCIES,
    INVOICE_STATUSES,
    NONE,
    NULL,
    PLANS,
    REGIONS,
    SEGMENTS,
    SUBSCRIPTION_STATUSES,
)
from ingestion.sandbox.world.store import Log, Store
from tests.truth.kpis import truth
from tests.truth.little_world import CENTS, MILLIONTHS, LittleWorld, day, moment

BILLED = ("subscriptions", "invoices", "invoice_lines", "payments")
CORE, ANALYTICS = (PLANS.index(f"{product} annual") for product in ("Core", "Analytics"))


class LittleBusiness(LittleWorld):
    """A founded company that nobody pays but those that are told; money is in dollars."""

    def __init__(self, until: str) -> None:
        super().__init__(until)
        for entity in BILLED:
            self.state.stores[entity] = Store(entity)
            if entity in self.state.logs:
                self.state.logs[entity] = Log()

    def account(self, segment: str = "SMB", region: str = "EMEA") -> int:
        """A company that may buy."""
        at = moment("2021-01-01")
        return int(self.state.create(
            "accounts", 1, at, segment=SEGMENTS.index(segment), region=REGIONS.index(region),
            owner_id=self.reps[0], created_at=at,
        )[0])  # fmt: skip

    def customer(self, created: str, account: int | None = None) -> int:
        """A customer, of an account of its own unless one is named."""
        at = moment(created)
        return int(self.state.create(
            "customers", 1, at, account_id=self.account() if account is None else account,
            created_at=at,
        )[0])  # fmt: skip

    def subscribe(
        self, customer: int, started: str, mrr: float, ended: str = "", plan: int = CORE,
        currency: str = "USD", status: str = "active",
    ) -> int:  # fmt: skip
        """A subscription, or a stretch of one."""
        at = moment(started)
        ids = self.state.create(
            "subscriptions", 1, at, customer_id=customer, started_at=at, plan=plan,
            mrr=round(mrr * MILLIONTHS), currency=CURRENCIES.index(currency),
            status=SUBSCRIPTION_STATUSES.index(status),
        )  # fmt: skip
        if ended:
            self.change("subscriptions", int(ids[0]), ended, "ended_at", moment(ended))
        return int(ids[0])

    def bill(
        self, customer: int, issued: str, total: float, tax: float = 0, deal: int = NONE,
        currency: str = "USD",
    ) -> int:  # fmt: skip
        """An invoice."""
        at = moment(issued)
        return int(self.state.create(
            "invoices", 1, at, customer_id=customer, issued_at=at, due_at=at, opportunity_id=deal,
            currency=CURRENCIES.index(currency), total=round(total * CENTS), tax=round(tax * CENTS),
            status=INVOICE_STATUSES.index("open"), amount_paid=0,
        )[0])  # fmt: skip

    def void(self, invoice: int, at: str) -> None:
        """Take an invoice back."""
        self.change("invoices", invoice, at, "status", INVOICE_STATUSES.index("void"))

    def pay(self, invoice: int, at: str, amount: float, entity: str = "payments") -> None:
        """A payment for an invoice."""
        invoices, when = self.state["invoices"], moment(at)
        self.state.create(
            entity, 1, when, customer_id=invoices["customer_id"][invoice], invoice_id=invoice,
            occurred_at=when, amount=round(amount * CENTS), currency=invoices["currency"][invoice],
        )  # fmt: skip

    def credit(self, invoice: int, at: str, amount: float) -> None:
        """A credit note of an invoice."""
        self.pay(invoice, at, amount, "credit_notes")

    def campaign(self, channel: str) -> int:
        """A campaign of a channel."""
        code, start = CHANNELS.index(channel), "2021-01-01"
        return int(self.state.create(
            "campaigns", 1, moment(start), channel=code, started_on=day(start)
        )[0])  # fmt: skip

    def spend(self, campaign: int, on: str, amount: float) -> None:
        """A day's ad spend."""
        self.state.create(
            "spend_daily", 1, moment(on), campaign_id=campaign, day=day(on), currency=0,
            spend=round(amount * CENTS),
        )  # fmt: skip

    def cost(self, month: str, team: int, amount: float, category: str = "other") -> None:
        """A team's cost of a month, or of none (-1)."""
        self.state.create(
            "costs", 1, moment(month), month=day(month), team=team, currency=0,
            category=COST_CATEGORIES.index(category), amount=round(amount * CENTS),
        )  # fmt: skip

    def lead(
        self, created: str, channel: str, deal: int = NONE, account: int = NONE,
        campaign: int = NONE,
    ) -> int:  # fmt: skip
        """A lead, converted if it names a deal."""
        at = moment(created)
        return int(self.state.create(
            "leads", 1, at, created_at=at, channel=CHANNELS.index(channel), campaign_id=campaign,
            opportunity_id=deal, account_id=account, owner_id=self.reps[0],
            converted_at=NULL if deal == NONE else at,
        )[0])  # fmt: skip

    def touch(
        self, at: str, channel: str, lead: int = NONE, deal: int = NONE, campaign: int = NONE
    ) -> None:
        """A marketing touch."""
        self.state.create(
            "touches", 1, moment(at), occurred_at=moment(at), channel=CHANNELS.index(channel),
            lead_id=lead, opportunity_id=deal, campaign_id=campaign,
        )  # fmt: skip

    def sell(self, account: int, closed: str, amount: int = 100, campaign: int = NONE) -> int:
        """A deal of an account, created on New Year's Day of its year, and won."""
        deal = self.deal(f"{closed[:4]}-01-01 09:00", closed[:10], amount)
        for column, value in (("account_id", account), ("campaign_id", campaign), ("deal_type", 0)):
            self.state["opportunities"][column][deal] = value
        self.close(deal, closed, "Closed Won")
        return deal

    def numbers(
        self, metric: str, variant: str = "default", grain: str = "month", cut: str = "company",
        **settings: Any,
    ) -> pd.DataFrame:  # fmt: skip
        """The truth of a metric by the text of its period (`all` of that) and by key."""
        given = {"timezone": "UTC", "fiscal_year_start_month": 1, "currency": "USD", **settings}
        table = truth(self.world, **given)
        rows = (table["metric"] == metric) & (table["variant"] == variant)
        rows &= (table["period_grain"] == grain) & (table["dimension"] == cut)
        found = table[rows]
        period = found["period_start"].map(lambda start: f"{start:%Y-%m}" if start else "all")
        return found.set_index([period.rename("period"), "dimension_key"])

    def values(self, metric: str, variant: str = "default", **how: Any) -> dict[str, float | None]:
        """The company's values of a metric by period."""
        found = self.numbers(metric, variant, **how)["value"].droplevel(1).round(6)
        return {period: None if pd.isna(value) else value for period, value in found.items()}

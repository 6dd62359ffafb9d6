"""The exports of each company of the tests, as the oracle reads them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

from tests.oracle.records import COLUMNS, FILES, Office, Records, csv, records_of, stages_of


def edge_cases(folder: Path) -> Records:
    """The company of named edge cases; its files bear the canonical names."""
    tables = {name: csv(folder / f"{FILES.get(name, name)}.csv") for name in COLUMNS}
    tables["changes"] = tables["changes"][tables["changes"]["entity"] == "opportunities"]
    found = records_of("crm", "USD", "Asia/Tokyo", 2, "2026-05-20 18:00", tables)
    return replace(found, gross_margin=Decimal("0.8"))


def exported(folder: Path, as_of: str) -> Records:
    """A company of UTC and USD; its files, as far as it has them, bear the canonical names."""
    files = {name: folder / f"{FILES.get(name, name)}.csv" for name in COLUMNS}
    tables = {name: csv(path) for name, path in files.items() if path.exists()}
    tables["stages"] = stages_of({"Open": ("open", "0.5"), "Won": ("won", "1")})
    return records_of("crm", "USD", "UTC", 1, as_of, tables)


def closing(folder: Path) -> Records:
    """The company of closings; its files bear the canonical names."""
    names = ("users", "stages", "deals", "changes")
    tables = {name: csv(folder / f"{FILES.get(name, name)}.csv") for name in names}
    return records_of("crm", "USD", "America/New_York", 1, "2024-06-20 12:00", tables)


BAVARIAN_HOLIDAYS = (
    "2025-10-03", "2025-11-01", "2025-12-25", "2025-12-26", "2026-01-01", "2026-01-06",
    "2026-04-03", "2026-04-06", "2026-05-14",
)  # fmt: skip
"""From October 2025 to May 2026, but for the first of May, on which the company works."""


def answers(folder: Path) -> Records:
    """The company of activities: a CRM, and a log of calls that tells no directions."""
    tables: dict[str, pd.DataFrame] = {}
    others: dict[str, str] = {}
    for source in ("crm", "phone"):
        for name in COLUMNS:
            path = folder / source / f"{FILES.get(name, name)}.csv"
            if not path.exists():
                continue
            rows = csv(path)
            tables[name] = pd.concat([tables[name], rows]) if name in tables else rows
            if source == "phone":
                others |= dict.fromkeys(rows.get("source_id", ()), source)
    found = records_of("crm", "EUR", "Europe/Berlin", 1, "2026-05-20 18:00", tables)
    days_off = (*BAVARIAN_HOLIDAYS, "2026-05-15")
    office = Office(
        hours=(pd.Timedelta(hours=9), pd.Timedelta(hours=17.5)),
        days_off=frozenset(dt.date.fromisoformat(day) for day in days_off),
    )
    return replace(found, office=office, others=others)


MAVEN_STAGES = {
    "Prospecting": ("open", "0.1"),
    "Engaging": ("open", "0.4"),
    "Won": ("won", "1"),
    "Lost": ("lost", "0"),
}


def maven(folder: Path) -> Records:
    """Maven's CRM export; open deals at the list price of their product."""
    deals = csv(folder / "sales_pipeline.csv").replace({"product": {"GTXPro": "GTX Pro"}})
    prices = csv(folder / "products.csv").set_index("product")["sales_price"]
    teams = csv(folder / "sales_teams.csv")
    managers = teams.drop_duplicates("manager").assign(sales_agent=lambda t: t["manager"])
    users = pd.concat([teams.assign(role="rep"), managers.assign(manager=None, role="manager")])
    users = users.rename(
        columns={
            "sales_agent": "source_id",
            "manager": "manager_id",
            "regional_office": "region",
        }
    )
    columns = {
        "opportunity_id": "source_id",
        "account": "account_id",
        "sales_agent": "owner_id",
        "deal_stage": "stage",
        "engage_date": "created_at",
    }
    deals["amount"] = deals["close_value"].fillna(deals["product"].map(prices))
    return records_of(
        "maven", "USD", "America/New_York", 1, "2017-12-31",
        {
            "users": users.assign(name=users["source_id"]),
            "stages": stages_of(MAVEN_STAGES),
            "accounts": csv(folder / "accounts.csv").rename(
                columns={"account": "source_id", "office_location": "region"}
            ),
            "deals": deals.rename(columns=columns),
        },
    )  # fmt: skip


def olist(folder: Path) -> Records:
    """Olist's qualified leads and the deals won from them, days only."""
    leads = csv(folder / "olist_marketing_qualified_leads_dataset.csv")
    won = csv(folder / "olist_closed_deals_dataset.csv").merge(leads, on="mql_id", how="left")
    days = won["won_date"].str[:10]
    ids = pd.concat([won["sr_id"], won["sdr_id"]]).drop_duplicates()
    closed = set(won["mql_id"])
    return records_of(
        "olist", "BRL", "America/Sao_Paulo", 1, "2018-12-01",
        {
            "users": pd.DataFrame({"source_id": ids, "name": ids.str[:8]}).assign(
                role=lambda t: np.where(t["source_id"].isin(won["sr_id"]), "rep", "sdr")
            ),
            "stages": stages_of({"Won": ("won", "1")}),
            "deals": won.drop(columns="won_date").assign(stage="Won", closed_at=days).rename(
                columns={
                    "mql_id": "source_id", "sr_id": "owner_id", "lead_type": "segment",
                    "first_contact_date": "first_contact_at", "origin": "lead_source",
                    "declared_monthly_revenue": "amount", "business_segment": "product",
                }
            ),
            "leads": leads.assign(
                opportunity_id=leads["mql_id"].where(leads["mql_id"].isin(closed), None),
                owner_id=leads["mql_id"].map(won.set_index("mql_id")["sdr_id"]),
                qualified_at=leads["first_contact_date"],
            ).rename(
                columns={
                    "mql_id": "source_id", "first_contact_date": "created_at", "origin": "channel",
                    "landing_page_id": "campaign_id",
                }
            ),
            "campaigns": leads[["landing_page_id"]].drop_duplicates().rename(
                columns={"landing_page_id": "source_id"}
            ).assign(name=lambda t: t["source_id"].str[:8]),
        },
    )  # fmt: skip


def kag(folder: Path) -> Records:
    """KAG's ads, of the one day of its data, and the leads and customers that they are told of."""
    ads = csv(folder / "ads.csv").assign(day="2017-08-31", channel="Paid Social")
    ads = ads.rename(columns={"xyz_campaign_id": "campaign_id"})
    leads = ads.loc[ads.index.repeat(ads["Total_Conversion"].astype(int))]
    nth = leads.groupby(level=0).cumcount()
    leads = leads.assign(source_id=leads["ad_id"] + "-" + nth.astype(str), created_at=leads["day"])
    won = leads[nth < leads["Approved_Conversion"].astype(int)]
    customers = won["source_id"]
    leads = leads.assign(
        account_id=leads["source_id"].where(leads["source_id"].isin(customers), None),
        opportunity_id=leads["source_id"].where(leads["source_id"].isin(customers), None),
    )
    return records_of(
        "kag", "USD", "UTC", 1, "2017-08-31",
        {
            "stages": stages_of({"Won": ("won", "1")}),
            "deals": won[["source_id", "created_at"]].assign(
                account_id=customers, stage="Won", closed_at=won["day"], deal_type="new"
            ),
            "leads": leads,
            "accounts": customers.to_frame(),
            "campaigns": ads[["campaign_id"]].drop_duplicates().rename(
                columns={"campaign_id": "source_id"}
            ).assign(name=lambda t: "Campaign " + t["source_id"], channel="Paid Social"),
            "spend_daily": ads.assign(platform="facebook").rename(
                columns={"fb_campaign_id": "ad_group", "ad_id": "ad", "Spent": "spend"}
            ),
        },
    )  # fmt: skip


BPI_STAGES = {
    "A_SUBMITTED": ("open", "0.18"),
    "A_PARTLYSUBMITTED": ("open", "0.18"),
    "A_PREACCEPTED": ("open", "0.32"),
    "A_ACCEPTED": ("open", "0.46"),
    "A_FINALIZED": ("open", "0.47"),
    "A_APPROVED": ("won", "1"),
    "A_DECLINED": ("lost", "0"),
    "A_CANCELLED": ("no_decision", "0"),
}


def bpi2012(folder: Path) -> Records:
    """The bank's applications; stages from the events of the application itself."""
    applications = csv(folder / "applications.csv")
    events = csv(folder / "events.csv.gz")
    events["event_seq"] = events["event_seq"].astype(int)
    events = events.sort_values(["case_id", "event_seq"])
    events["resource"] = events["resource"].str.removesuffix(".0")
    moves = events[events["activity"].isin(list(BPI_STAGES))].copy()
    moves["old_value"] = moves.groupby("case_id")["activity"].shift()
    ids = events["resource"].dropna().drop_duplicates()
    return records_of(
        "bpi2012", "EUR", "Europe/Amsterdam", 1, "2012-03-01",
        {
            "users": pd.DataFrame({"source_id": ids, "name": "Resource " + ids, "role": "rep"}),
            "stages": stages_of(BPI_STAGES),
            "deals": applications.assign(
                stage=applications["case_id"].map(moves.groupby("case_id")["activity"].last()),
                owner_id=applications["case_id"].map(events.groupby("case_id")["resource"].last()),
            ).rename(
                columns={"case_id": "source_id", "amount_req": "amount", "reg_date": "created_at"}
            ),
            "changes": moves.assign(field="stage").rename(
                columns={"case_id": "entity_id", "activity": "new_value", "timestamp": "changed_at"}
            ),
        },
    )  # fmt: skip

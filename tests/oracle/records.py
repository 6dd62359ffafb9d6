"""A company's raw exports as canonical pandas frames, read without the product's code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "users": (
        "source_id", "name", "role", "team", "manager_id", "region", "segment", "hired_on",
        "left_on", "is_active",
    ),
    "stages": ("pipeline", "stage", "status", "probability"),
    "deals": (
        "source_id", "owner_id", "pipeline", "stage", "amount", "currency", "created_at",
        "first_contact_at", "close_date", "closed_at", "deal_type", "lead_source", "product",
        "region", "segment", "account_id", "campaign_id", "merged_into_id", "source_updated_at",
        "is_deleted",
    ),
    "changes": ("entity_id", "field", "old_value", "new_value", "changed_at"),
    "leads": (
        "source_id", "created_at", "account_id", "owner_id", "channel", "campaign_id",
        "qualified_at", "first_response_at", "converted_at", "opportunity_id", "is_deleted",
    ),
    "activities": (
        "source_id", "type", "direction", "occurred_at", "owner_id", "opportunity_id", "lead_id",
        "contact_id", "account_id", "outcome", "is_done", "is_deleted",
    ),
    "accounts": ("source_id", "domain", "region", "segment", "created_at", "is_deleted"),
    "campaigns": ("source_id", "name", "channel", "started_on", "is_deleted"),
    "spend_daily": (
        "platform", "day", "ad_account", "campaign_id", "ad_group", "ad", "spend", "currency",
        "is_deleted",
    ),
    "touches": (
        "source_id", "occurred_at", "channel", "campaign_id", "lead_id", "opportunity_id",
        "is_deleted",
    ),
    "customers": ("source_id", "email", "domain", "account_id", "created_at", "is_deleted"),
    "subscriptions": (
        "source_id", "customer_id", "status", "started_at", "ended_at", "currency", "mrr", "plan",
        "is_deleted",
    ),
    "invoices": (
        "source_id", "customer_id", "issued_at", "due_at", "paid_at", "status", "currency",
        "total", "tax", "amount_paid", "opportunity_id", "is_deleted",
    ),
    "payments": (
        "source_id", "customer_id", "invoice_id", "occurred_at", "amount", "currency",
        "is_deleted",
    ),
    "credit_notes": (
        "source_id", "customer_id", "invoice_id", "occurred_at", "amount", "currency",
        "is_deleted",
    ),
    "costs": ("month", "category", "team", "amount", "currency", "is_deleted"),
    "quotas": ("owner_id", "team", "period_start", "period_grain", "measure", "amount", "currency"),
    "fx_rates": ("day", "from_currency", "to_currency", "rate"),
}  # fmt: skip
MOMENTS = frozenset(
    (
        "created_at",
        "first_contact_at",
        "closed_at",
        "occurred_at",
        "source_updated_at",
        "changed_at",
        "qualified_at",
        "first_response_at",
        "converted_at",
        "started_at",
        "ended_at",
        "issued_at",
        "due_at",
        "paid_at",
    )
)


DAY = pd.Timedelta(days=1)
INSTANT = pd.Timedelta(microseconds=1)
TELLING = ("created_at", "changed_at", "source_updated_at")
"""Moments of events, creations and updates: none of them can be after a company's present."""
PLANNED = ("task", "meeting", "demo")
"""Activities that may be put down before they happen."""


@dataclass(frozen=True)
class Office:
    """When people work: weekdays (Monday is 0), hours of the day, and days off."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    hours: tuple[pd.Timedelta, pd.Timedelta] = (pd.Timedelta(hours=9), pd.Timedelta(hours=17))
    days_off: frozenset[dt.date] = frozenset()

    def is_working(self, day: dt.date) -> bool:
        """Whether people work on a day."""
        return day.weekday() in self.weekdays and day not in self.days_off


@dataclass(frozen=True, eq=False)
class Records:
    """A company's settings and records.

    Moments are naive UTC; dates, amounts and rates are text as written; what is absent is None,
    or NaT where it is a moment. Frames keep the order of the export. `loaded_at` is about when the
    exports were read: the moment from which a record is known that does not say when it changed.
    `gross_margin` is what the company says of it. `others` are records of other sources than
    `instance`, by their ids, which no two sources share.
    """

    instance: str
    currency: str
    timezone: str
    fiscal_year_start_month: int
    as_of: pd.Timestamp
    loaded_at: pd.Timestamp
    frames: Mapping[str, pd.DataFrame]
    gross_margin: Decimal | None = None
    office: Office = field(default_factory=Office)
    others: Mapping[str, str] = field(default_factory=dict)

    def instance_of(self, source_id: str) -> str:
        """The source that a record is of."""
        return self.others.get(source_id, self.instance)

    @property
    def until(self) -> pd.Timestamp | None:
        """The company's own present, which ends the windows of closings; None: data go beyond."""
        told = [
            frame[column].max()
            for frame in self.frames.values()
            for column in TELLING
            if column in frame
        ]
        activities = self.frames["activities"]
        may_be_planned = activities["type"].isin(PLANNED) & activities["is_done"].isna()
        is_planned = may_be_planned | (activities["is_done"] == "false")
        told.append(activities.loc[~is_planned, "occurred_at"].max())
        return None if any(moment > self.as_of for moment in told) else self.as_of

    def __getitem__(self, name: str) -> pd.DataFrame:
        return self.frames[name]

    def utc(self, local: str | pd.Timestamp) -> pd.Timestamp:
        """The naive UTC moment of a moment on the company's clocks.

        A midnight that the clocks skip is the first moment of that day.
        """
        moment = pd.Timestamp(local)
        if moment.tzinfo is None:
            moment = moment.tz_localize(self.timezone, nonexistent="shift_forward")
        return moment.tz_convert("UTC").tz_localize(None)

    def day_end(self, day: str | pd.Timestamp) -> pd.Timestamp:
        """The last moment of a day on the company's clocks, as a naive UTC moment."""
        return self.utc(pd.Timestamp(day).normalize() + DAY) - INSTANT

    def last_instant(self, moment: pd.Timestamp) -> pd.Timestamp:
        """A naive UTC moment; of a bare day, a midnight on the company's clocks, its last one."""
        if pd.isna(moment):
            return moment
        day = moment.tz_localize("UTC").tz_convert(self.timezone).tz_localize(None).normalize()
        return self.day_end(day) if moment == self.utc(day) else moment

    def moments(self, local: pd.Series) -> pd.Series:
        """The naive UTC moments of local moments or dates; NaT where there is none."""
        known = {moment: self.utc(moment) for moment in local.dropna().unique()}
        found = [pd.NaT if moment is None else known.get(moment, pd.NaT) for moment in local]
        return pd.Series(found, index=local.index, dtype="datetime64[us]")

    def local(self, moments: pd.Series) -> pd.Series:
        """UTC moments on the company's clocks."""
        zoned = pd.to_datetime(moments).dt.tz_localize("UTC").dt.tz_convert(self.timezone)
        return zoned.dt.tz_localize(None)


def edge_cases(folder: Path) -> Records:
    """The company of named edge cases; its files bear the canonical names."""
    tables = {name: _csv(folder / f"{_FILES.get(name, name)}.csv") for name in COLUMNS}
    tables["changes"] = tables["changes"][tables["changes"]["entity"] == "opportunities"]
    found = _records("crm", "USD", "Asia/Tokyo", 2, "2026-05-20 18:00", tables)
    return replace(found, gross_margin=Decimal("0.8"))


def exported(folder: Path, as_of: str) -> Records:
    """A company of UTC and USD; its files, as far as it has them, bear the canonical names."""
    files = {name: folder / f"{_FILES.get(name, name)}.csv" for name in COLUMNS}
    tables = {name: _csv(path) for name, path in files.items() if path.exists()}
    tables["stages"] = _stages({"Open": ("open", "0.5"), "Won": ("won", "1")})
    return _records("crm", "USD", "UTC", 1, as_of, tables)


def closing(folder: Path) -> Records:
    """The company of closings; its files bear the canonical names."""
    names = ("users", "stages", "deals", "changes")
    tables = {name: _csv(folder / f"{_FILES.get(name, name)}.csv") for name in names}
    return _records("crm", "USD", "America/New_York", 1, "2024-06-20 12:00", tables)


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
            path = folder / source / f"{_FILES.get(name, name)}.csv"
            if not path.exists():
                continue
            rows = _csv(path)
            tables[name] = pd.concat([tables[name], rows]) if name in tables else rows
            if source == "phone":
                others |= dict.fromkeys(rows.get("source_id", ()), source)
    found = _records("crm", "EUR", "Europe/Berlin", 1, "2026-05-20 18:00", tables)
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
    deals = _csv(folder / "sales_pipeline.csv").replace({"product": {"GTXPro": "GTX Pro"}})
    prices = _csv(folder / "products.csv").set_index("product")["sales_price"]
    teams = _csv(folder / "sales_teams.csv")
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
    return _records(
        "maven", "USD", "America/New_York", 1, "2017-12-31",
        {
            "users": users.assign(name=users["source_id"]),
            "stages": _stages(MAVEN_STAGES),
            "accounts": _csv(folder / "accounts.csv").rename(
                columns={"account": "source_id", "office_location": "region"}
            ),
            "deals": deals.rename(columns=columns),
        },
    )  # fmt: skip


def olist(folder: Path) -> Records:
    """Olist's qualified leads and the deals won from them, days only."""
    leads = _csv(folder / "olist_marketing_qualified_leads_dataset.csv")
    won = _csv(folder / "olist_closed_deals_dataset.csv").merge(leads, on="mql_id", how="left")
    days = won["won_date"].str[:10]
    ids = pd.concat([won["sr_id"], won["sdr_id"]]).drop_duplicates()
    closed = set(won["mql_id"])
    return _records(
        "olist", "BRL", "America/Sao_Paulo", 1, "2018-12-01",
        {
            "users": pd.DataFrame({"source_id": ids, "name": ids.str[:8]}).assign(
                role=lambda t: np.where(t["source_id"].isin(won["sr_id"]), "rep", "sdr")
            ),
            "stages": _stages({"Won": ("won", "1")}),
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
    ads = _csv(folder / "ads.csv").assign(day="2017-08-31", channel="Paid Social")
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
    return _records(
        "kag", "USD", "UTC", 1, "2017-08-31",
        {
            "stages": _stages({"Won": ("won", "1")}),
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
    applications = _csv(folder / "applications.csv")
    events = _csv(folder / "events.csv.gz")
    events["event_seq"] = events["event_seq"].astype(int)
    events = events.sort_values(["case_id", "event_seq"])
    events["resource"] = events["resource"].str.removesuffix(".0")
    moves = events[events["activity"].isin(list(BPI_STAGES))].copy()
    moves["old_value"] = moves.groupby("case_id")["activity"].shift()
    ids = events["resource"].dropna().drop_duplicates()
    return _records(
        "bpi2012", "EUR", "Europe/Amsterdam", 1, "2012-03-01",
        {
            "users": pd.DataFrame({"source_id": ids, "name": "Resource " + ids, "role": "rep"}),
            "stages": _stages(BPI_STAGES),
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


_FILES = {"stages": "pipeline_stages", "deals": "opportunities", "changes": "field_changes"}


def _csv(path: Path) -> pd.DataFrame:
    """Every column as text, empty cells None."""
    frame = pd.read_csv(path, dtype=object, keep_default_na=False)
    return frame.replace({"": None})


def _stages(stages: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    rows = [(stage, status, probability) for stage, (status, probability) in stages.items()]
    return pd.DataFrame(rows, columns=["stage", "status", "probability"])


def _records(
    instance: str,
    currency: str,
    timezone: str,
    fiscal_year_start_month: int,
    as_of: str,
    tables: Mapping[str, pd.DataFrame],
) -> Records:
    loaded_at = pd.Timestamp.now("UTC").tz_localize(None)
    settings = (instance, currency, timezone, fiscal_year_start_month)
    records = Records(*settings, loaded_at, loaded_at, {})
    now = records.utc(as_of) if ":" in as_of else records.day_end(as_of)
    frames = {}
    for name, columns in COLUMNS.items():
        frame = tables.get(name, pd.DataFrame(columns=list(columns)))
        frame = frame.reindex(columns=list(columns)).reset_index(drop=True).astype(object)
        frame = frame.where(frame.notna(), None)
        for column in MOMENTS & set(columns):
            frame[column] = records.moments(frame[column])
        if "is_deleted" in columns:
            frame["is_deleted"] = frame["is_deleted"] == "true"
        frames[name] = frame
    return Records(*settings, now, loaded_at, frames)

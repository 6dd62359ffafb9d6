"""A company's raw exports as canonical pandas frames, read without the product's code."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

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
        "source_id", "created_at", "account_id", "contact_id", "owner_id", "channel",
        "campaign_id", "qualified_at", "first_response_at", "converted_at", "opportunity_id",
        "is_deleted",
    ),
    "activities": (
        "source_id", "type", "direction", "occurred_at", "owner_id", "opportunity_id", "lead_id",
        "contact_id", "account_id", "outcome", "is_done", "is_deleted",
    ),
    "contacts": ("source_id", "account_id"),
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
TO_DO = ("planned", "not_started", "scheduled", "in_progress", "deferred", "open")
"""Outcomes of what is not done, and so are all that wait."""


@dataclass(frozen=True)
class Office:
    """When people work: weekdays (Monday is 0), hours of the day, and days off."""

    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    hours: tuple[pd.Timedelta, pd.Timedelta] = (pd.Timedelta(hours=9), pd.Timedelta(hours=17))
    days_off: frozenset[dt.date] = frozenset()

    def is_working(self, day: dt.date) -> bool:
        """Whether people work on a day."""
        return day.weekday() in self.weekdays and day not in self.days_off


def is_to_do(activities: pd.DataFrame) -> pd.Series:
    """Whether activities are not done, by their word or else by their outcome."""
    outcome = activities["outcome"].fillna("").str.lower().str.replace(" ", "_")
    is_open = outcome.isin(TO_DO) | outcome.str.startswith("waiting")
    return (activities["is_done"] == "false") | (activities["is_done"].isna() & is_open)


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
        is_planned = may_be_planned | is_to_do(activities)
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


FILES = {"stages": "pipeline_stages", "deals": "opportunities", "changes": "field_changes"}


def csv(path: Path) -> pd.DataFrame:
    """Every column as text, empty cells None."""
    frame = pd.read_csv(path, dtype=object, keep_default_na=False)
    return frame.replace({"": None})


def stages_of(stages: Mapping[str, tuple[str, str]]) -> pd.DataFrame:
    rows = [(stage, status, probability) for stage, (status, probability) in stages.items()]
    return pd.DataFrame(rows, columns=["stage", "status", "probability"])


def records_of(
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

"""What exists at a moment: neither deleted nor yet to come."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

import pandas as pd

from tests.oracle.records import Records, is_to_do

NONE = "(none)"
REACHING = ("leads", "touches")
Row = dict[str, object]


def existing(records: Records, name: str, as_of: pd.Timestamp, begins: str) -> pd.DataFrame:
    """Records that are not deleted and began by a moment; on a day, where `begins` is text.

    Leads and touches are as `reached` has them.
    """
    frame = records[name]
    frame = frame[~frame["is_deleted"].astype(bool)]
    if name in REACHING:
        frame = reached(records, frame, as_of)
    if pd.api.types.is_datetime64_any_dtype(frame[begins]):
        return frame[~(frame[begins] > as_of)]
    today = str(local(records, as_of).date())
    return frame[~(frame[begins].str[:10] > today)]


def done(records: Records, as_of: pd.Timestamp) -> pd.DataFrame:
    """Activities that were done by a moment, those deleted since, too; what is planned is not."""
    frame = records["activities"]
    return frame[~is_to_do(frame) & (frame["occurred_at"] <= as_of)]


def reached(records: Records, frame: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Leads or touches; those that say no channel have that of their campaign."""
    campaigns = existing(records, "campaigns", as_of, "started_on")
    channels = dict(zip(campaigns["source_id"], campaigns["channel"], strict=True))
    said = frame["channel"].fillna("") != ""
    return frame.assign(channel=frame["channel"].where(said, frame["campaign_id"].map(channels)))


def local(records: Records, moment: pd.Timestamp) -> pd.Timestamp:
    """A moment on the company's clocks."""
    return moment.tz_localize("UTC").tz_convert(records.timezone).tz_localize(None)


def month_of(records: Records, moment: pd.Timestamp) -> pd.Period:
    """The month of a moment on the company's clocks."""
    return local(records, moment).to_period("M")


def or_none(value: object) -> str:
    """A key of a cut."""
    return NONE if value is None or value != value or value == "" else str(value)


def natural_id(row: object, names: Sequence[str]) -> str:
    """The id of a record without one: a hash of its key."""
    values = [f"{name}={getattr(row, name)}" for name in names if getattr(row, name)]
    return hashlib.md5(chr(31).join(values).encode()).hexdigest()


def told(rows: Iterable[Row], cuts: Sequence[str]) -> pd.DataFrame:
    """Rows as members; columns that a row lacks are empty."""
    columns = ["id", "entity", "month", "numerator", "denominator", "reason", "side", *cuts]
    frame = pd.DataFrame(list(rows), columns=columns).astype(object)
    for column in ("entity", "reason", "side", "denominator"):
        frame[column] = frame[column].where(frame[column].notna(), None)
    return frame

"""A simulated company's accounts at Google Ads, as days pass and the past is restated."""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from google_advertiser import Advertiser, Row

from ingestion.sandbox.systems.advertisers import advertisers
from ingestion.sandbox.systems.google_ads.api import GoogleAdsApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.calendar import day_of
from ingestion.sandbox.world.schema import NONE
from tests.sandbox.ads_traps import upset_ads
from tests.sandbox.traps import MINUTE

SECRET = "gads-secret-of-the-test"
VERSIONED = ("accounts", "campaigns", "ads", "campaign_days", "ad_days")
OF_THE_LOAD = ("_dlt_load_id", "source_row", "row_hash")
Days = dict[tuple[str, dt.date], tuple[Decimal, int, int, float, Decimal]]
"""Spend, impressions, clicks, conversions and their value, by id of campaign or ad and day."""


@dataclass
class Platform(Advertiser):
    """An advertiser on the sandbox's Google Ads."""

    api: GoogleAdsApi = field(kw_only=True)

    def pass_days(self, days: int = 1) -> None:
        """Serve the world days later, with much that was restated on the last evening."""
        later = copy.deepcopy(self.api.world)
        later.advance(days)
        upset_ads(later.state, later.state.now - 5 * MINUTE)
        self.api.show(later)

    def count(self) -> dict[str, int]:
        """How many versions each table has; none before the first load."""
        if not self.has_raw:
            return {}
        parts = [f"(select count(*) from raw_google_ads.{name}) as {name}" for name in VERSIONED]
        [row] = self.read(f"select {', '.join(parts)}")
        return row

    def assert_like_first_load(self) -> None:
        """Raw's live records are what a first load takes in now; names of old ads may be more."""
        for table, rows in self.first_load().items():
            if table not in VERSIONED:
                continue
            expected = {row["source_id"]: _said(row) for row in rows}
            found = {id: _said(row) for id, row in self.raw(table).items()}
            if table == "ads":
                found = {id: row for id, row in found.items() if id in expected}
            assert found == expected, table

    def loaded(self, table: str) -> Days:
        """The latest figures in raw, by campaign or ad, and day."""
        by = "ad" if table == "ad_days" else "campaign"
        return {(row[by], row["day"]): _figures(row) for row in self.raw(table).values()}

    def told(self, *, by_ad: bool = False) -> Days:
        """What the world's figures come to, by campaign and day, or by ad that is there and day."""
        return told(self.api.world, by_ad=by_ad)


def told(world: World, *, by_ad: bool = False) -> Days:
    """The figures of Google's campaigns, or of ads that are not deleted, added up row by row."""
    state, found = world.state, {}
    spend = state["spend_daily"]
    for advertiser in advertisers(state, "google_ads").values():
        for row, campaign in advertiser.campaigns.items():
            of = np.flatnonzero((spend["campaign_id"] == row) & (spend["is_deleted"] == 0))
            for at in of:
                ad = int(spend["ad"][at])
                if by_ad and (ad == NONE or state["ads"]["is_deleted"][ad]):
                    continue
                id = advertiser.ads[ad].id if by_ad else campaign.id
                key = id, day_of(int(spend["day"][at]))
                before = found.get(key, (0, 0, 0, 0, 0))
                found[key] = tuple(
                    known + _value(name, int(spend[name][at]))
                    for known, name in zip(before, NAMES, strict=True)
                )
    # A row of zeros is none.
    return {key: figures for key, figures in found.items() if any(figures)}


NAMES = ("spend", "impressions", "clicks", "conversions", "conversion_value")


def _value(name: str, value: int) -> Decimal | int:
    return Decimal(value) / 100 if name in ("spend", "conversion_value") else value


def _figures(row: Row) -> tuple[Decimal, int, int, float, Decimal]:
    return (
        row["spend"], row["impressions"], row["clicks"], float(row["conversions"]),
        row["conversion_value"],
    )  # fmt: skip


def _said(row: Row) -> Row:
    return {name: value for name, value in row.items() if name not in OF_THE_LOAD}

"""A company whose campaigns run on a LinkedIn that is served for real, and what it loads."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import numpy as np
from written_linkedin import WrittenLinkedIn

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, LoadReport, SourceCheck
from ingestion.sandbox.systems.linkedin_ads.api import LinkedInAdsApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from ingestion.sandbox.world.advertising import (
    FIGURES,
    LINKEDIN,
    Figures,
    day_figures,
    told_on,
    vanish,
)
from ingestion.sandbox.world.calendar import day_of
from ingestion.sandbox.world.render import ad_names
from ingestion.sources.linkedin_ads.extraction import check, extract
from ingestion.sources.linkedin_ads.settings import LinkedInAdsSource
from ingestion.sources.linkedin_ads.tables import TABLES
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables
from tests.sandbox.ads_traps import upset_ads
from tests.sandbox.traps import MINUTE

TOKEN = "AQXsecret-of-the-test"
PATIENCE = Patience(attempts=20, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.6))
Row = dict[str, Any]
Known = dict[str, dict[str, Decimal]]


@dataclass
class Advertiser:
    """A warehouse that takes in what `url` serves."""

    url: str
    folder: Path
    messages: list[str] = field(default_factory=list)

    def company(self, keys: str = "channel: Paid Social") -> Company:
        """The company, with further keys of its one source."""
        path = self.folder / "company.yml"
        path.write_text(
            "name: Advertiser\ncurrency: USD\ntimezone: UTC\nsources:\n"
            f"  - name: linkedin\n    type: linkedin_ads\n    url: {self.url}\n    {keys}\n"
        )
        return load_company(path)

    def source(self, keys: str = "channel: Paid Social") -> LinkedInAdsSource:
        """The source, with further keys."""
        return cast(LinkedInAdsSource, self.company(keys).sources[0])

    def context(
        self, company: Company, warehouse: Warehouse, force: bool = False
    ) -> ExtractContext:
        """What an extraction needs; its messages are kept."""
        folder = self.folder / f"extraction-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        say = self.messages.append
        return ExtractContext(company, warehouse, "raw_linkedin_ads", folder, force, say)

    def sync(self, keys: str = "channel: Paid Social", force: bool = False) -> LoadReport:
        """Extract and load, as a run does but for dlt."""
        company = self.company(keys)
        warehouse = Warehouse.of(company)
        context = self.context(company, warehouse, force)
        with extract(context, company.sources[0], PATIENCE) as extraction:
            if extraction.tables:
                raw_tables.append(
                    warehouse, "raw_linkedin_ads", TABLES, extraction.tables, context.folder
                )
        return LoadReport("linkedin", "linkedin_ads", extraction.loads, extraction.warnings)

    def check(self, keys: str = "channel: Paid Social") -> SourceCheck:
        """What a check says."""
        company = self.company(keys)
        warehouse = Warehouse("duckdb", str(self.folder / "nowhere.duckdb"))
        return check(self.context(company, warehouse), company.sources[0], PATIENCE)

    def read(self, sql: str) -> list[Row]:
        """Rows of a query on the warehouse."""
        return Warehouse.of(self.company()).read(sql).to_pylist()

    def raw(self, table: str) -> dict[str, Row]:
        """The latest versions in raw that are not deleted, by id."""
        rows = self.read(f"select * from raw_linkedin_ads.{table} order by _dlt_load_id")
        found = {row["source_id"]: row for row in rows}
        return {id: row for id, row in found.items() if not row["is_deleted"]}

    @property
    def has_raw(self) -> bool:
        """Whether anything was ever loaded."""
        return Path(Warehouse.of(self.company()).location).exists()


@dataclass
class Written(Advertiser):
    """An advertiser on a LinkedIn that is written by hand."""

    linkedin: WrittenLinkedIn = field(kw_only=True)


@dataclass
class LinkedIn(Advertiser):
    """A warehouse that takes in what a world's LinkedIn tells."""

    api: LinkedInAdsApi = field(kw_only=True)
    world: World = field(kw_only=True)

    def pass_days(self, days: int = 1) -> None:
        """Serve the world days later, with much that platforms seldom do on the last evening."""
        later = copy.deepcopy(self.world)
        later.advance(days)
        state, moment = later.state, later.state.now - 5 * MINUTE
        upset_ads(state, moment)
        rows = told_on(state, state.day - 9)
        ours = rows[state["spend_daily"]["platform"][rows] == LINKEDIN]
        vanish(state, int(ours[0]), moment)
        self.world = later
        self.api.show(later)

    def known(self, table: str) -> Known:
        """What raw knows of days, by id."""
        return {
            id: {name: Decimal(row[name]) for name in FIGURES}
            for id, row in self.raw(table).items()
        }

    def told(self, table: str) -> Known:
        """What the world says of campaigns' or ads' days by id, in units of the currency."""
        found = day_figures(self.world.state)
        return self._by_id(found.campaigns if table == "campaign_days" else found.ads)

    def assert_like_world(self) -> None:
        """All that is known is as the world says it, and nothing else is.

        Ads that were deleted are told no more: of them is known what was no longer read then.
        """
        assert self.known("campaign_days") == self.told("campaign_days")
        known, told = self.known("ad_days"), self.told("ad_days")
        assert told.items() <= known.items()
        gone = self._by_id(day_figures(self.world.state).deleted_ads).keys()
        old = str(day_of(self.world.state.day - 30))
        assert {
            id for id in known.keys() - told.keys() if id not in gone or id[-10:] >= old
        } == set()

    def _by_id(self, found: Figures) -> Known:
        state = self.world.state
        ours = np.flatnonzero(state["campaigns"]["platform"][found.campaign] == LINKEDIN)
        campaigns = self.world.table("campaigns", found.campaign[ours])["source_id"].to_pylist()
        ads = ad_names(state, found.ad[ours])["id"].to_pylist()
        is_of_ads = bool(np.any(found.ad[ours] >= 0))
        known: Known = {}
        for place, row in enumerate(ours.tolist()):
            account = AD_ACCOUNTS[int(state["campaigns"]["ad_account"][found.campaign[row]])].id
            ad = f"//{ads[place]}" if is_of_ads else ""
            day = day_of(int(found.day[row])).isoformat()
            figures = {name: Decimal(int(getattr(found, name)[row])) for name in FIGURES}
            money = {name: figures[name].scaleb(-2) for name in ("spend", "conversion_value")}
            known[f"{account}/{campaigns[place]}{ad}/{day}"] = figures | money
        return known

"""A simulated company's ad accounts at Meta, served for real, and what the world says of them."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
from meta_accounts import Ads

from ingestion.sandbox.systems.meta_ads.api import MetaAdsApi
from ingestion.sandbox.world import World
from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from ingestion.sandbox.world.advertising import FIGURES, META, Figures, day_figures, told_on, vanish
from ingestion.sandbox.world.calendar import day_of
from ingestion.sandbox.world.render import ad_names
from tests.sandbox.ads_traps import upset_ads
from tests.sandbox.traps import MINUTE

Known = dict[str, dict[str, Decimal]]


@dataclass
class Advertiser(Ads):
    """A warehouse that takes in what a world's Meta tells."""

    api: MetaAdsApi = field(kw_only=True)
    world: World = field(kw_only=True)

    def pass_days(self, days: int = 1) -> None:
        """Serve the world days later, with much that platforms seldom do on the last evening."""
        later = copy.deepcopy(self.world)
        later.advance(days)
        state, moment = later.state, later.state.now - 5 * MINUTE
        upset_ads(state, moment)
        rows = told_on(state, state.day - 9)
        vanish(state, int(rows[state["spend_daily"]["platform"][rows] == META][0]), moment)
        self.world = later
        self.api.show(later)

    def told(self, table: str) -> Known:
        """What the world says of campaigns' or ads' days by id, in units of the currency."""
        found = day_figures(self.world.state)
        if table == "campaign_days":
            return self._by_id(found.campaigns)
        return self._by_id(found.ads) | self._by_id(found.deleted_ads)

    def known(self, table: str) -> Known:
        """The same of raw. Conversions that campaigns' days lack are left out."""
        return {
            id: {name: row[name] for name in FIGURES if row[name] is not None}
            for id, row in self.raw(table).items()
        }

    def assert_like_world(self) -> None:
        """All that is known is as the world says it, and nothing else is."""
        assert self.known("ad_days") == self.told("ad_days")
        known, told = self.known("campaign_days"), self.told("campaign_days")
        assert known.keys() == told.keys()
        for id, figures in known.items():
            assert figures == {name: told[id][name] for name in figures}, id
            assert {"spend", "impressions", "clicks"} <= figures.keys(), id

    def _by_id(self, found: Figures) -> Known:
        state = self.world.state
        ours = np.flatnonzero(state["campaigns"]["platform"][found.campaign] == META)
        campaigns = self.world.table("campaigns", found.campaign[ours])["source_id"].to_pylist()
        ads = ad_names(state, found.ad[ours])
        ids, groups = ads["id"].to_pylist(), ads["ad_group"].to_pylist()
        known: Known = {}
        for place, row in enumerate(ours.tolist()):
            account = AD_ACCOUNTS[int(state["campaigns"]["ad_account"][found.campaign[row]])].id
            day = day_of(int(found.day[row])).isoformat()
            parts = [account, campaigns[place], groups[place], ids[place], day]
            figures = {name: Decimal(int(getattr(found, name)[row])) for name in FIGURES}
            money = {name: figures[name].scaleb(-2) for name in ("spend", "conversion_value")}
            known["/".join(it for it in parts if it)] = figures | money
        return known

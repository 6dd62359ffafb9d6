"""Accounts of advertising platforms, as the API of each shows them: campaigns, ads, figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np

from ingestion.sandbox.world.ad_accounts import AD_ACCOUNTS
from ingestion.sandbox.world.advertising import (
    DayFigures,
    Figures,
    day_figures,
    last_days,
    today_of,
)
from ingestion.sandbox.world.render import ad_names, entity_table, source_ids
from ingestion.sandbox.world.schema import (
    NULL,
    NULL_DAY,
)
from ingestion.sandbox.world.store import Array, State


@dataclass(frozen=True)
class Campaign:
    """A campaign. Days are the account's; `budget` (hundredths, or none) is for all its life."""

    row: int
    id: str
    name: str
    started_on: int
    ended_on: int | None
    last_day: int
    """On which it runs for the last time, whether or not it has an end."""
    budget: int | None
    is_pmax: bool
    changed_at: int
    """When it was made, or renamed since."""


@dataclass(frozen=True)
class Ad:
    """An ad that is not deleted."""

    row: int
    id: str
    name: str
    group: str
    group_name: str
    campaign: int


class Advertiser:
    """One account: what belongs to it, and its figures."""

    def __init__(self, state: State, number: int, told: Told) -> None:
        self._state, self._told = state, told
        self.account = AD_ACCOUNTS[number]
        self.today = today_of(self.account, state.now)
        self._rows = np.flatnonzero(state["campaigns"]["ad_account"] == number)

    @cached_property
    def campaigns(self) -> Mapping[int, Campaign]:
        """Its campaigns by row."""
        rows, table = self._rows, self._state["campaigns"]
        names = entity_table(self._state, "campaigns", rows)["name"].to_pylist()
        started, ended = table["started_on"][rows], table["ended_on"][rows]
        columns = (
            rows.tolist(), source_ids("campaigns", rows).to_pylist(), names, started.tolist(),
            [None if day == NULL_DAY else day for day in ended.tolist()],
            last_days(started, ended).tolist(),
            [None if money == NULL else money for money in table["budget"][rows].tolist()],
            (table["is_pmax"][rows] == 1).tolist(),
            table["updated_at"][rows].tolist(),
        )  # fmt: skip
        return {values[0]: Campaign(*values) for values in zip(*columns, strict=True)}

    @cached_property
    def ads(self) -> Mapping[int, Ad]:
        """Its ads by row."""
        table = self._state["ads"]
        alive = (table["is_deleted"] == 0) & np.isin(table["campaign_id"], self._rows)
        rows = np.flatnonzero(alive)
        named = ad_names(self._state, rows)
        columns = (
            rows.tolist(),
            *(named[name].to_pylist() for name in ("id", "name", "ad_group", "ad_group_name")),
            table["campaign_id"][rows].tolist(),
        )
        return {values[0]: Ad(*values) for values in zip(*columns, strict=True)}

    @cached_property
    def campaign_figures(self) -> Figures:
        """Figures of its campaigns by day."""
        return self._own(self._told.figures.campaigns)

    @cached_property
    def ad_figures(self) -> Figures:
        """Figures of its ads by day; those of deleted ads are in their campaigns' alone."""
        return self._own(self._told.figures.ads)

    def _own(self, figures: Figures) -> Figures:
        return chosen(figures, np.isin(figures.campaign, self._rows))


class Told:
    """What platforms tell now: worked out when it is first asked for."""

    def __init__(self, state: State) -> None:
        self._state = state

    @cached_property
    def figures(self) -> DayFigures:
        """The figures of all platforms."""
        return day_figures(self._state)


def chosen(figures: Figures, rows: Array) -> Figures:
    """Some of the figures, by mask or position."""
    return Figures(**{each.name: getattr(figures, each.name)[rows] for each in fields(figures)})


def advertisers(state: State, platform: str) -> Mapping[str, Advertiser]:
    """The accounts of a platform by id."""
    told = Told(state)
    return {
        account.id: Advertiser(state, number, told)
        for number, account in enumerate(AD_ACCOUNTS)
        if account.platform == platform
    }

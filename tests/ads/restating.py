"""A platform that a test writes by hand, and a warehouse that takes it in as a run does."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Literal, cast

from ingestion.company.settings import Company
from ingestion.loading.appending import append
from ingestion.loading.reports import ExtractContext, LoadReport, SourceCheck
from ingestion.loading.restated import Window
from ingestion.sources.ads.extraction import check, extract
from ingestion.sources.ads.reader import Account, AdsReader, Listing, Row
from ingestion.sources.ads.settings import AdsSource
from ingestion.sources.ads.tables import tables_with
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables

TABLES = tables_with()
DATASET = "raw_fake_ads"
RECORDS = ("accounts", "campaigns", "ads", "campaign_days", "ad_days")
OF_THE_LOAD = ("_dlt_load_id", "source_row", "row_hash")
MAIN = Account("11", "Main", "USD", "UTC", "ENABLED")
COAST = Account("22", "West Coast", "EUR", "America/Los_Angeles", "ENABLED")

DayKey = tuple[str, str, str]
"""Account, campaign, day."""
AdKey = tuple[str, str, str, str]
"""Account, campaign, ad, day."""


class FakeSource(AdsSource):
    """An access to the platform of the test."""

    type: Literal["fake_ads"]


@dataclass
class Platform:
    """What a platform says now: `days` and `ads` have what there is of a campaign's or ad's day."""

    accounts: list[Account] = field(default_factory=lambda: [MAIN])
    days: dict[DayKey, dict[str, Any]] = field(default_factory=dict)
    ads: dict[AdKey, dict[str, Any]] = field(default_factory=dict)
    campaigns: dict[str, dict[str, Any]] = field(default_factory=dict)
    now: dt.datetime = dt.datetime(2026, 3, 1, 12)
    asked: object = "v1"
    first_day: dt.date | None = None
    page: int = 7
    requests: list[tuple[str, str, Window]] = field(default_factory=list)
    beyond: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    """What accounts spent on days beyond what their campaigns did."""

    def spend(self, campaign: str, day: str, spend: Any = "10", account: str = "11", **more: Any):
        """Say what a campaign came to on a day."""
        self.campaigns.setdefault(campaign, {"account": account, "name": f"Campaign {campaign}"})
        self.days[account, campaign, day] = {"spend": spend, **more}

    def ad(self, campaign: str, ad: str, day: str, spend: Any, account: str = "11", **more: Any):
        """Say what an ad came to on a day."""
        self.ads[account, campaign, ad, day] = {"spend": spend, **more}


class FakeReader(AdsReader):
    """Reads the platform of a test, some rows a page."""

    way_in = "invite the test"

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.is_stopped = False

    @property
    def asked(self) -> object:
        return self.platform.asked

    def listing(self) -> Listing:
        return Listing(self.platform.accounts, self.platform.now)

    def campaigns(self, account: Account) -> Iterator[Sequence[Row]]:
        found = [
            {"source_id": id, **row}
            for id, row in self.platform.campaigns.items()
            if row["account"] == account.id
        ]
        yield from self._pages(found)

    def campaign_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        self.platform.requests.append(("campaign_days", account.id, window))
        found = [
            {"campaign": campaign, "day": day, **figures}
            for (of, campaign, day), figures in self.platform.days.items()
            if of == account.id and _is_in(window, day)
        ]
        yield from self._pages(found)

    def ad_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        self.platform.requests.append(("ad_days", account.id, window))
        found = [
            {"campaign": campaign, "ad": ad, "ad_group": f"{campaign}0", "day": day, **figures}
            for (of, campaign, ad, day), figures in self.platform.ads.items()
            if of == account.id and _is_in(window, day)
        ]
        yield from self._pages(found)

    def account_days(self, account: Account, window: Window) -> Iterator[Sequence[Row]]:
        self.platform.requests.append(("account_days", account.id, window))
        total = {day: it for (of, day), it in self.platform.beyond.items() if of == account.id}
        for (of, _, day), figures in self.platform.days.items():
            if of == account.id:
                total[day] = total.get(day, Decimal(0)) + _amount(figures["spend"])
        found = [{"day": day, "spend": f"{it}"} for day, it in total.items() if _is_in(window, day)]
        yield from self._pages(found)

    def earliest(self, today: dt.date) -> dt.date | None:
        return self.platform.first_day

    def stop(self) -> None:
        self.is_stopped = True

    def _pages(self, rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
        for start in range(0, len(rows), self.platform.page):
            yield rows[start : start + self.platform.page]


def _amount(spend: Any) -> Decimal:
    """An amount; what is none counts as nothing."""
    try:
        return Decimal(str(spend))
    except InvalidOperation:
        return Decimal(0)


def _is_in(window: Window, day: str) -> bool:
    return window.since.isoformat() <= day <= window.until.isoformat()


@dataclass
class Books:
    """A warehouse that takes in a platform, load by load; a quick one does without dlt."""

    folder: Path
    is_quick: bool = True
    messages: list[str] = field(default_factory=list)
    loads: int = 0
    postgres: str | None = None

    @property
    def warehouse(self) -> Warehouse:
        if self.postgres:
            return Warehouse("postgres", self.postgres)
        return Warehouse("duckdb", str(self.folder / "warehouse.duckdb"))

    def context(self, force: bool = False) -> ExtractContext:
        """What an extraction needs; its messages are kept."""
        self.loads += 1
        folder = self.folder / f"extraction-{self.loads}"
        folder.mkdir()
        # The frame asks nothing of the company.
        company = cast(Company, None)
        return ExtractContext(company, self.warehouse, DATASET, folder, force, self.messages.append)

    def load(
        self,
        platform: Platform,
        *,
        force: bool = False,
        reader: type[FakeReader] = FakeReader,
        **settings: Any,
    ) -> LoadReport:
        """Extract and load, as a run does."""
        source = source_with(**settings)
        context = self.context(force)
        connect = lambda: reader(replace(platform))  # noqa: E731
        with extract(context, source, "Fake Ads", TABLES, connect) as extraction:
            if extraction.tables and self.is_quick:
                load_id = f"{self.loads:06}"
                raw_tables.append(
                    self.warehouse, DATASET, TABLES, extraction.tables, load_id=load_id
                )
            elif extraction.tables:
                append(self.warehouse, DATASET, TABLES, extraction.tables, context.folder)
        return LoadReport("ads", "fake_ads", extraction.loads, extraction.warnings)

    def check(self, platform: Platform, **settings: Any) -> SourceCheck:
        """What a check says."""
        source = source_with(**settings)
        return check(
            self.context(), source, "Fake Ads", "http://fake", lambda: FakeReader(platform)
        )

    def read(self, sql: str) -> list[dict[str, Any]]:
        """Rows of a query on the warehouse."""
        return self.warehouse.read(sql).to_pylist()

    def versions(self, table: str) -> list[dict[str, Any]]:
        """All versions of a table, those of a load together, in the order of the loads."""
        return self.read(f"select * from {DATASET}.{table} order by _dlt_load_id, source_id")

    def latest(self, table: str) -> dict[str, dict[str, Any]]:
        """The live records by id, as their latest versions have them."""
        found = {row["source_id"]: row for row in self.versions(table)}
        return {
            id: {name: value for name, value in row.items() if name not in OF_THE_LOAD}
            for id, row in found.items()
            if not row["is_deleted"]
        }


def source_with(**settings: Any) -> FakeSource:
    """The source, with settings as company.yml has them."""
    return FakeSource.model_validate({"name": "ads", "type": "fake_ads", **settings})


def counts(report: LoadReport) -> Mapping[str, tuple[int, int, int]]:
    """New, changed and deleted records, by table of those that have any."""
    found = {
        table.entity: (table.rows_new, table.rows_changed, table.rows_deleted)
        for table in report.tables
        if not table.is_unchanged
    }
    return {table: numbers for table, numbers in found.items() if any(numbers)}

"""A company that reads ad accounts at Meta which are served for real, and what a load takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from scripted_meta import ScriptedMeta

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, LoadReport
from ingestion.sources.meta_ads.extraction import extract
from ingestion.sources.meta_ads.reader import MetaAdsReader
from ingestion.sources.meta_ads.settings import MetaAdsSource
from ingestion.sources.meta_ads.tables import tables_of
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables

TOKEN = "EAAcAnArY7xSecretOfTheTest"
PATIENCE = Patience(attempts=20, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.6))

Row = dict[str, Any]


@dataclass
class Ads:
    """A warehouse that takes in what `url` serves."""

    url: str
    folder: Path
    messages: list[str] = field(default_factory=list)

    def company(self, more: str = "") -> Company:
        """The company, with further keys of its one source."""
        path = self.folder / "company.yml"
        path.write_text(
            "name: Ads\ncurrency: USD\ntimezone: UTC\nsources:\n"
            f"  - name: meta\n    type: meta_ads\n    url: {self.url}\n    {more}\n"
        )
        return load_company(path)

    def source(self, more: str = "") -> MetaAdsSource:
        """The company's one source."""
        [source] = self.company(more).sources
        assert isinstance(source, MetaAdsSource)
        return source

    def reader(self, more: str = "") -> MetaAdsReader:
        """What reads it."""
        return MetaAdsReader(self.source(more), PATIENCE)

    def context(
        self, company: Company, warehouse: Warehouse, force: bool = False
    ) -> ExtractContext:
        """What an extraction needs; its messages are kept."""
        folder = self.folder / f"extraction-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return ExtractContext(
            company, warehouse, "raw_meta_ads", folder, force, self.messages.append
        )

    def sync(self, more: str = "", force: bool = False) -> LoadReport:
        """Extract and load, as a run does but for dlt."""
        company, source = self.company(more), self.source(more)
        warehouse = Warehouse.of(company)
        context = self.context(company, warehouse, force)
        with extract(context, source, PATIENCE) as extraction:
            if extraction.tables:
                tables = tables_of(company.entities)
                raw_tables.append(
                    warehouse, "raw_meta_ads", tables, extraction.tables, context.folder
                )
        return LoadReport("meta", "meta_ads", extraction.loads, extraction.warnings)

    def read(self, sql: str) -> list[Row]:
        """Rows of a query on the warehouse."""
        return Warehouse.of(self.company()).read(sql).to_pylist()

    def raw(self, table: str) -> dict[str, Row]:
        """The latest versions in raw that are not deleted, by id."""
        rows = self.read(
            "select * exclude (recency) from (select *, row_number() over (partition by source_id "
            f"order by _dlt_load_id desc) as recency from raw_meta_ads.{table}) where recency = 1"
        )
        return {row["source_id"]: row for row in rows if not row["is_deleted"]}

    def spend(self, table: str = "campaign_days") -> dict[str, str]:
        """What is known of days now: plain spend by id."""
        found = self.raw(table)
        return {id: f"{found[id]['spend'].normalize():f}" for id in sorted(found)}


@dataclass
class Script(Ads):
    """What a Meta that a test writes by hand serves."""

    meta: ScriptedMeta = field(kw_only=True)

    def asked_days(self, level: str) -> list[tuple[str, str]]:
        """First and last days of the reports of a level that were asked for."""
        spans = [
            orjson.loads(it["time_range"])
            for it in self.meta.asked("/insights")
            if it.get("level") == level
        ]
        return [(it["since"], it["until"]) for it in spans]

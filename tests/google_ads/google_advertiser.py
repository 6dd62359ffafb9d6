"""A company whose campaigns run on a Google Ads that is served for real, and what it loads."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from written_google import MANAGER, WrittenGoogle

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, LoadReport
from ingestion.sources.google_ads.extraction import extract
from ingestion.sources.google_ads.tables import TABLES
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables

SECRETS = {
    "GOOGLE_ADS_CLIENT_ID": "client.apps.googleusercontent.com",
    "GOOGLE_ADS_CLIENT_SECRET": "GOCSPX-secret-of-the-client",
    "GOOGLE_ADS_REFRESH_TOKEN": "1//refresh-token-of-the-test",
    "GOOGLE_ADS_DEVELOPER_TOKEN": "developer-token-of-the-test",
}
PATIENCE = Patience(attempts=20, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.6))
BELOW_MANAGER = f"manager: {MANAGER}"

Row = dict[str, Any]


@dataclass
class Advertiser:
    """A warehouse that takes in what `url` serves."""

    url: str
    folder: Path
    messages: list[str] = field(default_factory=list)
    keys: str = BELOW_MANAGER

    def company(self, keys: str | None = None) -> Company:
        """The company, with further keys of its one source."""
        path = self.folder / "company.yml"
        path.write_text(
            "name: Advertiser\ncurrency: USD\ntimezone: UTC\nsources:\n"
            f"  - name: google\n    type: google_ads\n    url: {self.url}\n"
            f"    token_url: {self.url}/token\n    {keys or self.keys}\n"
        )
        return load_company(path)

    def context(
        self, company: Company, warehouse: Warehouse, force: bool = False
    ) -> ExtractContext:
        """What an extraction needs; its messages are kept."""
        folder = self.folder / f"extraction-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        say = self.messages.append
        return ExtractContext(company, warehouse, "raw_google_ads", folder, force, say)

    def sync(self, keys: str | None = None, force: bool = False) -> LoadReport:
        """Extract and load, as a run does but for dlt."""
        company = self.company(keys)
        warehouse = Warehouse.of(company)
        context = self.context(company, warehouse, force)
        with extract(context, company.sources[0], PATIENCE) as extraction:
            if extraction.tables:
                raw_tables.append(
                    warehouse, "raw_google_ads", TABLES, extraction.tables, context.folder
                )
        return LoadReport("google", "google_ads", extraction.loads, extraction.warnings)

    def first_load(self) -> dict[str, list[Row]]:
        """What a first load of the accounts as they are takes in, by table."""
        nowhere = Warehouse("duckdb", str(self.folder / "nowhere.duckdb"))
        company = self.company()
        with extract(self.context(company, nowhere), company.sources[0], PATIENCE) as extraction:
            return {
                name: [
                    row for batch in extraction.tables.get(name, ()) for row in batch.to_pylist()
                ]
                for name in TABLES
            }

    def read(self, sql: str) -> list[Row]:
        """Rows of a query on the warehouse."""
        return Warehouse.of(self.company()).read(sql).to_pylist()

    def versions(self, table: str, id: str) -> list[Row]:
        """The versions of a record, the oldest first."""
        return self.read(
            f"select * from raw_google_ads.{table} where source_id = '{id}' and _dlt_load_id in "
            "(select load_id from raw_google_ads._dlt_loads where status = 0) order by _dlt_load_id"
        )

    def raw(self, table: str) -> dict[str, Row]:
        """The latest versions in raw that are not deleted, by id."""
        found = self.read(
            "select * exclude (recency) from (select *, row_number() over (partition by source_id "
            f"order by _dlt_load_id desc) as recency from raw_google_ads.{table} where "
            "_dlt_load_id in (select load_id from raw_google_ads._dlt_loads where status = 0)) "
            "where recency = 1"
        )
        return {row["source_id"]: row for row in found if not row["is_deleted"]}

    @property
    def has_raw(self) -> bool:
        """Whether anything was ever loaded."""
        is_there = Path(Warehouse.of(self.company()).location).exists()
        found = "select 1 from information_schema.tables where table_schema = 'raw_google_ads'"
        return is_there and bool(self.read(found))


@dataclass
class Written(Advertiser):
    """An advertiser on a Google Ads that is written by hand."""

    google: WrittenGoogle = field(kw_only=True)

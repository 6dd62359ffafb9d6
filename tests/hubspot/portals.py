"""A simulated portal, served for real, and a company that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ingestion.company import Company, load_company
from ingestion.dlt_load import append
from ingestion.pipeline import ExtractContext, LoadReport
from ingestion.sandbox.api.hubspot import Asked, HubSpotApi
from ingestion.sandbox.world import World
from ingestion.sources.hubspot.client import Patience
from ingestion.sources.hubspot.extraction import extract
from ingestion.sources.hubspot.tables import TABLES
from ingestion.warehouse import Warehouse

TOKEN = "pat-na1-secret-of-the-test"
PATIENCE = Patience(attempts=10, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.4))
VERSIONED = [name for name in TABLES if name not in ("rejected", "exports")]
OF_THE_LOAD = ("_dlt_load_id", "source_row", "row_hash")


@dataclass
class Portal:
    """A world behind the API, and the company whose warehouse takes it in."""

    api: HubSpotApi
    url: str
    folder: Path
    world: World
    messages: list[str] = field(default_factory=list)

    def company(self, more: str = "no_decision: [No Decision]") -> Company:
        """The company, with further keys of its one source."""
        path = self.folder / "company.yml"
        path.write_text(
            "name: Portal\ncurrency: USD\ntimezone: UTC\nsources:\n"
            f"  - name: crm\n    type: hubspot\n    url: {self.url}\n    {more}\n"
        )
        return load_company(path)

    def context(
        self, company: Company, warehouse: Warehouse, force: bool = False
    ) -> ExtractContext:
        """What an extraction needs; its messages are kept."""
        folder = self.folder / f"extraction-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return ExtractContext(
            company, warehouse, "raw_hubspot", folder, force, self.messages.append
        )

    def sync(self, more: str = "no_decision: [No Decision]", force: bool = False) -> LoadReport:
        """Extract and load, as a run does."""
        company = self.company(more)
        warehouse = Warehouse.of(company)
        context = self.context(company, warehouse, force)
        with extract(context, company.sources[0], PATIENCE) as extraction:
            if extraction.tables:
                append(warehouse, "raw_hubspot", TABLES, extraction.tables, context.folder)
        return LoadReport("crm", "hubspot", extraction.loads, extraction.warnings)

    def change(self, world: World) -> None:
        """Serve another state of the world."""
        self.world = world
        self.api.show(world)

    def asked(self, path: str = "") -> list[Asked]:
        """The requests since the last `forget`, of paths that end in `path`."""
        return [asked for asked in self.api.requests if asked.path.endswith(path)]

    def forget(self) -> None:
        """Empty the request log and the messages."""
        self.api.requests.clear()
        self.messages.clear()

    def read(self, sql: str) -> list[dict[str, object]]:
        """Rows of a query on the warehouse."""
        return Warehouse.of(self.company()).read(sql).to_pylist()

    def versions(self, table: str) -> list[dict[str, object]]:
        """The latest versions in raw, as staging sees them."""
        return self.read(
            "select * exclude (recency) from (select *, row_number() over (partition by source_id "
            f"order by _dlt_load_id desc) as recency from raw_hubspot.{table} where _dlt_load_id "
            "in (select load_id from raw_hubspot._dlt_loads where status = 0)) where recency = 1"
        )

    def full_reload(self) -> dict[str, list[dict[str, object]]]:
        """What a first load of the portal as it is takes in, by table."""
        nowhere = Warehouse("duckdb", str(self.folder / "nowhere.duckdb"))
        company = self.company()
        with extract(self.context(company, nowhere), company.sources[0], PATIENCE) as extraction:
            return {name: _rows(extraction.tables.get(name, ())) for name in TABLES}

    def assert_like_full_reload(self) -> None:
        """Raw's latest versions are what a first load of the portal would take in."""
        reloaded = self.full_reload()
        for table in VERSIONED:
            assert comparable(self.versions(table)) == comparable(reloaded[table]), table


def _rows(batches: object) -> list[dict[str, object]]:
    return [row for batch in batches for row in pa.Table.from_batches([batch]).to_pylist()]


def comparable(rows: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    """Rows by id, without what tells when they were loaded; no id comes twice."""
    by_id = {
        row["source_id"]: {key: row[key] for key in row if key not in OF_THE_LOAD} for row in rows
    }
    assert len(by_id) == len(rows)
    return by_id

"""A company of which one advertising platform tells, and what a load of it takes in."""

from __future__ import annotations

import copy
import importlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, LoadReport
from ingestion.sandbox.systems.faulty import FaultyApi
from ingestion.sandbox.world.calendar import HOUR
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables
from tests.sandbox.ads_traps import upset_ads

PATIENCE = Patience(attempts=20, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.6))
"""As that of companies, in hundredths of seconds."""
EVENING = HOUR // 12
"""So long before midnight."""

Row = dict[str, Any]


@dataclass
class Advertiser:
    """A warehouse that takes in what `api` serves at `url`; SALESOPS_DATA says where it is."""

    type: str
    url: str
    secret: str
    api: FaultyApi
    folder: Path
    settings: str = ""
    """Further lines of the source in company.yml, each with four spaces before it."""
    messages: list[str] = field(default_factory=list)

    @property
    def company(self) -> Company:
        """The company, its source pointed to where the platform is served."""
        path = self.folder / "company.yml"
        path.write_text(
            "name: Advertiser\ncurrency: USD\ntimezone: UTC\nsources:\n"
            f"  - name: ads\n    type: {self.type}\n{self.settings}"
        )
        company = load_company(path)
        [source] = company.sources
        source, held = source.pointed_to(self.url, self.secret)
        os.environ.update(held)
        return company.model_copy(update={"sources": (source,)})

    def sync(self, force: bool = False, patience: Patience = PATIENCE) -> LoadReport:
        """Extract and load, as a run does but for dlt."""
        company = self.company
        module = importlib.import_module(f"ingestion.sources.{self.type}")
        warehouse = Warehouse.of(company)
        folder = self.folder / f"extraction-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        raw = f"raw_{self.type}"
        context = ExtractContext(company, warehouse, raw, folder, force, self.messages.append)
        run = importlib.import_module(f"{module.__name__}.extraction").extract
        with run(context, company.sources[0], patience) as extraction:
            if extraction.tables:
                tables = importlib.import_module(f"{module.__name__}.tables").TABLES
                raw_tables.append(warehouse, raw, tables, extraction.tables, folder)
        return LoadReport("ads", self.type, extraction.loads, extraction.warnings)

    def read(self, sql: str) -> list[Row]:
        """Rows of a query on the warehouse."""
        return Warehouse.of(self.company).read(sql).to_pylist()

    def raw(self, table: str) -> dict[str, Row]:
        """The latest versions of a table that are not deleted, by id."""
        found = self.read(
            "select * exclude (recency) from (select *, row_number() over (partition by source_id "
            f"order by _dlt_load_id desc) as recency from raw_{self.type}.{table} where "
            f"_dlt_load_id in (select load_id from raw_{self.type}._dlt_loads where status = 0)) "
            "where recency = 1"
        )
        return {row["source_id"]: row for row in found if not row["is_deleted"]}

    def pass_days(self, days: int = 1) -> None:
        """Serve the world days later, at the end of an evening that had all that seldom happens."""
        later = copy.deepcopy(self.api.world)
        later.advance(days)
        upset_ads(later.state, later.state.now - EVENING)
        self.api.show(later)

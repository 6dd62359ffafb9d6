"""A simulated portal, served for real, and a company that reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, LoadReport
from ingestion.sandbox.systems.faulty import Asked
from ingestion.sandbox.systems.hubspot import portal as api_portal
from ingestion.sandbox.systems.hubspot.api import HubSpotApi
from ingestion.sandbox.systems.hubspot.schema import ACTIVITY_OBJECTS
from ingestion.sandbox.world import World
from ingestion.sources.hubspot.extraction import extract
from ingestion.sources.hubspot.tables import TABLES, tables_of
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables

TOKEN = "pat-na1-secret-of-the-test"
PATIENCE = Patience(attempts=20, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.4))
VERSIONED = [name for name in TABLES if name not in ("rejected", "exports")]
OF_THE_LOAD = ("_dlt_load_id", "source_row", "row_hash")
_ACTIVITY = {
    "hubspot_owner_id": "owner_id", "deal_id": "opportunity_id",
    "lead_id": "lead_id", "contact_id": "contact_id", "company_id": "account_id",
}  # fmt: skip
OF_THE_WORLD: dict[str, tuple[str, dict[str, str]]] = {
    "companies": ("accounts", {"name": "name", "numberofemployees": "employees"}),
    "contacts": ("contacts", {"email": "email", "company_id": "account_id"}),
    "leads": (
        "leads",
        {"hubspot_owner_id": "owner_id", "converted_at": "converted_at", "company_id": "account_id",
         "contact_id": "contact_id", "deal_id": "opportunity_id"},
    ),
    "deals": (
        "opportunities",
        {"dealname": "name", "amount": "amount", "deal_currency_code": "currency",
         "hubspot_owner_id": "owner_id", "company_id": "account_id"},
    ),
    "line_items": ("line_items", {"deal_id": "opportunity_id", "amount": "amount"}),
    **dict.fromkeys(
        ("calls", "emails", "notes"), ("activities", {"hs_timestamp": "occurred_at", **_ACTIVITY})
    ),
    "meetings": ("activities", _ACTIVITY),
    "tasks": ("activities", {"hs_timestamp": "due_at", **_ACTIVITY}),
}  # fmt: skip
"""The world's entity behind a raw table, and its columns by those of raw."""
HISTORY_FIELDS = {"amount": "amount", "hubspot_owner_id": "owner_id"}
"""Fields of the world by properties whose histories have the same values."""


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
        """Extract and load, as a run does but for dlt."""
        company = self.company(more)
        warehouse = Warehouse.of(company)
        context = self.context(company, warehouse, force)
        with extract(context, company.sources[0], PATIENCE) as extraction:
            if extraction.tables:
                tables = tables_of(company.entities)
                raw_tables.append(
                    warehouse, "raw_hubspot", tables, extraction.tables, context.folder
                )
        return LoadReport("crm", "hubspot", extraction.loads, extraction.warnings)

    @property
    def now_ms(self) -> int:
        """The portal's present, in milliseconds since 1970 UTC."""
        return int(self.world.now.timestamp() * 1_000)

    def modified_since(self, name: str, since_ms: int) -> tuple[int, int]:
        """How many live and how many archived records of an object were modified since then."""
        shown = api_portal.Portal(self.world)
        live, archived = (
            int((shown.records(name, is_archived).modified >= since_ms).sum())
            for is_archived in (False, True)
        )
        return live, archived

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

    def rows_by_table(self) -> dict[str, object]:
        """How many rows each table of raw has; none before the first load."""
        if not Path(Warehouse.of(self.company()).location).exists():
            return {}
        counts = [f"(select count(*) from raw_hubspot.{name}) as {name}" for name in TABLES]
        [row] = self.read(f"select {', '.join(counts)}")
        return row

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

    def assert_like_world(self) -> None:
        """Raw has what the world has: every record and every change, once."""
        with Warehouse.of(self.company()).kept_open():
            self._assert_same_records()
            self._assert_same_changes()
            self._assert_each_once()

    def _assert_same_records(self) -> None:
        for table, (entity, columns) in OF_THE_WORLD.items():
            known = self.world.table(entity).to_pylist()
            if entity == "activities":
                known = [row for row in known if row["type"] in ACTIVITY_OBJECTS[table]]
            expected = {
                row["source_id"]: (
                    row["source_updated_at"],
                    row["is_deleted"] or bool(row.get("merged_into_id")),
                    *(row[column] for column in columns.values()),
                )
                for row in known
            }
            found = {
                row["source_id"]: (
                    row["source_updated_at"], row["is_deleted"], *(row[name] for name in columns)
                )
                for row in self.versions(table)
            }  # fmt: skip
            assert found == expected, table

    def _assert_each_once(self) -> None:
        for table in VERSIONED:
            repeated = (
                f"select source_id from raw_hubspot.{table} group by source_id, _dlt_load_id "
                "having count(*) > 1"
            )
            assert self.read(repeated) == [], table

    def _assert_same_changes(self) -> None:
        history = self.versions("property_history")
        changes = self.world.table("field_changes").to_pylist()
        for name, field_name in HISTORY_FIELDS.items():
            found = [
                (row["object_id"], row["changed_at"], row["value"])
                for row in history
                if row["property"] == name
            ]
            expected = [
                (row["entity_id"], row["changed_at"], row["new_value"])
                for row in changes
                if row["field"] == field_name
            ]
            assert sorted(found, key=str) == sorted(expected, key=str), name

    def assert_like_full_reload(self) -> None:
        """Raw's latest versions are what a first load of the portal would take in."""
        reloaded = self.full_reload()
        with Warehouse.of(self.company()).kept_open():
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

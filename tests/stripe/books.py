"""A company whose money a Stripe tells that is served for real, and what becomes of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from scripted import ScriptedStripe

from dagster_project.run.clock import now
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.http import Patience
from ingestion.loading.reports import ExtractContext, LoadReport
from ingestion.sources.stripe.extraction import extract
from ingestion.sources.stripe.tables import TABLES, tables_of
from ingestion.warehouse.warehouse import Warehouse
from tests import raw_tables
from tests.compiled_models import CompiledModels

KEY = "sk_test_secret_of_the_test"
PATIENCE = Patience(attempts=20, first_wait=0.01, longest_wait=0.02, timeout=(2.0, 0.6))
VERSIONED = [name for name in TABLES if name not in ("rejected", "exports")]
OF_THE_LOAD = ("_dlt_load_id", "source_row", "row_hash")
MAPPED = "mapping: {customers: {account_id: crm_company}, invoices: {opportunity_id: crm_deal}}"

Row = dict[str, Any]


@dataclass
class Books:
    """A warehouse that takes in what `url` serves."""

    url: str
    folder: Path
    messages: list[str] = field(default_factory=list)

    def company(self, more: str = MAPPED) -> Company:
        """The company, with further keys of its one source."""
        path = self.folder / "company.yml"
        path.write_text(
            "name: Books\ncurrency: USD\ntimezone: UTC\nsources:\n"
            f"  - name: stripe\n    type: stripe\n    url: {self.url}\n    {more}\n"
        )
        return load_company(path)

    def context(
        self, company: Company, warehouse: Warehouse, force: bool = False
    ) -> ExtractContext:
        """What an extraction needs; its messages are kept."""
        folder = self.folder / f"extraction-{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return ExtractContext(company, warehouse, "raw_stripe", folder, force, self.messages.append)

    def sync(self, more: str = MAPPED, force: bool = False) -> LoadReport:
        """Extract and load, as a run does but for dlt."""
        company = self.company(more)
        warehouse = Warehouse.of(company)
        context = self.context(company, warehouse, force)
        with extract(context, company.sources[0], PATIENCE) as extraction:
            if extraction.tables:
                tables = tables_of(company.entities)
                raw_tables.append(
                    warehouse, "raw_stripe", tables, extraction.tables, context.folder
                )
        return LoadReport("stripe", "stripe", extraction.loads, extraction.warnings)

    def read(self, sql: str) -> list[Row]:
        """Rows of a query on the warehouse."""
        return Warehouse.of(self.company()).read(sql).to_pylist()

    def versions(self, table: str) -> list[Row]:
        """The latest versions in raw, as staging sees them."""
        return self.read(
            "select * exclude (recency) from (select *, row_number() over (partition by source_id "
            f"order by _dlt_load_id desc) as recency from raw_stripe.{table} where _dlt_load_id "
            "in (select load_id from raw_stripe._dlt_loads where status = 0)) where recency = 1"
        )

    def raw(self, table: str) -> dict[str, Row]:
        """The latest versions in raw that are not deleted, by id."""
        return {row["source_id"]: row for row in self.versions(table) if not row["is_deleted"]}

    def first_load(self) -> dict[str, list[Row]]:
        """What a first load of the account as it is takes in, by table."""
        nowhere = Warehouse("duckdb", str(self.folder / "nowhere.duckdb"))
        company = self.company()
        with extract(self.context(company, nowhere), company.sources[0], PATIENCE) as extraction:
            return {
                name: [
                    row for batch in extraction.tables.get(name, ()) for row in batch.to_pylist()
                ]
                for name in TABLES
            }

    def build(self, as_of: dt.datetime, *models: str) -> None:
        """Build models, and what they rest on, as of a moment."""
        CompiledModels.of(self.company()).build(as_of, now(), models)

    def rows(self, sql: str) -> list[Row]:
        """Rows of a query on what was built."""
        with duckdb.connect(Warehouse.of(self.company()).location) as connection:
            connection.execute("set TimeZone = 'UTC'")
            return connection.execute(sql).arrow().read_all().to_pylist()


@dataclass
class Script(Books):
    """Books of a Stripe that is written by hand."""

    stripe: ScriptedStripe = field(kw_only=True)

    @property
    def as_of(self) -> dt.datetime:
        """The account's present."""
        return dt.datetime.fromtimestamp(self.stripe.now, dt.UTC).replace(tzinfo=None)

    def staged(self, entity: str) -> dict[str, Row]:
        """The canonical rows of an entity that are not deleted, by id."""
        self.build(self.as_of, f"stg_stripe__{entity}")
        found = self.rows(f"select * from staging.stg_stripe__{entity} where not is_deleted")
        assert len({row["source_id"] for row in found}) == len(found)
        return {row["source_id"]: row for row in found}

    def stretches(self, subscription: str) -> list[tuple[str, str | None, str, Decimal]]:
        """Begin, end, status and recurring revenue of a subscription's stretches, in order.

        Neighbours that are alike are one; none may overlap another.
        """
        found = [
            row
            for row in self.staged("subscriptions").values()
            if row["source_id"].split("/")[0] == subscription
        ]
        merged: list[Row] = []
        for it in sorted(found, key=lambda it: it["started_at"]):
            last = merged[-1] if merged else None
            assert last is None or last["ended_at"] <= it["started_at"], (last, it)
            alike = ("ended_at", "started_at"), ("status", "status"), ("mrr", "mrr")
            if last and all(last[before] == it[after] for before, after in alike):
                last["ended_at"] = it["ended_at"]
            else:
                merged.append(dict(it))
        return [
            (_iso(it["started_at"]), _iso(it["ended_at"]), it["status"], _plain(it["mrr"]))
            for it in merged
        ]

    def mrr_by_month(self) -> dict[str, dict[str, Decimal]]:
        """Recurring revenue at the end of each month and as of now, by currency."""
        self.build(self.as_of, "int_subscriptions_at")
        found = self.rows(
            "select day, currency, sum(mrr_native) as mrr from intermediate.int_subscriptions_at "
            "where exclusion_reason is null and moment in "
            "(select to_at from intermediate.int_mrr_spans where span = 'month') "
            "group by all having sum(mrr_native) <> 0"
        )
        by_month: dict[str, dict[str, Decimal]] = {}
        for row in found:
            by_month.setdefault(f"{row['day']:%Y-%m}", {})[row["currency"]] = _plain(row["mrr"])
        return by_month


def _rows(batches: Iterable[pa.RecordBatch]) -> list[Row]:
    return [row for batch in batches for row in batch.to_pylist()]


def _iso(moment: dt.datetime | None) -> str | None:
    if moment is None:
        return None
    return moment.isoformat(sep=" ").removesuffix(":00").removesuffix(" 00:00")


def _plain(value: Decimal) -> Decimal:
    """A number without the zeros that its type has behind it."""
    return Decimal(f"{value.normalize():f}")

"""Small warehouses with the tables that an audit reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import psycopg2
import yaml

from expectations.comparison import Comparison
from expectations.report import AuditReport
from expectations.runner import audit
from expectations.suites import Layer
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.contract.columns import META_COLUMNS
from ingestion.contract.entities import ENTITIES
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS
from ingestion.contract.types import TYPES
from ingestion.warehouse.warehouse import Warehouse
from tests.expectations.cases import (
    AS_OF,
    DEALS_BASE,
    HYGIENE_RULES,
    KPI_BASE,
    KPI_KINDS,
    LOADED_AT,
)
from tests.expectations.money_cases import FACTS

RAW_TABLES = {
    **{
        entity.name: (*RECORD_COLUMNS, *META_COLUMNS, *entity.columns)
        for entity in ENTITIES.values()
    },
    "rejected": REJECTED_COLUMNS,
    "exports": EXPORT_COLUMNS,
}
HYGIENE_COLUMNS = {"source_instance": "varchar", "source_id": "varchar"}
DEAL_COLUMNS = {
    "source_instance": "varchar",
    "opportunity_id": "varchar",
    "removal": "varchar",
    "amount_native": "decimal(38, 6)",
    "amount": "decimal(38, 6)",
    "created_at": "timestamp",
    "closed_on": "date",
    "stage": "varchar",
    "stage_order": "bigint",
}
STAGE_COLUMNS = {
    **dict.fromkeys(("source_instance", "pipeline", "stage", "former_names"), "varchar"),
    "is_rename_inferred": "boolean",
}
QUOTA_COLUMNS = {
    **dict.fromkeys(
        ("target", "target_key", "period_grain", "measure", "currency", "given_by"), "varchar"
    ),
    "period_start": "date",
    "amount": "decimal(38, 6)",
    "times_given": "bigint",
}
REFERENCE_COLUMNS = {"summary": "varchar", "n_unresolved": "bigint", "is_critical": "boolean"}
KPI_COLUMNS = {
    **dict.fromkeys(("metric", "variant", "period_grain", "dimension", "dimension_key"), "varchar"),
    "period_start": "date",
    "value": "double precision",
    "numerator": "decimal(38, 6)",
    "denominator": "decimal(38, 6)",
}
VARIANT_COLUMNS = dict.fromkeys(("metric", "variant", "kind"), "varchar")


def make_company(folder: Path, instances: Iterable[str] = ("crm",), **settings: Any) -> Company:
    """A company whose sources export all of their deals and leads."""
    sources = [
        {
            "name": instance,
            "type": "files",
            "path": ".",
            "provides": {"opportunities": instance, "leads": instance},
            "entities": {"opportunities": {"from": "deals"}, "leads": {"from": "leads"}},
        }
        for instance in instances
    ]
    document = {
        "name": "Acme",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "sources": sources,
        **settings,
    }
    (folder / "deals.csv").write_text("source_id,stage\n", encoding="utf-8")
    (folder / "leads.csv").write_text("source_id,created_at\n", encoding="utf-8")
    path = folder / "company.yml"
    path.write_text(yaml.safe_dump(document), encoding="utf-8")
    return load_company(path)


class Store:
    """A company's warehouse, open for writing while in context."""

    def __init__(self, company: Company) -> None:
        warehouse = Warehouse.of(company)
        self.mark = "?" if warehouse.name == "duckdb" else "%s"
        if warehouse.name == "duckdb":
            Path(warehouse.location).parent.mkdir(parents=True, exist_ok=True)
            self.connection: Any = duckdb.connect(warehouse.location)
            self.execute = self.connection.execute
        else:
            self.connection = psycopg2.connect(warehouse.location)
            self.connection.autocommit = True
            self.execute = self.connection.cursor().execute

    def __enter__(self) -> Store:
        self.execute("set TimeZone = 'UTC'")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def create_raw(self) -> None:
        """All tables of a raw dataset, empty, with one finished load, `1`."""
        self._create(
            "raw_files",
            "_dlt_loads",
            {"load_id": "varchar", "status": "bigint", "inserted_at": "timestamptz"},
        )
        for table, columns in RAW_TABLES.items():
            types = {f'"{column.name}"': TYPES[column.type].sql for column in columns}
            self._create("raw_files", table, {**types, "_dlt_load_id": "varchar"})
        self.load("1", LOADED_AT)

    def create_marts(self) -> None:
        """The tables of the marts that are audited, with one KPI."""
        self._create("marts", "fct_opportunities", DEAL_COLUMNS)
        self._create("marts", "dim_stage", STAGE_COLUMNS)
        self._create("marts", "fct_quotas", QUOTA_COLUMNS)
        self._create("marts", "mart_references", REFERENCE_COLUMNS)
        for table, facts in FACTS.items():
            self._create("marts", table, facts.columns)
        for table, rules in HYGIENE_RULES.items():
            self._create("marts", table, {**HYGIENE_COLUMNS, **dict.fromkeys(rules, "boolean")})
        self._create("marts", "kpi_values", KPI_COLUMNS)
        self.insert("marts.kpi_values", KPI_BASE)
        self._create("marts", "kpi_variants", VARIANT_COLUMNS)
        for (metric, variant), kind in KPI_KINDS.items():
            values = {"metric": metric, "variant": variant, "kind": kind}
            self.insert("marts.kpi_variants", values)

    def load(self, load_id: str, moment: str, status: int = 0) -> None:
        """Note a load, finished or not."""
        self.execute(f"insert into raw_files._dlt_loads values ('{load_id}', {status}, '{moment}')")

    def raw(self, table: str, values: Mapping[str, Any], load_id: str = "1") -> None:
        """Add a row to a raw table."""
        row = {"source_instance": "crm", **values, "_dlt_load_id": load_id}
        self.insert(f"raw_files.{table}", row)

    def deal(self, opportunity_id: str, **values: Any) -> None:
        """Add a deal to the marts."""
        row = {**DEALS_BASE, **values, "source_instance": "crm", "opportunity_id": opportunity_id}
        self.insert("marts.fct_opportunities", row)

    def insert(self, table: str, values: Mapping[str, Any]) -> None:
        """Add a row to any table."""
        names = ", ".join(f'"{name}"' for name in values)
        marks = ", ".join([self.mark] * len(values))
        self.execute(f"insert into {table} ({names}) values ({marks})", list(values.values()))

    def _create(self, schema: str, table: str, columns: Mapping[str, str]) -> None:
        self.execute(f"create schema if not exists {schema}")
        listing = ", ".join(f"{name} {kind}" for name, kind in columns.items())
        self.execute(f"create table {schema}.{table} ({listing})")


def moment(text: str) -> dt.datetime:
    """A moment in UTC, without zone."""
    return dt.datetime.fromisoformat(text)


def run_audit(
    company: Company,
    layer: Layer,
    known_at: str = AS_OF,
    as_of: str = AS_OF,
    comparisons: Sequence[Comparison] = (),
) -> AuditReport:
    """Audit a company's warehouse, as of the tests' moment unless another one is said."""
    return audit(
        company,
        Warehouse.of(company),
        layer,
        as_of=moment(as_of),
        known_at=moment(known_at),
        run_id="run-1",
        comparisons=comparisons,
    )

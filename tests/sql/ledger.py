"""A company whose invoices are in databases: what is in them, and what was loaded."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extensions
import pytest
import yaml

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.loading.reports import LoadReport, TableLoad
from ingestion.paths import CompanyPaths
from ingestion.pipeline import load_source
from ingestion.sources.sql import extraction, increments
from ingestion.warehouse.warehouse import Warehouse

ADDRESS = "LEDGER_ADDRESS"
INVOICE_COLUMNS = {
    "source_id": "no",
    "customer_id": "customer",
    "issued_at": "posted_at",
    "status": "state",
    "currency": "'USD'",
    "total": "gross",
    "source_updated_at": "changed_at",
}
TABLE = """
create table ar_invoice (
    no bigint primary key, customer bigint not null, posted_at timestamp not null,
    state text not null, gross numeric(18, 2), changed_at timestamptz not null
)
"""
NOON = "2024-05-01 12:00:00+00"
LOADED = """
select source_id, status, total from (
    select *, row_number() over (
        partition by source_instance, source_id order by _dlt_load_id desc
    ) as newest
    from raw_sql.invoices
) as versions where newest = 1 and not is_deleted order by source_id
"""


def invoices(**mapping: Any) -> dict[str, Any]:
    """The mapping of the invoices: by their stamps, unless other keys are given."""
    usual = {"from": "ar_invoice", "cursor": "changed_at", "deletes": "none"}
    keys = {**usual, "columns": INVOICE_COLUMNS, **mapping}
    return {key: value for key, value in keys.items() if value is not None}


@dataclass(frozen=True)
class Database:
    """A database of a test's own, and its address."""

    url: str = field(repr=False)

    def run(self, *statements: str, **values: object) -> None:
        """Execute statements, each of which stands at once."""
        with self.connected() as connection, connection.cursor() as cursor:
            connection.autocommit = True
            for statement in statements:
                cursor.execute(statement, values or None)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with self.connected() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    @contextmanager
    def connected(self) -> Iterator[psycopg2.extensions.connection]:
        """A connection whose transaction is the test's to end."""
        with closing(psycopg2.connect(self.url)) as connection:
            yield connection

    def invoice(
        self, first: int, last: int | None = None, *, at: str = NOON, gross: object = 100
    ) -> None:
        """Write invoices with these numbers, changed at a moment."""
        self.run(
            "insert into ar_invoice select n, 7, '2024-05-01', 'open', %(gross)s, %(at)s "
            "from generate_series(%(first)s, %(last)s) as n",
            first=first, last=last or first, at=at, gross=gross,
        )  # fmt: skip


@dataclass
class Ledger:
    """A company with SQL sources, whose addresses are in the environment."""

    root: Path
    empty: Path | None = None
    """A warehouse that has every table and no load: the first load begins with a copy of it."""

    def company(self, *sources: Mapping[str, Any]) -> Company:
        """The company with these sources."""
        file = self.root / "company.yml"
        document = {"name": "Ledger", "currency": "USD", "timezone": "UTC", "sources": [*sources]}
        file.write_text(yaml.safe_dump(document, sort_keys=False))
        return load_company(file)

    def report(self, *, force: bool = False, **entities: Any) -> LoadReport:
        """Load the one source with these entities; what happened."""
        company = self.company(source("erp", **entities))
        if self.empty and not self.warehouse.exists():
            self.warehouse.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.empty, self.warehouse)
        return load_source(company, company.sources[0], force=force)

    def load(self, **entities: Any) -> dict[str, TableLoad]:
        """Load the one source with these entities; what happened to each."""
        return {table.entity: table for table in self.report(**entities).tables}

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Rows of the warehouse."""
        company = load_company(self.root / "company.yml")
        return Warehouse.of(company).read(sql, params).to_pylist()

    def known(self) -> dict[str, Any]:
        """The totals of the invoices that are there as of the last load, by number."""
        return {row["source_id"]: row["total"] for row in self.rows(LOADED)}

    @property
    def warehouse(self) -> Path:
        """The file that loads write to."""
        return CompanyPaths.of(load_company(self.root / "company.yml")).warehouse


@contextmanager
def counted() -> Iterator[dict[str, int]]:
    """The rows that are read of a database by loads: by entity, keys alone as `<entity>.keys`."""
    read: dict[str, int] = {}
    stage = extraction.stage

    def counting(database: Any, sql: str, fields: Any, target: Path, *others: Any) -> int:
        rows = stage(database, sql, fields, target, *others)
        name = target.stem.partition(".")[2]
        read[name] = read.get(name, 0) + rows
        return rows

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(extraction, "stage", counting)
        patched.setattr(increments, "stage", counting)
        yield read


def source(name: str, *, address: str = ADDRESS, **entities: Any) -> dict[str, Any]:
    """A SQL source of a company file; keys that are no mapping stand beside the entities."""
    mapped = {key: value for key, value in entities.items() if isinstance(value, dict)}
    provides = mapped.pop("provides", None)
    said = {"name": name, "type": "sql", "address_env": address, "entities": mapped}
    return said if provides is None else {**said, "provides": provides}

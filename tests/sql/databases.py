"""A company whose one source is a database that a test fills."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.loading.reports import LoadReport, SourceCheck, TableLoad
from ingestion.paths import CompanyPaths
from ingestion.pipeline import check, load_source
from ingestion.warehouse.warehouse import Warehouse

ADDRESS = "TEST_DATABASE_URL"
CANARY = "c4nary/p@ss:w0rd"
"""The password of the PostgreSQL server; it must be nowhere."""


@dataclass
class Db:
    """A company with one SQL source, called `erp`, and the database that it reads."""

    root: Path
    engine: sa.Engine
    settings: dict[str, Any] = field(default_factory=dict)
    report: LoadReport | None = None
    empty: Path | None = None
    """A warehouse whose tables are made: making them is most of a first load."""

    def run(self, *statements: str) -> None:
        """Run statements in the database, each committed."""
        with self.engine.connect() as connection:
            connection = connection.execution_options(no_parameters=True)
            for statement in statements:
                connection.exec_driver_sql(statement)
                connection.commit()

    def company(self, entities: Mapping[str, Any], **source: Any) -> Company:
        path = self.root / "company.yml"
        erp = {
            "name": "erp",
            "type": "sql",
            "address_env": ADDRESS,
            "entities": entities,
            **source,
        }
        document = {"name": "Test", "currency": "USD", "timezone": "UTC", **self.settings}
        path.write_text(yaml.safe_dump({**document, "sources": [erp]}, sort_keys=False))
        return load_company(path)

    def load(
        self, entities: Mapping[str, Any], *, force: bool = False, **source: Any
    ) -> dict[str, TableLoad]:
        """Load the source; what happened to each entity."""
        company = self.company(entities, **source)
        warehouse = CompanyPaths.of(company).warehouse
        if self.empty and company.destination == "duckdb" and not warehouse.exists():
            warehouse.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(self.empty, warehouse)
        self.report = load_source(company, company.sources[0], force=force)
        return {table.entity: table for table in self.report.tables}

    def check(self, entities: Mapping[str, Any], **source: Any) -> SourceCheck:
        (found,) = check(self.company(entities, **source))
        return found

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Rows of the warehouse."""
        company = load_company(self.root / "company.yml")
        return Warehouse.of(company).read(sql, params).to_pylist()

    def latest(self, entity: str, *columns: str) -> list[tuple[Any, ...]]:
        """The latest versions of the records that are not deleted, by their ids."""
        found = self.rows(f"""
            select * from (
                select *, row_number() over (
                    partition by source_id order by _dlt_load_id desc) as recency
                from raw_sql.{entity})
            where recency = 1 and not coalesce(is_deleted, false) order by source_id""")
        return [tuple(row[column] for column in columns) for row in found]

    def rejected(self) -> list[dict[str, Any]]:
        """The rejected rows of all loads, their records read from JSON."""
        rows = self.rows("select * from raw_sql.rejected order by entity, source_id, reason")
        return [{**row, "record": json.loads(row["record"])} for row in rows]

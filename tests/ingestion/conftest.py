"""A company in a temporary folder, whose exports a test writes and loads."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.loading.appending import append
from ingestion.loading.reports import LoadReport, TableLoad
from ingestion.paths import CompanyPaths
from ingestion.pipeline import load_source
from ingestion.sources.files.tables import TABLES
from ingestion.warehouse.warehouse import Warehouse

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


@dataclass
class Exports:
    """A company with one files source, called `crm`, whose exports are in `folder`.

    Its first load appends to a copy of the warehouse `empty`, whose tables are made, where one is
    given.
    """

    root: Path
    settings: dict[str, Any] = field(default_factory=dict)
    empty: Path | None = None

    @property
    def folder(self) -> Path:
        return self.root / "exports"

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def company(self, entities: Mapping[str, Any], **source: Any) -> Company:
        """The company with these mappings; keyword arguments are further keys of the source."""
        self.folder.mkdir(exist_ok=True)
        path = self.root / "company.yml"
        crm = {"name": "crm", "type": "files", "path": "exports", "entities": entities, **source}
        document = {"name": "Test", "currency": "USD", "timezone": "UTC", **self.settings}
        path.write_text(yaml.safe_dump({**document, "sources": [crm]}, sort_keys=False))
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
        report: LoadReport = load_source(company, company.sources[0], force=force)
        return {table.entity: table for table in report.tables}

    def rows(self, sql: str, params: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Rows of the warehouse."""
        company = load_company(self.root / "company.yml")
        return Warehouse.of(company).read(sql, params).to_pylist()

    def rejected(self) -> list[dict[str, Any]]:
        """The rejected rows of all loads, their records read from JSON."""
        rows = self.rows("select * from raw_files.rejected order by entity, source_line, reason")
        return [{**row, "record": json.loads(row["record"])} for row in rows]


@pytest.fixture(scope="session")
def empty_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that has every table of files and no load: making them is most of a first one."""
    folder = tmp_path_factory.mktemp("empty")
    warehouse = Warehouse("duckdb", str(folder / "warehouse.duckdb"))
    append(warehouse, "raw_files", TABLES, {}, folder)
    with duckdb.connect(warehouse.location) as connection:
        connection.execute("delete from raw_files._dlt_loads")
    return folder / "warehouse.duckdb"


@pytest.fixture
def exports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, empty_warehouse: Path, without_dlt: None
) -> Exports:
    """A company whose data is in the test's own folder."""
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path / "data"))
    return Exports(tmp_path, empty=empty_warehouse)


@pytest.fixture
def shared() -> Path:
    """The folder of real data, where there is one."""
    if not SHARED.is_dir():
        pytest.skip(f"the real data is not in {SHARED}")
    return SHARED

"""Loads one source into its raw dataset: what the source extracts, dlt appends, all or nothing."""

from __future__ import annotations

import importlib
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ingestion.company import Company, Source
from ingestion.contract import Column
from ingestion.paths import CompanyPaths
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str], None]


def quiet(message: str) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class TableLoad:
    """What a load did to one table: `rows` in the export, and how they differ from the last one.

    `is_unchanged`: the inputs are those of the last load, so nothing was read or loaded; `rows`
    and `rows_rejected` are then the last load's.
    """

    entity: str
    rows: int
    rows_new: int
    rows_changed: int
    rows_deleted: int
    rows_rejected: int
    is_unchanged: bool = False


@dataclass(frozen=True)
class LoadReport:
    """What a load of one source did and took, and what about the source deserves a look."""

    source: str
    type: str
    tables: tuple[TableLoad, ...]
    warnings: tuple[str, ...] = ()
    seconds_extracting: float = 0
    seconds_loading: float = 0

    @property
    def is_unchanged(self) -> bool:
        """Whether nothing was loaded."""
        return all(table.is_unchanged for table in self.tables)


@dataclass(frozen=True)
class Extraction:
    """What a source hands to dlt: batches of rows by table name. None at all: nothing to load."""

    loads: tuple[TableLoad, ...]
    tables: Mapping[str, Iterable[pa.RecordBatch]]
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class ExtractContext:
    """What a source extracts with: `folder` is its own while it extracts, and removed after."""

    company: Company
    warehouse: Warehouse
    dataset: str
    folder: Path
    force: bool
    progress: Progress


class SourceModule(Protocol):
    """What a module `ingestion.sources.<type>` provides."""

    TABLES: Mapping[str, tuple[Column, ...]]

    def extract(
        self, context: ExtractContext, source: Source
    ) -> AbstractContextManager[Extraction]:
        """Read the source; the batches can be taken until the context is left."""


def load_source(
    company: Company, source: Source, *, force: bool = False, progress: Progress = quiet
) -> LoadReport:
    """Load what is new in a source, as one load: known whole or not at all.

    `force` accepts an export that has shrunk. Raises SourceError or WarehouseError; nothing of
    the source is then loaded.
    """
    from ingestion.dlt_load import append

    module = _module(source.type)
    warehouse = Warehouse.of(company)
    warehouse.check()
    folder = CompanyPaths.of(company).dlt / source.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    dataset = f"raw_{source.type}"
    context = ExtractContext(company, warehouse, dataset, folder, force, progress)
    started = time.perf_counter()
    try:
        with module.extract(context, source) as extraction:
            extracted = time.perf_counter()
            if extraction.tables:
                progress(f"{source.name}: loading")
                append(warehouse, dataset, module.TABLES, extraction.tables, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return LoadReport(
        source.name,
        source.type,
        extraction.loads,
        extraction.warnings,
        seconds_extracting=extracted - started,
        seconds_loading=time.perf_counter() - extracted,
    )


def raw_tables(source_type: str) -> Mapping[str, tuple[Column, ...]]:
    """The tables of a source type's raw dataset, with their columns."""
    return _module(source_type).TABLES


def _module(source_type: str) -> SourceModule:
    return cast(SourceModule, importlib.import_module(f"ingestion.sources.{source_type}"))

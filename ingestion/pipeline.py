"""Loads sources into their raw datasets: all are read and checked, then dlt appends what is new.

What a source extracts is appended all or nothing.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from ingestion.company.settings import Company, Source
from ingestion.contract.entities import ENTITIES, Column, Entity
from ingestion.errors import Gathered, SourceError
from ingestion.paths import CompanyPaths
from ingestion.rejections import Rule
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    import pyarrow as pa

Progress = Callable[[str], None]


def quiet(message: str) -> None:
    """Show no progress."""


@dataclass(frozen=True)
class TableLoad:
    """What a load did to one table: `rows` in the export, and how they differ from the last one.

    `rows_read` is what was read of the export, where that is known: `rows`, `rows_rejected`, and
    the `rows_restated` of older files that newer ones have, too. `is_unchanged`: the inputs are
    those of the last load, so nothing was read or loaded; `rows` and `rows_rejected` are then the
    last load's.
    """

    entity: str
    rows: int
    rows_new: int
    rows_changed: int
    rows_deleted: int
    rows_rejected: int
    is_unchanged: bool = False
    rows_read: int | None = None
    rows_restated: int = 0


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
    """What a source hands to dlt: batches of rows by table name. None at all: nothing to load.

    `rejected` tells what is rejected, rule by rule, should it come to be refused with others.
    """

    loads: tuple[TableLoad, ...]
    tables: Mapping[str, Iterable[pa.RecordBatch]]
    warnings: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableCheck:
    """What a load would make of one table, from which files, and the rules that rows break."""

    load: TableLoad
    files: tuple[str, ...]
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class SourceCheck:
    """What a load of one source would do.

    `problems` would stop it; `rejected` tells what would be rejected, rule by rule, in words of
    the company file; `remarks` say what else deserves a look.
    """

    source: str
    type: str
    place: str
    tables: tuple[TableCheck, ...] = ()
    problems: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


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

    def tables_of(self, entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
        """The tables of the raw dataset of a company with these entities, with their columns."""

    def extract(
        self, context: ExtractContext, source: Source
    ) -> AbstractContextManager[Extraction]:
        """Read the source; the batches can be taken until the context is left."""

    def check(self, context: ExtractContext, source: Source) -> SourceCheck:
        """Read what tells whether the source can be loaded; nothing is raised for it."""


@dataclass(frozen=True)
class Prepared:
    """A source that was read and checked; what is new in it lies in `folder`, if anything is."""

    source: Source
    extraction: Extraction
    warehouse: Warehouse
    folder: Path
    seconds_extracting: float
    seconds_setting_down: float

    def load(self, progress: Progress = quiet) -> LoadReport:
        """Load what is new, as one load: known whole or not at all. Raises WarehouseError."""
        from ingestion.dlt_load import load

        started = time.perf_counter()
        try:
            if self.extraction.tables:
                progress(f"{self.source.name}: loading")
                load(self.warehouse, _dataset(self.source), self.folder)
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)
        return LoadReport(
            self.source.name,
            self.source.type,
            self.extraction.loads,
            self.extraction.warnings,
            seconds_extracting=self.seconds_extracting,
            seconds_loading=self.seconds_setting_down + time.perf_counter() - started,
        )


def load_source(
    company: Company, source: Source, *, force: bool = False, progress: Progress = quiet
) -> LoadReport:
    """Load what is new in a source, as one load: known whole or not at all.

    `force` accepts an export that has shrunk. Raises SourceError or WarehouseError; nothing of
    the source is then loaded.
    """
    (prepared,) = prepare(company, [source], force=force, progress=progress)
    return prepared.load(progress)


def prepare(
    company: Company,
    sources: Iterable[Source],
    *,
    force: bool = False,
    progress: Progress = quiet,
) -> list[Prepared]:
    """Read and check sources, and set down what is new in them, to be loaded.

    Files come first: what an API takes minutes to tell is only asked for once they are right; else
    it is checked in a request or two. `force` accepts an export that has shrunk. Raises SourceError
    of all that is wrong with any of them, or WarehouseError; nothing is then loaded.
    """
    warehouse = Warehouse.of(company)
    warehouse.check()
    wrong, prepared = Gathered(), []
    for source in sorted(sources, key=lambda source: source.type != "files"):
        folder = CompanyPaths.of(company).dlt / source.name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        context = ExtractContext(company, warehouse, _dataset(source), folder, force, progress)
        if wrong.problems and source.type != "files":
            wrong.problems += _checked(context, source).problems
            continue
        with wrong.each(), _located(company):
            prepared.append(_prepare(context, source))
    if wrong.problems:
        shutil.rmtree(CompanyPaths.of(company).dlt, ignore_errors=True)
    wrong.raise_any(told for one in prepared for told in one.extraction.rejected)
    return prepared


def check(
    company: Company, *, force: bool = False, progress: Progress = quiet
) -> Iterator[SourceCheck]:
    """Read and check all sources, one by one; nothing is written but what is removed at the end.

    Raises WarehouseError.
    """
    warehouse = Warehouse.of(company)
    warehouse.check_readable()
    for source in company.sources:
        with tempfile.TemporaryDirectory() as folder:
            context = ExtractContext(
                company, warehouse, _dataset(source), Path(folder), force, progress
            )
            yield _checked(context, source)


def _checked(context: ExtractContext, source: Source) -> SourceCheck:
    checked = _module(source.type).check(context, source)
    located = (_in_file(context.company, problem) for problem in checked.problems)
    return replace(checked, problems=tuple(located))


@contextmanager
def _located(company: Company) -> Iterator[None]:
    """Name the company file in problems that do not."""
    try:
        yield
    except SourceError as error:
        raise SourceError(*(_in_file(company, it) for it in error.problems)) from error


def _in_file(company: Company, problem: str) -> str:
    return problem if problem.startswith(str(company.path)) else f"{company.path}: {problem}"


def _prepare(context: ExtractContext, source: Source) -> Prepared:
    from ingestion.dlt_load import set_down

    module = _module(source.type)
    started = time.perf_counter()
    with module.extract(context, source) as extraction:
        extracted = time.perf_counter()
        if extraction.tables:
            set_down(
                context.warehouse,
                context.dataset,
                module.tables_of(context.company.entities),
                extraction.tables,
                context.folder,
            )
    return Prepared(
        source,
        extraction,
        context.warehouse,
        context.folder,
        extracted - started,
        time.perf_counter() - extracted,
    )


def _dataset(source: Source) -> str:
    return f"raw_{source.type}"


def raw_tables(
    source_type: str, entities: Mapping[str, Entity] = ENTITIES
) -> Mapping[str, tuple[Column, ...]]:
    """The tables of a source type's raw dataset, with their columns.

    `entities` are those of a company, where it matters which columns it adds.
    """
    return _module(source_type).tables_of(entities)


def _module(source_type: str) -> SourceModule:
    return cast(SourceModule, importlib.import_module(f"ingestion.sources.{source_type}"))

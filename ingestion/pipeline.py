"""Loads sources into their raw datasets: all are read and checked, then dlt appends what is new.

What a source extracts is appended all or nothing.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from ingestion.company.settings import Company, Source
from ingestion.contract.columns import Column
from ingestion.errors import Gathered, SourceError
from ingestion.loading.reports import (
    ExtractContext,
    Extraction,
    LoadReport,
    Progress,
    SourceCheck,
    quiet,
)
from ingestion.paths import CompanyPaths
from ingestion.sources.registry import SOURCE_TYPES
from ingestion.warehouse.warehouse import Warehouse


@dataclass(frozen=True)
class Prepared:
    """A source that was read and checked; what is new in it lies in `folder`, if anything is.

    That may be columns alone.
    """

    source: Source
    extraction: Extraction
    warehouse: Warehouse
    folder: Path
    has_news: bool
    seconds_extracting: float
    seconds_setting_down: float

    def load(self, progress: Progress = quiet) -> LoadReport:
        """Load what is new, as one load: known whole or not at all. Raises WarehouseError."""
        from ingestion.loading.appending import load

        started = time.perf_counter()
        try:
            if self.has_news:
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

    What is near comes first: what an API takes minutes to tell is only asked for once that is
    right; else it is checked in a request or two. `force` accepts an export that has shrunk.
    Raises SourceError of all that is wrong with any of them, or WarehouseError; nothing is then
    loaded.
    """
    warehouse = Warehouse.of(company)
    warehouse.check()
    wrong, prepared = Gathered(), []
    with warehouse.kept_open():
        for source in sorted(sources, key=_is_remote):
            folder = CompanyPaths.of(company).dlt / source.name
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            context = ExtractContext(company, warehouse, _dataset(source), folder, force, progress)
            if wrong.problems and _is_remote(source):
                wrong.problems += _checked(context, source).problems
                continue
            with wrong.each(), _located(company):
                prepared.append(_prepare(context, source))
    if wrong.problems:
        shutil.rmtree(CompanyPaths.of(company).dlt, ignore_errors=True)
    wrong.raise_any(told for one in prepared for told in one.extraction.rejected)
    return _with_left_behind(company, warehouse, prepared)


def _with_left_behind(
    company: Company, warehouse: Warehouse, prepared: list[Prepared]
) -> list[Prepared]:
    """Sources that were read, the first of each type with what is left of those that are gone."""
    from ingestion.loading.left_behind import left_behind

    told: set[str] = set()
    found = []
    with warehouse.kept_open():
        for one in prepared:
            if (kind := one.source.type) not in told:
                told.add(kind)
                more = left_behind(company, warehouse, kind)
                warnings = (*one.extraction.warnings, *more)
                one = replace(one, extraction=replace(one.extraction, warnings=warnings))
            found.append(one)
    return found


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
    checked = SOURCE_TYPES[source.type].check(context, source)
    problems = (*_retyped(context, source), *checked.problems)
    located = (_in_file(context.company, problem) for problem in problems)
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
    from ingestion.loading.appending import set_down

    source_type = SOURCE_TYPES[source.type]
    started = time.perf_counter()
    if problems := _retyped(context, source):
        raise SourceError(*problems)
    with source_type.extract(context, source) as extraction:
        extracted = time.perf_counter()
        tables = source_type.tables_of(context.company.entities)
        has_news = bool(extraction.tables) or _lacks_columns(context, tables)
        if has_news:
            set_down(context.warehouse, context.dataset, tables, extraction.tables, context.folder)
    return Prepared(
        source,
        extraction,
        context.warehouse,
        context.folder,
        has_news,
        extracted - started,
        time.perf_counter() - extracted,
    )


def _retyped(context: ExtractContext, source: Source) -> list[str]:
    """The columns of the company's own that have been loaded as another type.

    Their versions would have two types, of which the table keeps the first.
    """
    extra = {name for columns in context.company.extra.values() for name in columns}
    loaded = context.warehouse.types(context.dataset) if extra else {}
    return [
        f"extra: {column.name} of {table} is {column.type}, and was loaded as {before}: name it "
        "otherwise, or run with FRESH=1: the company starts anew, and its old warehouse is kept "
        "aside"
        for table, columns in SOURCE_TYPES[source.type].tables_of(context.company.entities).items()
        for column in columns
        if column.name in extra
        and (before := loaded.get((table, column.name))) not in (None, column.type)
    ]


def _lacks_columns(context: ExtractContext, tables: Mapping[str, tuple[Column, ...]]) -> bool:
    """Whether the dataset is without tables or columns, as where a company has added one."""
    present = context.warehouse.columns(context.dataset)
    return any(
        not present.get(name, frozenset()).issuperset(column.name for column in columns)
        for name, columns in tables.items()
    )


def _dataset(source: Source) -> str:
    return SOURCE_TYPES[source.type].dataset


def _is_remote(source: Source) -> bool:
    return SOURCE_TYPES[source.type].is_remote

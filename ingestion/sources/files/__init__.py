"""The files source: exports in a folder, read and mapped by DuckDB."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.files.tables import TABLES, tables_of

if TYPE_CHECKING:
    from ingestion.pipeline import ExtractContext, Extraction, SourceCheck
    from ingestion.sources.files.settings import FilesSource

__all__ = ["TABLES", "check", "extract", "tables_of"]


def extract(context: ExtractContext, source: FilesSource) -> AbstractContextManager[Extraction]:
    """What changed in the files since the last load, in batches for dlt. Raises SourceError."""
    from ingestion.sources.files.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: FilesSource) -> SourceCheck:
    """What a load of the files would do."""
    from ingestion.sources.files.extraction import check as run

    return run(context, source)

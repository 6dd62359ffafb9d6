"""The files source: exports in a folder, read and mapped by DuckDB."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.contract.entities import ENTITIES
from ingestion.sources.files.settings import FilesSource
from ingestion.sources.files.tables import DESCRIPTIONS, tables_of
from ingestion.sources.source_type import Freshness, RawDeals, RawStages, SourceType

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: FilesSource) -> AbstractContextManager[Extraction]:
    """What changed in the files since the last load, in batches for dlt. Raises SourceError."""
    from ingestion.sources.files.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: FilesSource) -> SourceCheck:
    """What a load of the files would do."""
    from ingestion.sources.files.extraction import check as run

    return run(context, source)


def people(dataset: str) -> str:
    """SQL of everyone that canonical raw tables tell of; owners of quotas may be no users."""
    return f"""
        select source_id as id, name, email from {dataset}.users
        union
        select owner_id as id, null as name, null as email from {dataset}.quotas
        where owner_id is not null"""


FRESHNESS = (
    Freshness("opportunities", "created_at", days=31),
    Freshness("leads", "created_at", days=7),
    Freshness("activities", "occurred_at", days=7),
    Freshness("spend_daily", "day", days=3),
)
"""How often canonical raw tables get new records."""

FILES = SourceType(
    name="files",
    label="files",
    settings=FilesSource,
    tables_of=tables_of,
    descriptions=DESCRIPTIONS,
    extract=extract,
    check=check,
    is_remote=False,
    entities=tuple(ENTITIES),
    is_canonical=True,
    histories=(),
    deals=RawDeals("opportunities", stage="stage", created_at="created_at"),
    stages=RawStages("pipeline_stages", name="stage"),
    people=people("raw_files"),
    freshness=FRESHNESS,
)

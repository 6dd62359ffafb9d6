"""The SQL source: tables and SELECTs of a database, mapped as files are."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.contract.entities import ENTITIES
from ingestion.sources.files import FRESHNESS, people
from ingestion.sources.source_type import RawDeals, RawStages, SourceType
from ingestion.sources.sql.settings import LABEL, SqlSource
from ingestion.sources.sql.tables import DESCRIPTIONS, tables_of

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: SqlSource) -> AbstractContextManager[Extraction]:
    """What changed in the database since the last load, in batches for dlt. Raises SourceError."""
    from ingestion.sources.sql.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: SqlSource) -> SourceCheck:
    """Whether the database can be read as company.yml says."""
    from ingestion.sources.sql.extraction import check as run

    return run(context, source)


SQL = SourceType(
    name="sql",
    label=LABEL,
    settings=SqlSource,
    tables_of=tables_of,
    descriptions=DESCRIPTIONS,
    extract=extract,
    check=check,
    is_remote=True,
    entities=tuple(ENTITIES),
    is_canonical=True,
    histories=(),
    deals=RawDeals("opportunities", stage="stage", created_at="created_at"),
    stages=RawStages("pipeline_stages", name="stage"),
    people=people("raw_sql"),
    freshness=FRESHNESS,
)

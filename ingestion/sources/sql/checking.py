"""Whether a database can be read as company.yml says."""

from __future__ import annotations

from ingestion.loading.reports import ExtractContext, SourceCheck
from ingestion.sources.sql.settings import SqlSource


def check(context: ExtractContext, source: SqlSource) -> SourceCheck:
    """Read and map all entities, and tell what a load would make of them."""
    raise NotImplementedError

"""The HubSpot source: CRM objects with history and associations, read over its API."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.hubspot.tables import TABLES, tables_of

if TYPE_CHECKING:
    from ingestion.pipeline import ExtractContext, Extraction, SourceCheck
    from ingestion.sources.hubspot.settings import HubSpotSource

__all__ = ["TABLES", "check", "extract", "tables_of"]


def extract(context: ExtractContext, source: HubSpotSource) -> AbstractContextManager[Extraction]:
    """What changed in the portal since the last load, in batches for dlt. Raises SourceError."""
    from ingestion.sources.hubspot.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: HubSpotSource) -> SourceCheck:
    """What can be told of the portal in a request for each object that company.yml maps."""
    from ingestion.sources.hubspot.checking import check as run

    return run(context, source)

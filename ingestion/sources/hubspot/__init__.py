"""The HubSpot source: CRM objects with history and associations, read over its API."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.hubspot.settings import LABEL, HubSpotSource
from ingestion.sources.hubspot.tables import DESCRIPTIONS, tables_of
from ingestion.sources.source_type import Freshness, RawDeals, RawStages, SourceType

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: HubSpotSource) -> AbstractContextManager[Extraction]:
    """What changed in the portal since the last load, in batches for dlt. Raises SourceError."""
    from ingestion.sources.hubspot.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: HubSpotSource) -> SourceCheck:
    """What can be told of the portal in a request for each object that company.yml maps."""
    from ingestion.sources.hubspot.checking import check as run

    return run(context, source)


HUBSPOT = SourceType(
    name="hubspot",
    label=LABEL,
    settings=HubSpotSource,
    tables_of=tables_of,
    descriptions=DESCRIPTIONS,
    extract=extract,
    check=check,
    is_remote=True,
    entities=(
        "users",
        "accounts",
        "contacts",
        "leads",
        "pipeline_stages",
        "opportunities",
        "field_changes",
        "activities",
    ),
    is_canonical=False,
    histories=("stage", "amount", "currency", "close_date", "owner_id", "forecast_category"),
    deals=RawDeals("deals", stage="dealstage", created_at="createdate"),
    stages=RawStages("stages", name="label", only="object = 'deals'"),
    people="""
        select source_id as id, email,
            trim(coalesce(first_name, '') || ' ' || coalesce(last_name, '')) as name
        from raw_hubspot.owners""",
    freshness=(
        Freshness("deals", "createdate", days=31),
        Freshness("leads", "hs_createdate", days=7),
        Freshness("emails", "hs_timestamp", days=7),
    ),
)

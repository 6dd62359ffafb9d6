"""The LinkedIn Ads source: what campaigns and ads cost by day, read over LinkedIn's API."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.ads.settings import ENTITIES
from ingestion.sources.linkedin_ads.settings import LABEL, LinkedInAdsSource
from ingestion.sources.linkedin_ads.tables import DESCRIPTIONS, tables_of
from ingestion.sources.source_type import Freshness, SourceType

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(
    context: ExtractContext, source: LinkedInAdsSource
) -> AbstractContextManager[Extraction]:
    """What the platform says of the days that it may have restated. Raises SourceError."""
    from ingestion.sources.linkedin_ads.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: LinkedInAdsSource) -> SourceCheck:
    """What can be told of the accounts in a few requests."""
    from ingestion.sources.linkedin_ads.extraction import check as run

    return run(context, source)


LINKEDIN_ADS = SourceType(
    name="linkedin_ads",
    label=LABEL,
    settings=LinkedInAdsSource,
    tables_of=tables_of,
    descriptions=DESCRIPTIONS,
    extract=extract,
    check=check,
    is_remote=True,
    entities=ENTITIES,
    is_canonical=False,
    histories=(),
    deals=None,
    stages=None,
    people=None,
    freshness=(Freshness("campaign_days", "day", days=7),),
)

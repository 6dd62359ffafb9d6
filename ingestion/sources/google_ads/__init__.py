"""The Google Ads source: what campaigns and ads cost by day, read over Google's API."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.ads.settings import ENTITIES
from ingestion.sources.google_ads.settings import LABEL, GoogleAdsSource
from ingestion.sources.google_ads.tables import DESCRIPTIONS, tables_of
from ingestion.sources.source_type import Freshness, SourceType

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: GoogleAdsSource) -> AbstractContextManager[Extraction]:
    """What the platform says of the days that it may have restated. Raises SourceError."""
    from ingestion.sources.google_ads.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: GoogleAdsSource) -> SourceCheck:
    """What can be told of the accounts in a few requests."""
    from ingestion.sources.google_ads.extraction import check as run

    return run(context, source)


GOOGLE_ADS = SourceType(
    name="google_ads",
    label=LABEL,
    settings=GoogleAdsSource,
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

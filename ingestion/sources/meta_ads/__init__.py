"""The Meta Ads source: campaigns and their spend, read over Meta's Marketing API."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.ads.settings import ENTITIES
from ingestion.sources.meta_ads.settings import LABEL, MetaAdsSource
from ingestion.sources.meta_ads.tables import DESCRIPTIONS, tables_of
from ingestion.sources.source_type import Freshness, SourceType

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: MetaAdsSource) -> AbstractContextManager[Extraction]:
    """The days that may have changed since the last load, in batches for dlt."""
    from ingestion.sources.meta_ads.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: MetaAdsSource) -> SourceCheck:
    """What can be told of the accounts in a few requests."""
    from ingestion.sources.meta_ads.extraction import check as run

    return run(context, source)


META_ADS = SourceType(
    name="meta_ads",
    label=LABEL,
    settings=MetaAdsSource,
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

"""Extracts ad accounts of LinkedIn, by the frame that advertising platforms share."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ingestion.http import Patience
from ingestion.loading.api_check import IN_SECONDS
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.sources.ads import extraction as ads
from ingestion.sources.linkedin_ads.reader import LinkedInAdsReader
from ingestion.sources.linkedin_ads.settings import LABEL, LinkedInAdsSource
from ingestion.sources.linkedin_ads.tables import TABLES


def extract(
    context: ExtractContext, source: LinkedInAdsSource, patience: Patience | None = None
) -> AbstractContextManager[Extraction]:
    """Read the accounts; the batches can be taken until the context is left.

    Raises SourceError; nothing of the source is then loaded.
    """
    return ads.extract(context, source, LABEL, TABLES, lambda: LinkedInAdsReader(source, patience))


def check(
    context: ExtractContext, source: LinkedInAdsSource, patience: Patience = IN_SECONDS
) -> SourceCheck:
    """Whether the accounts that would be read may be, asked with a day of one of them."""
    return ads.check(
        context, source, LABEL, source.url, lambda: LinkedInAdsReader(source, patience)
    )

"""Extracts accounts of Google Ads, by the frame that advertising platforms share."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ingestion.http import Patience
from ingestion.loading.api_check import IN_SECONDS
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.sources.ads import extraction as ads
from ingestion.sources.google_ads.reader import GoogleAdsReader
from ingestion.sources.google_ads.settings import LABEL, GoogleAdsSource
from ingestion.sources.google_ads.tables import TABLES


def extract(
    context: ExtractContext, source: GoogleAdsSource, patience: Patience | None = None
) -> AbstractContextManager[Extraction]:
    """Read the accounts; the batches can be taken until the context is left.

    Raises SourceError; nothing of the source is then loaded.
    """
    return ads.extract(context, source, LABEL, TABLES, lambda: GoogleAdsReader(source, patience))


def check(
    context: ExtractContext, source: GoogleAdsSource, patience: Patience = IN_SECONDS
) -> SourceCheck:
    """Whether the accounts that would be read may be, asked with a row of one of them."""
    return ads.check(context, source, LABEL, source.url, lambda: GoogleAdsReader(source, patience))

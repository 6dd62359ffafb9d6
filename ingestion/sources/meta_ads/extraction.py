"""Extracts ad accounts at Meta: what is read is the reader's, all else that of all platforms."""

from __future__ import annotations

from contextlib import AbstractContextManager

from ingestion.http import Patience
from ingestion.loading.api_check import IN_SECONDS
from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck
from ingestion.sources.ads import extraction
from ingestion.sources.meta_ads.reader import MetaAdsReader
from ingestion.sources.meta_ads.settings import LABEL, MetaAdsSource
from ingestion.sources.meta_ads.tables import TABLES

MOST_SECONDS = 60.0
"""A check does not wait longer for a report of a day."""


def extract(
    context: ExtractContext, source: MetaAdsSource, patience: Patience | None = None
) -> AbstractContextManager[Extraction]:
    """Read the accounts; the batches can be taken until the context is left. Raises SourceError."""
    return extraction.extract(
        context, source, LABEL, TABLES, lambda: MetaAdsReader(source, patience)
    )


def check(
    context: ExtractContext, source: MetaAdsSource, patience: Patience = IN_SECONDS
) -> SourceCheck:
    """Whether the token may read all accounts that would be read."""
    return extraction.check(
        context, source, LABEL, source.url, lambda: MetaAdsReader(source, patience, MOST_SECONDS)
    )

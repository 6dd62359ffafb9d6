"""The Stripe source: billing, read over Stripe's API, with the pasts of subscriptions."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ingestion.sources.source_type import Freshness, SourceType
from ingestion.sources.stripe.settings import LABEL, NEEDS, StripeSource
from ingestion.sources.stripe.tables import DESCRIPTIONS, tables_of

if TYPE_CHECKING:
    from ingestion.loading.reports import ExtractContext, Extraction, SourceCheck


def extract(context: ExtractContext, source: StripeSource) -> AbstractContextManager[Extraction]:
    """What changed in the account since the last load, in batches for dlt. Raises SourceError."""
    from ingestion.sources.stripe.extraction import extract as run

    return run(context, source)


def check(context: ExtractContext, source: StripeSource) -> SourceCheck:
    """What can be told of the account in a request for each list that would be read."""
    from ingestion.sources.stripe.extraction import check as run

    return run(context, source)


STRIPE = SourceType(
    name="stripe",
    label=LABEL,
    settings=StripeSource,
    tables_of=tables_of,
    descriptions=DESCRIPTIONS,
    extract=extract,
    check=check,
    is_remote=True,
    entities=tuple(NEEDS),
    is_canonical=False,
    histories=(),
    deals=None,
    stages=None,
    people=None,
    freshness=(Freshness("events", "created", days=7), Freshness("invoices", "created", days=31)),
)

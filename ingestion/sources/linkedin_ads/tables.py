"""The tables of raw_linkedin_ads: those of all advertising platforms."""

from __future__ import annotations

from collections.abc import Mapping

from ingestion.contract.columns import Column, Entity
from ingestion.sources.ads.tables import DESCRIPTIONS as DESCRIPTIONS
from ingestion.sources.ads.tables import tables_with

TABLES = tables_with()


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """The tables, whatever columns a company adds: LinkedIn Ads has no fields for them."""
    return TABLES

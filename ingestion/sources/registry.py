"""All types of sources: the one place that names them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.sources.files import FILES
from ingestion.sources.google_ads import GOOGLE_ADS
from ingestion.sources.hubspot import HUBSPOT
from ingestion.sources.linkedin_ads import LINKEDIN_ADS
from ingestion.sources.meta_ads import META_ADS
from ingestion.sources.source_type import SourceType
from ingestion.sources.sql import SQL
from ingestion.sources.stripe import STRIPE

ALL = (
    FILES,
    GOOGLE_ADS,
    HUBSPOT,
    LINKEDIN_ADS,
    META_ADS,
    SQL,
    STRIPE,
)
SOURCE_TYPES: Mapping[str, SourceType] = MappingProxyType(
    {source_type.name: source_type for source_type in ALL}
)
"""By name, as company.yml writes it under `type`."""

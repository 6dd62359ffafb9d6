"""The tables of the raw dataset of files: every canonical entity, and the record of the loads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import META_COLUMNS, Column
from ingestion.contract.entities import ENTITIES
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS

EXPORTS = (
    *EXPORT_COLUMNS,
    Column("mapping", "text", "What company.yml said of reading it, as JSON; empty: unknown."),
)

TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        **{
            entity.name: (*RECORD_COLUMNS, *META_COLUMNS, *entity.columns)
            for entity in ENTITIES.values()
        },
        "rejected": REJECTED_COLUMNS,
        "exports": EXPORTS,
    }
)

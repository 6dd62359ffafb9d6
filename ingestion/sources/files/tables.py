"""The tables of the raw dataset of files: every canonical entity, and the record of the loads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import META_COLUMNS, Column
from ingestion.contract.entities import ENTITIES, Entity
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS

EXPORTS = (
    *EXPORT_COLUMNS,
    Column("mapping", "text", "What company.yml said of reading it, as JSON; empty: unknown."),
)


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """The tables of a company with these entities, with their columns."""
    return {
        **{
            entity.name: (*RECORD_COLUMNS, *META_COLUMNS, *entity.columns)
            for entity in entities.values()
        },
        "rejected": REJECTED_COLUMNS,
        "exports": EXPORTS,
    }


TABLES = MappingProxyType(tables_of(ENTITIES))
"""Those of a company that adds no columns."""

DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {entity.name: entity.description for entity in ENTITIES.values()}
    | {
        "rejected": "Rows that break the contract, kept whole, with the reason.",
        "exports": "One row per entity and load: what was read, and how it differed from before.",
    }
)

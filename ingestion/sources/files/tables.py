"""The tables of the raw dataset of files: every canonical entity, and the record of the loads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.entities import (
    ENTITIES,
    EXPORT_COLUMNS,
    META_COLUMNS,
    RECORD_COLUMNS,
    REJECTED_COLUMNS,
    Column,
    Entity,
)

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

"""The tables of the raw dataset of databases: every canonical entity, and the record of loads."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import Column
from ingestion.contract.entities import Entity
from ingestion.sources.files import tables as of_files

EXPORTS = (
    *of_files.EXPORTS,
    Column("seen_to", "text", "The highest value of the cursor that was seen, as JSON."),
    Column("asked", "text", "Hash of all that decides which rows an increment may leave unread."),
)


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """The tables of a company with these entities, with their columns."""
    return {**of_files.tables_of(entities), "exports": EXPORTS}


DESCRIPTIONS: Mapping[str, str] = MappingProxyType(dict(of_files.DESCRIPTIONS))

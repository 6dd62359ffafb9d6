"""The tables of the raw dataset: answers as Polls calls what they hold."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from ingestion.contract.columns import META_COLUMNS, Column, Entity
from ingestion.contract.raw_columns import EXPORT_COLUMNS, RECORD_COLUMNS, REJECTED_COLUMNS

ANSWERS = (
    Column("deal", "text", "Id of the deal that it is about."),
    Column("kind", "text", "Kind of poll.", required=True),
    Column("score", "number", "The score given.", required=True),
    Column("words", "text", "What was written beside it."),
    Column("answered_at", "timestamp", "When it was given (UTC).", required=True),
)
TABLES: Mapping[str, tuple[Column, ...]] = MappingProxyType(
    {
        "answers": (*RECORD_COLUMNS, *META_COLUMNS, *ANSWERS),
        "rejected": REJECTED_COLUMNS,
        "exports": EXPORT_COLUMNS,
    }
)


def tables_of(entities: Mapping[str, Entity]) -> Mapping[str, tuple[Column, ...]]:
    """The tables, whatever columns a company adds: Polls has no others."""
    return TABLES


DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "answers": "Answers to polls.",
        "rejected": "Rows that break the contract, kept whole, with the reason.",
        "exports": "One row per table and load: what was read, and how it differed from before.",
    }
)

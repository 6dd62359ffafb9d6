"""What is wrong with the mappings of a SQL source that can be told without its database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ingestion.contract.columns import Entity
from ingestion.errors import Problem
from ingestion.sources.sql.settings import SqlSource


def find_problems(
    source: SqlSource, timezone: str, entities: Mapping[str, Entity]
) -> Iterator[Problem]:
    """Unknown names, expressions that are no SQL, rows that break the contract."""
    return iter(())

"""Extracts a SQL source: what changed since the last load, in batches for dlt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from ingestion.loading.reports import ExtractContext, Extraction
from ingestion.sources.sql.settings import SqlSource


@contextmanager
def extract(context: ExtractContext, source: SqlSource) -> Iterator[Extraction]:
    """Read the database in one transaction, map what it gave, and find the new versions."""
    raise NotImplementedError
    yield

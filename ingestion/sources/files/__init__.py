"""The files source: exports in a folder, read and mapped by DuckDB."""

from ingestion.sources.files.extraction import TABLES, extract

__all__ = ["TABLES", "extract"]

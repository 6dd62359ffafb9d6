"""Ingestion: sources into append-only raw tables, by dlt. Knows nothing of the orchestrator."""

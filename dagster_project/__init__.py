"""Orchestration: Dagster assets, checks and jobs around ingestion, dbt, audit and publication."""

"""A company's Dagster instance: its settings, its files, and the runs on record."""

"""Dagster's webserver and daemon, kept running and behind a gate."""

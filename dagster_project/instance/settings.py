"""Dagster's home: the settings of a company's instance."""

from __future__ import annotations

import json
import logging

from ingestion.paths import CompanyPaths

SETTINGS = """\
# Written by salesops: one run at a time on the warehouse, nothing sent to anyone.
event_log_storage:
  module: dagster_project.instance.event_log
  class: PooledSqliteEventLogStorage
  config:
    base_dir: {history}
run_launcher:
  module: dagster_project.instance.run_launcher
  class: CompanyRunLauncher
  config:
    lock: {lock}
run_monitoring:
  enabled: true
  poll_interval_seconds: 30
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 1
      failure: 90
      success: 90
telemetry:
  enabled: false
nux:
  enabled: false
concurrency:
  runs:
    max_concurrent_runs: 1
  pools:
    granularity: run
    default_limit: 1
python_logs:
  managed_python_loggers: [salesops]
  python_log_level: INFO
"""

log = logging.getLogger("salesops")


def write_settings(paths: CompanyPaths) -> None:
    """Make Dagster's home, with settings that are the same for every company.

    What is found in place of them is kept aside. Raises OSError where that cannot be done.
    """
    home = paths.dagster
    home.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS.format(
        history=json.dumps(str(home / "history" / "runs")), lock=json.dumps(str(paths.lock))
    ).encode()
    file = home / "dagster.yaml"
    if file.is_file() and file.read_bytes() == settings:
        return
    if file.exists():
        kept = file.replace(home / "dagster.yaml.before")
        log.warning("%s is not as salesops writes it: written anew, kept as %s", file, kept.name)
    new = home / "dagster.yaml.tmp"
    new.write_bytes(settings)
    new.replace(file)

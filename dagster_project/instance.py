"""A company's Dagster instance: run history and event log under `data/<company>/dagster/`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dagster import DagsterInstance

SETTINGS = """\
# Written by salesops: one run at a time on the warehouse, nothing sent to anyone.
event_log_storage:
  module: dagster_project.event_log
  class: PooledSqliteEventLogStorage
  config:
    base_dir: {history}
telemetry:
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


def write_settings(home: Path) -> None:
    """Make Dagster's home, with settings that are the same for every company."""
    home.mkdir(parents=True, exist_ok=True)
    history = home / "history" / "runs"
    settings = SETTINGS.format(history=json.dumps(str(history)))
    file = home / "dagster.yaml"
    if not file.exists() or file.read_text(encoding="utf-8") != settings:
        file.write_text(settings, encoding="utf-8")


def open_instance(home: Path) -> DagsterInstance:
    """The instance whose home is `home`, made when there is none."""
    from dagster import DagsterInstance

    write_settings(home)
    return DagsterInstance.from_config(str(home))


def end_dead_runs(instance: DagsterInstance, run_id: str) -> None:
    """Record that runs which were killed have failed; only for the holder of the run lock.

    Whoever holds the lock is the only run alive, so any other that is said to be under way is
    not, and would keep the run queue waiting for ever.
    """
    from dagster import DagsterRunStatus, RunsFilter

    under_way = [
        DagsterRunStatus.STARTING,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.CANCELING,
    ]
    for run in instance.get_runs(RunsFilter(statuses=under_way)):
        if run.run_id != run_id:
            instance.report_run_failed(run, "The run's process ended before the run did.")

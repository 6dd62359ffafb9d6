"""A company's Dagster instance: run history and event log under `data/<company>/dagster/`."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.lock import holder
from dagster_project.store import is_of_store, set_damaged_aside
from ingestion.errors import first_line
from ingestion.paths import CompanyPaths

if TYPE_CHECKING:
    from dagster import DagsterInstance, DagsterRun

SETTINGS = """\
# Written by salesops: one run at a time on the warehouse, nothing sent to anyone.
event_log_storage:
  module: dagster_project.event_log
  class: PooledSqliteEventLogStorage
  config:
    base_dir: {history}
run_launcher:
  module: dagster_project.run_launcher
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


@contextmanager
def open_instance(paths: CompanyPaths) -> Iterator[DagsterInstance]:
    """The instance of a company, made when there is none; what is damaged of it is begun anew."""
    from dagster import DagsterInstance

    write_settings(paths)
    set_damaged_aside(paths.dagster)
    with DagsterInstance.from_config(str(paths.dagster)) as instance:
        yield instance


def recorded(paths: CompanyPaths, execute: Callable[[DagsterInstance], None]) -> None:
    """Execute a run on the company's instance; for the holder of the run lock.

    Where Dagster's store fails, before the run or meanwhile, it is executed without it: in the
    latter case `execute` is called twice.
    """
    with ExitStack() as stack:
        try:
            instance = stack.enter_context(open_instance(paths))
            end_dead_runs(instance, paths.lock)
        except Exception as error:
            instance = stack.enter_context(_without_store(error))
        try:
            execute(instance)
        except Exception as error:
            if not is_of_store(error, paths.dagster):
                raise
            execute(stack.enter_context(_without_store(error)))


def _without_store(error: Exception) -> DagsterInstance:
    from dagster import DagsterInstance

    log.warning(
        "Dagster's store failed (%s: %s); the run goes on, and the UI will not know of it",
        type(error).__name__,
        first_line(error),
    )
    return DagsterInstance.ephemeral(settings={"telemetry": {"enabled": False}})


def end_dead_runs(instance: DagsterInstance, lock: Path) -> None:
    """Record that runs which were killed have failed: all under way but the one that has the lock.

    They would keep the queue waiting for ever. The runs are listed before the lock is looked at: a
    run that begins meanwhile has it first.
    """
    under_way = runs_under_way(instance)
    alive = holder(lock)
    for run in under_way:
        if run.run_id != alive:
            _end_dead_run(instance, run)


def _end_dead_run(instance: DagsterInstance, run: DagsterRun) -> None:
    """What cannot be put on record of a dead run may not end the living one."""
    try:
        instance.report_run_failed(run, "The run's process ended before the run did.")
        log.warning("run %s had died; it is recorded as failed", run.run_id)
    except Exception as error:
        log.warning("run %s had died; its record is not usable: %s", run.run_id, first_line(error))


def runs_under_way(instance: DagsterInstance) -> Sequence[DagsterRun]:
    """The runs that are said to have begun and not ended."""
    from dagster import DagsterRunStatus, RunsFilter

    begun = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    return instance.get_runs(RunsFilter(statuses=begun))


def unfinished_run(instance: DagsterInstance, lock: Path) -> str | None:
    """The run that is under way, or the next one in the queue; None where there is neither."""
    from dagster import DagsterRunStatus, RunsFilter

    queued = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
    runs = [run.run_id for run in (*runs_under_way(instance), *reversed(queued))]
    return holder(lock) or next(iter(runs), None)

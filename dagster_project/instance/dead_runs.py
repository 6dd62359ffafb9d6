"""Runs that are on record as under way: those that have died are put on record as failed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, RunsFilter

from dagster_project.run.lock import holder
from ingestion.errors import first_line

log = logging.getLogger("salesops")


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
    begun = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
    return instance.get_runs(RunsFilter(statuses=begun))


def unfinished_run(instance: DagsterInstance, lock: Path) -> str | None:
    """The run that is under way, or the next one in the queue; None where there is neither."""
    queued = instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))
    runs = [run.run_id for run in (*runs_under_way(instance), *reversed(queued))]
    return holder(lock) or next(iter(runs), None)

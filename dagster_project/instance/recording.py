"""A company's Dagster instance, on which its runs are put on record."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from dagster import DagsterInstance

from dagster_project.instance.databases import is_of_store, set_damaged_aside
from dagster_project.instance.dead_runs import end_dead_runs
from dagster_project.instance.settings import write_settings
from ingestion.errors import first_line
from ingestion.paths import CompanyPaths

log = logging.getLogger("salesops")


@contextmanager
def open_instance(paths: CompanyPaths) -> Iterator[DagsterInstance]:
    """The instance of a company, made when there is none; what is damaged of it is begun anew."""
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
    log.warning(
        "Dagster's store failed (%s: %s); the run goes on, and the UI will not know of it",
        type(error).__name__,
        first_line(error),
    )
    return DagsterInstance.ephemeral(settings={"telemetry": {"enabled": False}})

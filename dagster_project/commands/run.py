"""`make run`: a run from its lock to its summary."""

from __future__ import annotations

import argparse
import logging
import sys
import uuid
from collections.abc import Callable
from pathlib import Path

from dagster_project.commands.summary.printing import print_summary, print_unchanged
from dagster_project.commands.terminal import nobody_listens, say
from dagster_project.numbers.headlines import published
from dagster_project.publication import PublicationError, in_place
from dagster_project.publishing.unchanged import published_already
from dagster_project.run.dbt_runner import BuildError
from dagster_project.run.logs import log_of_run, progress
from dagster_project.run.opening import open_run
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.simulation import Simulation
from ingestion.company.settings import Company
from ingestion.disk.refusals import storage_error
from ingestion.errors import SalesopsError

UNCHANGED = "stopped; what is published has not changed"

log = logging.getLogger("salesops")
trace = logging.getLogger("dagster_project")


class UnexpectedError(SalesopsError):
    """Something went wrong that nobody has foreseen."""


def run_company(
    company: Company, options: argparse.Namespace, stopped_by: Callable[[], int | None]
) -> bool:
    """Run a company, or find that nothing is new; whether what is wanted is published.

    `stopped_by` tells which signal has come, if any. Raises SalesopsError, or KeyboardInterrupt
    whatever an interruption has come out as.
    """
    run_id = str(uuid.uuid4())
    opened = open_run(
        company,
        run_id,
        as_of=options.as_of,
        known_at=options.known_at,
        force=options.force,
        fresh=options.fresh,
        full=options.full,
        simulation=Simulation(options.days, options.scale, options.seed),
    )
    with progress(), opened as run, log_of_run(run.paths.logs, run_id) as file:
        run.stopped_by = stopped_by
        log.info("%s, run %s", company.name, run_id)
        before = published(run.paths)
        if before and (publication := published_already(run)):
            _show(lambda: print_unchanged(run, publication))
            return True
        _execute(run, file)
        _show(lambda: print_summary(run, before))
        return run.publication is not None


def _execute(run: PipelineRun, file: Path | None) -> None:
    """Execute the run to its publication, or to an audit that says no.

    What fails after the publication is told and changes nothing. Raises SalesopsError, or
    KeyboardInterrupt whatever an interruption has come out as.
    """
    try:
        # Imports Dagster and dbt, as neither a check nor a run that finds nothing new has to.
        from dagster_project.execution import execute

        execute(run)
    except (Exception, KeyboardInterrupt) as error:
        if run.stopped_by() or isinstance(error, KeyboardInterrupt):
            raise KeyboardInterrupt(_left_by(run)) from None
        trace.exception("the run failed")
        if run.publication:
            log.warning("what was built is published; after that: %r", error)
        elif isinstance(error, BuildError | PublicationError):
            raise storage_error(error) or error from None
        elif isinstance(error, SalesopsError):
            raise
        elif not any(audit.failures for audit in run.audits.values()):
            more = f"; the log has more: {file}" if file else ""
            raise storage_error(error) or UnexpectedError(f"{error!r}{more}") from error


def _left_by(run: PipelineRun) -> str:
    """What a run that was stopped has left."""
    publication = in_place(run.paths.published)
    is_published = publication is not None and publication.run_id == run.run_id
    return "stopped; what was built is published already" if is_published else UNCHANGED


def _show(summary: Callable[[], None]) -> None:
    """Print a summary; what was published stays so, whatever becomes of what tells of it."""
    try:
        summary()
        sys.stdout.flush()
    except BrokenPipeError:
        nobody_listens()
    except Exception as error:
        trace.exception("the summary failed")
        say(f"the summary cannot be shown ({error!r})", sys.stderr)

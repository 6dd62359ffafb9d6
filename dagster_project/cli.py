"""The commands behind `make run`, `make check`, `make explain` and `make ui`.

Exit status of a run: 0 published, or nothing is new; 1 built or audited with failures, so nothing
was published; 2 the company file, a source, the warehouse, its disk or the clock is wrong; 3
another run is under way; 129 stopped with its terminal, 130 by Ctrl-C, 143 by SIGTERM. Of a check:
0 a run would load this and publish it; 2 it would not, or that cannot be told; the others likewise.
Of explain: 0 the records come to the number; 1 they do not; 2 there is no such number.
"""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dagster_project.check import print_check, read_or_refuse
from dagster_project.commands.explain import SHOWN, explain
from dagster_project.commands.explain_cell import ALL_TIME, COMPANY, SPELLINGS, Asked
from dagster_project.dbt_runner import BuildError
from dagster_project.interrupts import interruptible
from dagster_project.lock import LockHeldError
from dagster_project.logs import log_of_run, progress
from dagster_project.pipeline_run import PipelineRun, company_file, open_run
from dagster_project.publication import PublicationError, in_place
from dagster_project.simulation import Simulation
from dagster_project.statuses import (
    HUNG_UP,
    NOT_PUBLISHED,
    PUBLISHED,
    STOPPED,
    TERMINATED,
    UNDER_WAY,
    WRONG_SETTINGS,
)
from dagster_project.summary import print_summary, print_unchanged, published
from dagster_project.terminal import nobody_listens, say, show_anything
from dagster_project.ui.command import open_ui
from dagster_project.unchanged import published_already
from ingestion.bytecode import keep_bytecode
from ingestion.company import Company, load_company
from ingestion.errors import SalesopsError
from ingestion.storage import storage_error

BY_SIGNAL: Mapping[int | None, int] = {signal.SIGHUP: HUNG_UP, signal.SIGTERM: TERMINATED}
UNCHANGED = "stopped; what is published has not changed"

log = logging.getLogger("salesops")
trace = logging.getLogger("dagster_project")


class UnexpectedError(SalesopsError):
    """Something went wrong that nobody has foreseen."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    keep_bytecode()
    options = _parser().parse_args(arguments)
    show_anything()
    # On a full disk the logs of dbt and others would put their tracebacks on the terminal.
    logging.raiseExceptions = False
    with interruptible() as stopped_by:
        try:
            return _command(options, stopped_by)
        except KeyboardInterrupt as stop:
            print(file=sys.stderr)
            say(str(stop) or UNCHANGED, sys.stderr)
            return BY_SIGNAL.get(stopped_by(), STOPPED)
        except BrokenPipeError:
            nobody_listens()
            return WRONG_SETTINGS
        except Exception as error:
            return _fail(error, options.command)


def _command(options: argparse.Namespace, stopped_by: Callable[[], int | None]) -> int:
    match options.command:
        case "check":
            return _check(options)
        case "explain":
            return _explain(options)
        case "ui":
            with progress():
                open_ui(load_company(options.company), options.port, options.hosts)
        case _:
            return _run(read_or_refuse(options.company), options, stopped_by)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="salesops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="ingest, build, audit and publish; print the KPIs")
    run.add_argument("--as-of", metavar="MOMENT", help="later events do not exist")
    run.add_argument("--known-at", metavar="MOMENT", help="later loads do not exist")
    run.add_argument("--force", action="store_true", help="accept exports and marts that shrank")
    run.add_argument("--fresh", action="store_true", help="start anew, the warehouse kept aside")
    run.add_argument("--days", type=int, default=0, help="let a simulated company go on first")
    run.add_argument("--scale", type=float, help="size of a simulated company to be founded")
    run.add_argument("--seed", type=int, help="choice of a simulated company to be founded")
    check = commands.add_parser(
        "check", help="tell what a run would stumble over, and write nothing"
    )
    check.add_argument("--force", action="store_true", help="accept an export that has shrunk")
    number = commands.add_parser("explain", help="show what a published number follows from")
    number.add_argument("--metric", default="", help="its name in the KPI dictionary")
    number.add_argument("--variant", default="default", help="its definition")
    number.add_argument("--period", default=ALL_TIME, help=SPELLINGS)
    number.add_argument("--cut", default=COMPANY, help="what it is cut by, such as rep")
    number.add_argument("--key", default="", help="the cut's key or its name")
    number.add_argument("--all", action="store_true", help=f"list all records, not {SHOWN}")
    number.add_argument("--format", choices=("text", "csv"), default="text")
    ui = commands.add_parser("ui", help="start the Dagster webserver and daemon")
    ui.add_argument("--port", type=int, default=3000)
    ui.add_argument(
        "--hosts",
        type=str.split,
        default=[],
        metavar="HOSTS",
        help="further names by which browsers reach it, such as 'sales.acme.com localhost:8080'",
    )
    for command in (run, check, number, ui):
        command.add_argument(
            "--company", type=Path, default=company_file(), metavar="FILE", help="the company file"
        )
    return parser


def _fail(error: Exception, command: str) -> int:
    """Tell what is wrong, in words that say what to do; returns the exit status."""
    told = error if isinstance(error, SalesopsError) else storage_error(error)
    told = told or UnexpectedError(f"{error!r}; nothing was published")
    for problem in told.told:
        say(f"error: {problem}", sys.stderr)
    if isinstance(error, LockHeldError):
        return UNDER_WAY
    is_of_the_run = isinstance(told, (BuildError, PublicationError, UnexpectedError))
    return NOT_PUBLISHED if command == "run" and is_of_the_run else WRONG_SETTINGS


def _check(options: argparse.Namespace) -> int:
    with progress():
        return PUBLISHED if print_check(options.company, options.force) else WRONG_SETTINGS


def _explain(options: argparse.Namespace) -> int:
    asked = Asked(options.metric, options.variant, options.period, options.cut, options.key)
    shown = None if options.all else SHOWN
    is_right = explain(load_company(options.company), asked, shown, options.format == "csv")
    return PUBLISHED if is_right else NOT_PUBLISHED


def _run(
    company: Company, options: argparse.Namespace, stopped_by: Callable[[], int | None]
) -> int:
    run_id = str(uuid.uuid4())
    opened = open_run(
        company,
        run_id,
        as_of=options.as_of,
        known_at=options.known_at,
        force=options.force,
        fresh=options.fresh,
        simulation=Simulation(options.days, options.scale, options.seed),
    )
    with progress(), opened as run, log_of_run(run.paths.logs, run_id) as file:
        log.info("%s, run %s", company.name, run_id)
        before = published(run.paths)
        if before and (publication := published_already(run)):
            _show(lambda: print_unchanged(run, publication))
            return PUBLISHED
        _execute(run, file, stopped_by)
        _show(lambda: print_summary(run, before))
        return PUBLISHED if run.publication else NOT_PUBLISHED


def _execute(run: PipelineRun, file: Path | None, stopped_by: Callable[[], int | None]) -> None:
    """Execute the run to its publication, or to an audit that says no.

    What fails after the publication is told and changes nothing. Raises SalesopsError, or
    KeyboardInterrupt whatever an interruption has come out as.
    """
    try:
        execute(run)
    except (Exception, KeyboardInterrupt) as error:
        if stopped_by() or isinstance(error, KeyboardInterrupt):
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


def execute(run: PipelineRun) -> None:
    """Execute the job that the UI runs, in this process, on the company's Dagster instance.

    Ctrl-C raises KeyboardInterrupt wherever it strikes: Dagster has an interruption of its own.
    """
    from dagster import DagsterExecutionInterruptedError, DagsterInstance

    from dagster_project.definitions import company_definitions
    from dagster_project.defs.automation import JOB
    from dagster_project.instance import recorded
    from dagster_project.retention import keep_last_runs

    job = company_definitions(run.company).resolve_job_def(JOB)

    def execute_once(instance: DagsterInstance) -> None:
        if run.publication is not None:
            return
        try:
            job.execute_in_process(
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                resources={"run": run},
                instance=instance,
                run_id=run.run_id,
            )
        finally:
            keep_last_runs(instance, run.paths.dagster, run.company.retention.runs)

    try:
        recorded(run.paths, execute_once)
    except DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None


if __name__ == "__main__":
    sys.exit(main())

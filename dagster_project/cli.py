"""The commands behind `make run`, `make check` and `make ui`.

Exit status of a run: 0 published, or nothing is new; 1 built or audited with failures, so nothing
was published; 2 the company file, a source or the warehouse is wrong; 3 another run is under way;
130 stopped. Of a check: 0 a run would load this and publish it; 2 it would not.
"""

from __future__ import annotations

import argparse
import logging
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dagster_project.check import print_check, read_or_refuse
from dagster_project.dbt_runner import BuildError
from dagster_project.lock import LockHeldError
from dagster_project.pipeline_run import PipelineRun, company_file, open_run
from dagster_project.publication import PublicationError
from dagster_project.simulation import Simulation
from dagster_project.summary import print_summary, print_unchanged, published
from dagster_project.ui.command import open_ui
from dagster_project.unchanged import published_already
from ingestion.bytecode import keep_bytecode
from ingestion.company import Company, load_company
from ingestion.errors import SalesopsError

PUBLISHED, NOT_PUBLISHED, WRONG_SETTINGS, UNDER_WAY, STOPPED = 0, 1, 2, 3, 130

log = logging.getLogger("salesops")
trace = logging.getLogger("dagster_project")


class UnexpectedError(SalesopsError):
    """Something went wrong that nobody has foreseen."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    keep_bytecode()
    options = _parser().parse_args(arguments)
    try:
        match options.command:
            case "check":
                return _check(options)
            case "ui":
                with _progress():
                    open_ui(load_company(options.company), options.port, options.hosts)
            case _:
                return _run(read_or_refuse(options.company), options)
    except LockHeldError as error:
        return _fail(error, UNDER_WAY)
    except (BuildError, PublicationError, UnexpectedError) as error:
        return _fail(error, NOT_PUBLISHED)
    except SalesopsError as error:
        return _fail(error, WRONG_SETTINGS)
    except KeyboardInterrupt:
        print("\nstopped; what is published has not changed", file=sys.stderr)
        return STOPPED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="salesops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="ingest, build, audit and publish; print the KPIs")
    run.add_argument("--as-of", metavar="MOMENT", help="later events do not exist")
    run.add_argument("--known-at", metavar="MOMENT", help="later loads do not exist")
    run.add_argument("--force", action="store_true", help="accept an export that has shrunk")
    run.add_argument("--fresh", action="store_true", help="start anew, the warehouse kept aside")
    run.add_argument("--days", type=int, default=0, help="let a simulated company go on first")
    run.add_argument("--scale", type=float, help="size of a simulated company to be founded")
    run.add_argument("--seed", type=int, help="choice of a simulated company to be founded")
    check = commands.add_parser(
        "check", help="tell what a run would stumble over, and write nothing"
    )
    check.add_argument("--force", action="store_true", help="accept an export that has shrunk")
    ui = commands.add_parser("ui", help="start the Dagster webserver and daemon")
    ui.add_argument("--port", type=int, default=3000)
    ui.add_argument(
        "--hosts",
        type=str.split,
        default=[],
        metavar="HOSTS",
        help="further names by which browsers reach it, such as 'sales.acme.com localhost:8080'",
    )
    for command in (run, check, ui):
        command.add_argument(
            "--company", type=Path, default=company_file(), metavar="FILE", help="the company file"
        )
    return parser


def _fail(error: SalesopsError, status: int) -> int:
    for line in str(error).splitlines():
        print(f"error: {line}", file=sys.stderr)
    return status


def _check(options: argparse.Namespace) -> int:
    with _progress():
        return PUBLISHED if print_check(options.company, options.force) else WRONG_SETTINGS


def _run(company: Company, options: argparse.Namespace) -> int:
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
    with _progress(), opened as run, _log_file(run) as file:
        log.info("%s, run %s", company.name, run_id)
        before = published(run.paths)
        if before and (publication := published_already(run)):
            print_unchanged(run, publication)
            return PUBLISHED
        try:
            execute(run)
        except SalesopsError:
            trace.exception("the run failed")
            raise
        except Exception as error:
            trace.exception("the run failed")
            if not any(audit.failures for audit in run.audits.values()):
                raise UnexpectedError(f"{error!r}; the log has more: {file}") from error
        print_summary(run, before)
        return PUBLISHED if run.publication else NOT_PUBLISHED


def execute(run: PipelineRun) -> None:
    """Execute the job that the UI runs, in this process, on the company's Dagster instance.

    Ctrl-C raises KeyboardInterrupt wherever it strikes: Dagster has an interruption of its own.
    """
    from dagster import DagsterExecutionInterruptedError, DagsterInstance

    from dagster_project.definitions import company_definitions
    from dagster_project.defs.automation import JOB
    from dagster_project.instance import recorded

    job = company_definitions(run.company).resolve_job_def(JOB)

    def execute_once(instance: DagsterInstance) -> None:
        if run.publication is None:
            job.execute_in_process(
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                resources={"run": run},
                instance=instance,
                run_id=run.run_id,
            )

    try:
        recorded(run.paths, execute_once)
    except DagsterExecutionInterruptedError:
        raise KeyboardInterrupt from None


@contextmanager
def _progress() -> Iterator[None]:
    """Progress on the terminal."""
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setFormatter(logging.Formatter("%(message)s"))
    log.setLevel(logging.INFO)
    log.addHandler(terminal)
    try:
        yield
    finally:
        log.removeHandler(terminal)


@contextmanager
def _log_file(run: PipelineRun) -> Iterator[Path]:
    """Progress, warnings and tracebacks in a file of the run's own."""
    folder = run.paths.root / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{run.run_id}.log"
    file = logging.FileHandler(path, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.captureWarnings(True)
    logging.getLogger().addHandler(file)
    try:
        yield path
    finally:
        logging.getLogger().removeHandler(file)
        file.close()


if __name__ == "__main__":
    sys.exit(main())

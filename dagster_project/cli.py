"""The commands behind `make run`, `check`, `explain`, `metrics`, `docs`, `ui` and `connector`.

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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dagster_project.commands.check import print_check, read_or_refuse
from dagster_project.commands.connector.command import write_connector
from dagster_project.commands.docs import write_docs
from dagster_project.commands.explain.command import explain
from dagster_project.commands.explain.report import SHOWN
from dagster_project.commands.interrupts import interruptible
from dagster_project.commands.metrics import ask
from dagster_project.commands.run import UNCHANGED, UnexpectedError, run_company
from dagster_project.commands.statuses import (
    HUNG_UP,
    NOT_PUBLISHED,
    PUBLISHED,
    STOPPED,
    TERMINATED,
    UNDER_WAY,
    WRONG_SETTINGS,
)
from dagster_project.commands.terminal import nobody_listens, say, show_anything
from dagster_project.commands.ui import open_ui
from dagster_project.numbers.cell import ALL_TIME, COMPANY, SPELLINGS, Asked
from dagster_project.publication import PublicationError
from dagster_project.run.bytecode import keep_bytecode
from dagster_project.run.dbt_runner import BuildError
from dagster_project.run.garbage import collect_seldom
from dagster_project.run.lock import LockHeldError
from dagster_project.run.logs import progress
from dagster_project.run.opening import company_file
from ingestion.company.reading import load_company
from ingestion.disk.refusals import storage_error
from ingestion.errors import SalesopsError

BY_SIGNAL: Mapping[int | None, int] = {signal.SIGHUP: HUNG_UP, signal.SIGTERM: TERMINATED}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    keep_bytecode()
    collect_seldom()
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
            with progress():
                is_fit = print_check(options.company, options.force)
            return PUBLISHED if is_fit else WRONG_SETTINGS
        case "explain":
            company, shown = load_company(options.company), None if options.all else SHOWN
            is_right = explain(company, _asked(options), shown, options.format == "csv")
            return PUBLISHED if is_right else NOT_PUBLISHED
        case "metrics":
            with progress():
                company = load_company(options.company)
                ask(company, options.question)
            return PUBLISHED
        case "docs":
            with progress():
                write_docs(load_company(options.company))
            return PUBLISHED
        case "connector":
            write_connector(
                options.name, options.label or options.name.capitalize(), options.entity
            )
            return PUBLISHED
        case "ui":
            with progress():
                company = load_company(options.company)
                open_ui(company, options.port, options.pages, options.hosts)
        case _:
            company = read_or_refuse(options.company)
            return PUBLISHED if run_company(company, options, stopped_by) else NOT_PUBLISHED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="salesops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="ingest, build, audit and publish; print the KPIs")
    run.add_argument("--as-of", metavar="MOMENT", help="later events do not exist")
    run.add_argument("--known-at", metavar="MOMENT", help="later loads do not exist")
    run.add_argument("--force", action="store_true", help="accept exports and marts that shrank")
    run.add_argument("--fresh", action="store_true", help="start anew, the warehouse kept aside")
    run.add_argument("--full", action="store_true", help="build everything anew")
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
    metrics = commands.add_parser(
        "metrics", help="ask the semantic layer; list it without a question"
    )
    metrics.add_argument("--question", default="", metavar="Q", help="in the words of `mf query`")
    docs = commands.add_parser("docs", help="write what tables and columns mean, as one page")
    ui = commands.add_parser("ui", help="start the Dagster webserver and daemon")
    ui.add_argument("--port", type=int, default=3000)
    ui.add_argument("--pages", type=int, metavar="PORT", help="of the company's pages: PORT + 1")
    ui.add_argument(
        "--hosts",
        type=str.split,
        default=[],
        metavar="HOSTS",
        help="further names by which browsers reach it, such as 'sales.acme.com localhost:8080'",
    )
    connector = commands.add_parser("connector", help="begin the connector of another vendor")
    connector.add_argument("name", help="the type, as company.yml will write it")
    connector.add_argument("--label", default="", help="the vendor's name, as messages say it")
    connector.add_argument(
        "--entity", default="surveys", help="the entity of the contract that it gives first"
    )
    for command in (run, check, number, metrics, docs, ui):
        command.add_argument(
            "--company", type=Path, default=company_file(), metavar="FILE", help="the company file"
        )
    return parser


def _asked(options: argparse.Namespace) -> Asked:
    return Asked(options.metric, options.variant, options.period, options.cut, options.key)


def _fail(error: Exception, command: str) -> int:
    """Tell what is wrong, in words that say what to do; returns the exit status."""
    told = error if isinstance(error, SalesopsError) else storage_error(error)
    told = told or UnexpectedError(f"{error!r}{'; nothing was published' * (command == 'run')}")
    for problem in told.told:
        say(f"error: {problem}", sys.stderr)
    if isinstance(error, LockHeldError):
        return UNDER_WAY
    is_of_the_run = isinstance(told, (BuildError, PublicationError, UnexpectedError))
    return NOT_PUBLISHED if command == "run" and is_of_the_run else WRONG_SETTINGS


if __name__ == "__main__":
    sys.exit(main())

"""How a run begins and ends: which company, which moments, and who else may write meanwhile."""

from __future__ import annotations

import datetime as dt
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dagster_project.publication.publications import settle
from dagster_project.run import clock
from dagster_project.run.lock import run_lock
from dagster_project.run.pipeline_run import PipelineRun
from dagster_project.run.retention import keep_last_logs, keep_last_warehouses
from dagster_project.run.simulation import Simulation, systems_up
from ingestion.company.settings import MOMENTS, Company, read_moment
from ingestion.disk.private import private
from ingestion.errors import SalesopsError, WarehouseError
from ingestion.paths import PROJECT, CompanyPaths
from ingestion.warehouse.warehouse import Warehouse

COMPANY_FILE = "SALESOPS_COMPANY"
PAGES = "SALESOPS_PAGES"
"""The environment's name for where the company's pages are served, while they are."""

log = logging.getLogger("salesops")


class MomentError(SalesopsError):
    """A moment that was asked for cannot be read."""


def company_file() -> Path:
    """The company's file: `SALESOPS_COMPANY`, else the project's default company."""
    return Path(os.environ.get(COMPANY_FILE) or PROJECT / "company.yml")


def parse_moment(company: Company, option: str, text: str) -> dt.datetime:
    """A moment as written by a user, in UTC without zone.

    A bare date is that day's last moment, and a time without offset is local, both in the
    company's time zone. Raises MomentError naming the option and what is allowed.
    """
    try:
        return company.moment(read_moment(text))
    except (ValueError, OverflowError):
        raise MomentError(f"{option}: '{text}' is not a moment; {MOMENTS}") from None


@contextmanager
def open_run(
    company: Company,
    run_id: str,
    *,
    as_of: str | None = None,
    known_at: str | None = None,
    force: bool = False,
    fresh: bool = False,
    full: bool = False,
    simulation: Simulation | None = None,
) -> Iterator[PipelineRun]:
    """Begin a run, holding the company's lock until it ends.

    `as_of` and `known_at` are as `parse_moment` reads them. A `fresh` run starts the company anew,
    on an empty warehouse; a `full` one builds everything anew. The systems of a simulated company
    are up while the run lasts. Raises SalesopsError when a moment cannot be read, another run is
    under way, the warehouse is not usable, the clock is behind it, or the company cannot be
    simulated as asked.
    """
    asked_as_of = parse_moment(company, "as_of", as_of) if as_of else None
    asked_known_at = parse_moment(company, "known_at", known_at) if known_at else None
    paths = CompanyPaths.of(company)
    warehouse = Warehouse.of(company)
    is_time_travel = bool(as_of or known_at)
    simulation = simulation or Simulation()
    simulation.check(company, is_time_travel)
    if fresh and is_time_travel:
        raise WarehouseError(
            "FRESH goes with neither AS_OF nor KNOWN_AT: a look back loads nothing"
        )
    with private(paths.root), run_lock(paths.lock, run_id):
        if fresh and (aside := warehouse.set_aside()):
            log.info("starting anew; the old warehouse is kept as %s", aside)
        warehouse.check()
        if not known_at:
            clock.present_of(warehouse)
        settle(paths)
        if is_time_travel:
            paths = CompanyPaths(paths.root / "as_of" / _label(as_of, known_at))
            warehouse = Warehouse("duckdb", str(paths.warehouse))
            settle(paths)
        with systems_up(company, simulation, is_time_travel) as connected:
            run = PipelineRun(
                company=connected,
                run_id=run_id,
                paths=paths,
                warehouse=warehouse,
                asked_as_of=asked_as_of,
                asked_known_at=asked_known_at,
                is_time_travel=is_time_travel,
                force=force,
                fresh=fresh,
                full=full,
            )
            try:
                yield run
            finally:
                keep_last_logs(paths, company.retention.runs)
            if run.publication:
                keep_last_warehouses(paths, company.retention.warehouses)


def _label(as_of: str | None, known_at: str | None) -> str:
    """Name of a time-travel run's folder, such as `2024-03-31_known_at_2024-04-15`."""
    label = "_known_at_".join(text for text in (as_of or "now", known_at) if text)
    return label.replace(":", "")

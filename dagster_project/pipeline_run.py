"""What the steps of one run share: its moments, its files, and what has happened so far."""

from __future__ import annotations

import datetime as dt
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dagster_project.lock import run_lock
from dagster_project.publication.shelf import settle
from dagster_project.retention import keep_last_logs, keep_last_warehouses
from dagster_project.simulation import Simulation, systems_up
from ingestion.company.settings import MOMENTS, Company, read_moment
from ingestion.disk.private import private
from ingestion.errors import SalesopsError, WarehouseError
from ingestion.paths import PROJECT, CompanyPaths
from ingestion.pipeline import LoadReport, Prepared, prepare
from ingestion.warehouse.warehouse import Warehouse

if TYPE_CHECKING:
    from dagster_project.publication import Publication
    from expectations.runner import AuditReport

COMPANY_FILE = "SALESOPS_COMPANY"

log = logging.getLogger("salesops")


class MomentError(SalesopsError):
    """A moment that was asked for cannot be read."""


class ClockError(SalesopsError):
    """The machine's clock is behind what the warehouse knows."""


def company_file() -> Path:
    """The company's file: `SALESOPS_COMPANY`, else the project's default company."""
    return Path(os.environ.get(COMPANY_FILE) or PROJECT / "company.yml")


def now() -> dt.datetime:
    """The present moment, UTC without zone, as the warehouse stores timestamps."""
    return dt.datetime.now(dt.UTC).replace(tzinfo=None)


def present_of(warehouse: Warehouse) -> dt.datetime:
    """Now, by a clock that is not behind the newest finished load.

    What was loaded later than now is not known to a run: with a clock that is behind, all of that
    would be missing from what it publishes. There is no tolerance, for the newest load is missed
    by a second as well as by a year, and a clock that is corrected by a second has passed it in
    one. Raises ClockError.
    """
    moment, newest = now(), warehouse.newest_load()
    if newest and moment < newest:
        raise ClockError(
            f"this machine's clock says {moment:%Y-%m-%d %H:%M:%S} UTC, but the newest load in "
            f"{warehouse} was finished at {newest:%Y-%m-%d %H:%M:%S} UTC: a run would publish "
            "without it. Set the clock right and run again; what is published stays. If the clock "
            "is right and was ahead then, wait until that moment, or start anew with FRESH=1; "
            "KNOWN_AT='…' builds what was known at a moment, beside what is published"
        )
    return moment


def parse_moment(company: Company, option: str, text: str) -> dt.datetime:
    """A moment as written by a user, in UTC without zone.

    A bare date is that day's last moment, and a time without offset is local, both in the
    company's time zone. Raises MomentError naming the option and what is allowed.
    """
    try:
        return company.moment(read_moment(text))
    except (ValueError, OverflowError):
        raise MomentError(f"{option}: '{text}' is not a moment; {MOMENTS}") from None


@dataclass
class PipelineRun:
    """One run of the pipeline.

    `asked_as_of` and `asked_known_at` are the moments that were asked for (UTC, without zone). A
    run `is_time_travel` when either was: it ingests nothing and keeps everything that it makes in a
    place of its own.
    """

    company: Company
    run_id: str
    paths: CompanyPaths
    warehouse: Warehouse
    asked_as_of: dt.datetime | None
    asked_known_at: dt.datetime | None
    is_time_travel: bool
    force: bool
    fresh: bool = False
    is_built: bool = False
    prepared: list[Prepared] | None = None
    loads: list[LoadReport] = field(default_factory=list)
    refused: SalesopsError | None = None
    audits: dict[str, AuditReport] = field(default_factory=dict)
    publication: Publication | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @cached_property
    def present(self) -> dt.datetime:
        """Now, at its first reading, which is after the loads: what they saw has happened.

        Raises ClockError where the clock was set back meanwhile, unless known_at was asked for.
        """
        return now() if self.asked_known_at else present_of(Warehouse.of(self.company))

    @property
    def as_of(self) -> dt.datetime:
        """The business moment: the one asked for, else the company's own, else the present."""
        return self.asked_as_of or self.company.own_as_of or self.present

    @property
    def known_at(self) -> dt.datetime:
        """The knowledge moment: the one asked for, else the present."""
        return self.asked_known_at or self.present

    def load(self, source_type: str) -> list[LoadReport]:
        """Load what is new in the sources of a type, once: whoever asks again is told the same.

        All sources are read and checked before the first is loaded. Raises SourceError or
        WarehouseError; it is then `refused`, and nothing was loaded.
        """
        if self.refused:
            raise self.refused
        try:
            if not any(load.type == source_type for load in self.loads):
                self._load(source_type)
        except SalesopsError as error:
            self.refused = error
            raise
        return [load for load in self.loads if load.type == source_type]

    def _load(self, source_type: str) -> None:
        if self.prepared is None:
            with self.phase("read and check"):
                self.prepared = prepare(
                    self.company, self.company.sources, force=self.force, progress=log.info
                )
        with self.phase(f"load {source_type}"):
            self.loads += [
                prepared.load(log.info)
                for prepared in self.prepared
                if prepared.source.type == source_type
            ]

    @contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """Say when a phase begins, and how long it took."""
        log.info("%s …", name)
        started = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - started
        log.info("%s: done in %.1f s", name, self.seconds[name])


@contextmanager
def open_run(
    company: Company,
    run_id: str,
    *,
    as_of: str | None = None,
    known_at: str | None = None,
    force: bool = False,
    fresh: bool = False,
    simulation: Simulation | None = None,
) -> Iterator[PipelineRun]:
    """Begin a run, holding the company's lock until it ends.

    `as_of` and `known_at` are as `parse_moment` reads them. A `fresh` run starts the company anew,
    on an empty warehouse. The systems of a simulated company are up while the run lasts. Raises
    SalesopsError when a moment cannot be read, another run is under way, the warehouse is not
    usable, the clock is behind it, or the company cannot be simulated as asked.
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
            present_of(warehouse)
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

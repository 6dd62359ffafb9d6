"""What the steps of one run share: its moments, its files, and what has happened so far."""

from __future__ import annotations

import datetime as dt
import logging
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

from dagster_project.publication import Publication
from dagster_project.run import clock
from expectations.report import AuditReport
from ingestion.company.settings import Company
from ingestion.errors import SalesopsError
from ingestion.loading.reports import LoadReport
from ingestion.paths import CompanyPaths
from ingestion.pipeline import Prepared, prepare
from ingestion.warehouse.warehouse import Warehouse

log = logging.getLogger("salesops")


@dataclass
class PipelineRun:
    """One run of the pipeline.

    `asked_as_of` and `asked_known_at` are the moments that were asked for (UTC, without zone). A
    run `is_time_travel` when either was: it ingests nothing and keeps everything that it makes in a
    place of its own. `stopped_by` tells which signal has asked it to stop, if any.
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
    full: bool = False
    is_built: bool = False
    prepared: list[Prepared] | None = None
    loads: list[LoadReport] = field(default_factory=list)
    refused: SalesopsError | None = None
    audits: dict[str, AuditReport] = field(default_factory=dict)
    publication: Publication | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    stopped_by: Callable[[], int | None] = lambda: None

    @cached_property
    def present(self) -> dt.datetime:
        """Now, at its first reading, which is after the loads: what they saw has happened.

        Raises ClockError where the clock was set back meanwhile, unless known_at was asked for.
        """
        return clock.now() if self.asked_known_at else clock.present_of(Warehouse.of(self.company))

    @property
    def as_of(self) -> dt.datetime:
        """The business moment: the one asked for, else the company's own, else the present."""
        return self.asked_as_of or self.company.own_as_of or self.present

    @property
    def known_at(self) -> dt.datetime:
        """The knowledge moment: the one asked for, else the present."""
        return self.asked_known_at or self.present

    @property
    def built_whole_for(self) -> str | None:
        """Why everything is built anew, whatever has changed; None where it need not be."""
        if self.full:
            return "that was asked for"
        return "this run looks back" if self.is_time_travel else None

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
        if self.stopped_by():
            # Nobody stopped: Python ignores what is raised in callbacks of weak references.
            signal.raise_signal(signal.SIGINT)
        log.info("%s …", name)
        started, busy = time.perf_counter(), time.process_time()
        yield
        self.seconds[name] = time.perf_counter() - started
        self.cpu_seconds[name] = time.process_time() - busy
        log.info("%s: done in %.1f s", name, self.seconds[name])

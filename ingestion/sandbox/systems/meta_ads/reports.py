"""Reports that are made while nobody waits: asked for, looked after, read when complete."""

from __future__ import annotations

import itertools
import random
from collections import OrderedDict
from dataclasses import dataclass

from ingestion.sandbox.systems.faults import Faults
from ingestion.sandbox.systems.meta_ads.books import Document
from ingestion.sandbox.systems.meta_ads.errors import NotReadyError, TooMuchDataError
from ingestion.sandbox.systems.meta_ads.insights import Report

COMPLETED = ("Job Completed", 100)
WAYS: tuple[tuple[tuple[str, int], ...], ...] = (
    (COMPLETED,),
    (("Job Not Started", 0), COMPLETED),
    # 100 percent are not the same as complete.
    (("Job Running", 37), ("Job Running", 100), COMPLETED),
)
"""What is told of a report, each time that it is looked after; reports take turns."""
FAILING = (("Job Running", 12), ("Job Failed", 12))
FIRST_ID = 6_200_000_000_001
KEPT = 300
"""The oldest reports are thrown away; Meta keeps them for 30 days."""
RUN_FIELDS = (
    "id", "account_id", "time_ref", "time_completed", "async_status", "async_percent_completion",
    "is_running", "date_start", "date_stop", "error_code", "error_message",
)  # fmt: skip


@dataclass
class Run:
    """A report that was asked for at a moment (seconds): its rows, and how far it is."""

    id: str
    report: Report
    order: list[int]
    way: tuple[tuple[str, int], ...]
    asked_at: int
    looked: int = 0

    def document(self) -> Document:
        """How far it is; each look brings it further."""
        status, percent = self.way[min(self.looked, len(self.way) - 1)]
        self.looked += 1
        found: Document = {
            "id": self.id,
            "account_id": self.report.account.id,
            "time_ref": self.asked_at,
            "async_status": status,
            "async_percent_completion": percent,
            "is_running": status == "Job Running",
            "date_start": self.report.asked.since.isoformat(),
            "date_stop": self.report.asked.until.isoformat(),
        }
        if status == "Job Completed":
            found["time_completed"] = self.asked_at + len(self.way)
        if status == "Job Failed":
            found |= {"error_code": 2, "error_message": "Service temporarily unavailable"}
        return found

    def refuse_unless_complete(self) -> None:
        """Rows are there when a look has told that the report is complete."""
        looked = max(self.looked - 1, 0)
        if self.way[min(looked, len(self.way) - 1)] != COMPLETED:
            raise NotReadyError


class Runs:
    """The reports of an advertiser, by id."""

    def __init__(self) -> None:
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._ids = itertools.count(FIRST_ID)
        self._ways = itertools.cycle(WAYS)

    def misbehave(self, faults: Faults) -> None:
        """From now on, with these faults."""
        self._faults = faults
        self._failures_left = faults.failed_reports
        self._shuffle = random.Random(faults.seed)

    def ask(self, report: Report, now: int) -> Run:
        """A new one. Raises TooMuchDataError where it is too large to be made."""
        order = self.order(report)
        way = next(self._ways)
        if self._failures_left > 0:
            self._failures_left -= 1
            way = FAILING
        run = Run(str(next(self._ids)), report, order, way, now)
        self._runs[run.id] = run
        if len(self._runs) > KEPT:
            self._runs.popitem(last=False)
        return run

    def order(self, report: Report) -> list[int]:
        """The order of a report's rows. Raises TooMuchDataError where there are too many."""
        if len(report) > self._faults.report_rows:
            raise TooMuchDataError
        order = list(range(len(report)))
        if self._faults.out_of_order:
            self._shuffle.shuffle(order)
        return order

    def find(self, run_id: str) -> Run | None:
        """A report that was asked for."""
        return self._runs.get(run_id)

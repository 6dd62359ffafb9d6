"""What of past runs stays, as company.yml's `retention` says: the rest would grow for ever.

Nothing here may fail a run: what cannot be removed now is told in the log, and tried again.
"""

from __future__ import annotations

import logging
import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.optional import optional
from ingestion.paths import CompanyPaths, write_ahead_log

if TYPE_CHECKING:
    from dagster import DagsterInstance

LOGS_OF_RUNS = f"{'?' * 8}-????-????-????-{'?' * 12}.log"
OLD_WAREHOUSES = ("warehouse-*.duckdb", "warehouse.duckdb.unusable-*")
"""What FRESH=1 has kept, and what was no usable database any more."""
FREE_SHARE = 0.5
"""Of a database's pages: with more that hold nothing it is written anew."""

log = logging.getLogger("salesops")


def keep_last_logs(paths: CompanyPaths, runs: int) -> None:
    """Remove the logs of runs before the last ones."""
    for path in _before_the_last(runs, paths.logs.glob(LOGS_OF_RUNS)):
        with optional(f"{path} could not be removed"):
            path.unlink()


def keep_last_warehouses(paths: CompanyPaths, kept: int) -> None:
    """Remove old warehouses before the last ones."""
    found = [path for pattern in OLD_WAREHOUSES for path in paths.root.glob(pattern)]
    for path in _before_the_last(kept, (path for path in found if path.suffix != ".wal")):
        with optional(f"{path} could not be removed"):
            write_ahead_log(path).unlink(missing_ok=True)
            path.unlink()
            log.info("removed %s: retention.warehouses keeps %d", path.name, kept)


def keep_last_runs(instance: DagsterInstance, home: Path, runs: int) -> None:
    """Remove what Dagster has kept of runs before the last ones; those under way stay."""
    if instance.is_ephemeral:
        return
    with optional(f"{home} could not be tidied"):
        found = list(instance.get_runs())
        for run in found[runs:]:
            if run.is_finished:
                instance.delete_run(run.run_id)
                shutil.rmtree(home / "storage" / run.run_id, ignore_errors=True)
        events = home / "history" / "runs"
        known = {"index", *(run.run_id for run in found)}
        for run_id in {path.stem for path in events.glob("*.db")} - known:
            instance.event_log_storage.delete_events(run_id)
        for path in (events / "index.db", home / "history" / "runs.db"):
            _compact(path)


def _before_the_last(kept: int, paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)[kept:]


def _compact(path: Path) -> None:
    """Fold a database's journal into it, and give back its free pages where they are many."""
    if not path.exists():
        return
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("pragma wal_checkpoint(truncate)")
        [pages], [free] = (
            connection.execute(f"pragma {name}").fetchone()
            for name in ("page_count", "freelist_count")
        )
        if free > FREE_SHARE * pages:
            connection.execute("vacuum")

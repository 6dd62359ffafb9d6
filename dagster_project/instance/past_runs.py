"""What Dagster's files keep of past runs: the last ones, as company.yml's `retention` says."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from dagster import DagsterInstance

from ingestion.optional import optional

FREE_SHARE = 0.5
"""Of a database's pages: with more that hold nothing it is written anew."""


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

"""What of past runs stays, as company.yml's `retention` says: the rest would grow for ever.

Nothing here may fail a run: what cannot be removed now is told in the log, and tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from ingestion.optional import optional
from ingestion.paths import CompanyPaths, write_ahead_log

LOGS_OF_RUNS = f"{'?' * 8}-????-????-????-{'?' * 12}.log"
OLD_WAREHOUSES = ("warehouse-*.duckdb", "warehouse.duckdb.unusable-*")
"""What FRESH=1 has kept, and what was no usable database any more."""

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


def _before_the_last(kept: int, paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)[kept:]

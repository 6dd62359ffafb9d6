"""Dagster's own files: databases that are damaged are moved aside, and that is said.

They hold what is known of runs, nothing of the company: losing them costs the UI its past, and
nothing else. So nothing that is wrong with them may keep a run from publishing.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from ingestion.errors import with_causes

NEEDED = {"runs.db": "runs", "schedules.db": "jobs"}
"""A table of each database that is there once it has any; of the event logs it is `event_logs`."""

PATIENCE_SECONDS = 30
UNREADABLE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

log = logging.getLogger("salesops")


def set_damaged_aside(home: Path) -> None:
    """Move what is damaged of the store in `home` aside, for Dagster to begin it anew.

    Each file is kept as `<name>.damaged`, the last of its name. Raises OSError where that cannot
    be done.
    """
    for file in _databases(home):
        if damage := _damage(file):
            aside = _moved(file)
            log.warning(
                "Dagster's store: %s is damaged (%s); it is kept as %s, and begun anew. The UI no "
                "longer knows what was in it; restart make ui if it is up",
                file,
                damage,
                aside.name,
            )


def is_of_store(error: BaseException, home: Path) -> bool:
    """Whether an error comes from the store, or from another that does."""
    for one in with_causes(error):
        match one:
            case sqlite3.Error():
                return True
            case OSError(filename=str(name)) if Path(name).is_relative_to(home):
                return True
    return False


def _databases(home: Path) -> Iterator[Path]:
    for folder in (home / "history", home / "history" / "runs", home / "schedules"):
        yield from sorted(folder.glob("*.db"))


def _damage(file: Path) -> str | None:
    """What is damaged in a database; one that cannot be read for another reason is not damaged."""
    if not file.is_file():
        return "it is not a file"
    if not file.stat().st_size:
        return "it is empty"
    try:
        with closing(_connect(file)) as connection:
            [found] = connection.execute("pragma quick_check(1)").fetchone()
            tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    except sqlite3.Error as error:
        is_damaged = getattr(error, "sqlite_errorcode", 0) & 0xFF in UNREADABLE
        return str(error) if is_damaged else None
    if found != "ok":
        return str(found).replace("\n", " ")
    needed = NEEDED.get(file.name, "event_logs")
    return f"it has no table {needed}" if tables and needed not in tables else None


def _connect(file: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(file))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS)


def _moved(file: Path) -> Path:
    """Move a database, its journals first: one left behind would be played onto its successor."""
    for suffix in ("-wal", "-shm", "-journal", ""):
        beside = file.with_name(file.name + suffix)
        if beside.exists():
            beside.replace(file.with_name(f"{file.name}.damaged{suffix}"))
    return file.with_name(f"{file.name}.damaged")

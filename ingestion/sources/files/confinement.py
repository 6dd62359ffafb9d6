"""What the SQL of company.yml may reach: the files that it names, so much time, so much memory."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.errors import SourceError, first_line
from ingestion.warehouse.duckdb_sql import MEMORY_LIMIT, escaped, literal, memory_limit, one_row

if TYPE_CHECKING:
    import duckdb

SECONDS = "SALESOPS_SQL_SECONDS"
"""The environment variable that says how long the SQL of one key may take."""

GRACE = 60
"""Seconds after its time within which SQL has to heed that it is stopped."""

WRONG_SETTINGS = 2
"""The exit status of what a company file, a source or the warehouse is to blame for."""

log = logging.getLogger("salesops")


def seconds() -> float:
    """How long the SQL of one key may take. SourceError: the environment says no such time."""
    text = os.environ.get(SECONDS) or "600"
    try:
        allowed = float(text)
    except ValueError:
        allowed = 0
    if not 0 < allowed <= threading.TIMEOUT_MAX:
        raise SourceError(f"{SECONDS} = {text!r}: not a number of seconds, such as 1800")
    return allowed


def confine(
    connection: duckdb.DuckDBPyConnection,
    files: Iterable[Path] = (),
    folders: Iterable[Path] = (),
) -> None:
    """Let a connection reach these files and folders, and nothing else, for as long as it lives.

    Nothing is installed or loaded, no variable of Python is a table, and no setting changes any
    more. What it spills fills at most half of the disk that is free.
    """
    paths = [name for file in files for name in (str(file), escaped(file))]
    folders = list(folders)
    settings = {"allowed_paths": _listed(paths), "allowed_directories": _listed(folders)}
    settings |= {f"auto{what}_known_extensions": "false" for what in ("install", "load")}
    settings |= {"allow_community_extensions": "false", "allow_persistent_secrets": "false"}
    settings |= {"python_enable_replacements": "false", "enable_progress_bar": "false"}
    for folder in folders:
        settings["max_temp_directory_size"] = literal(f"{_free(folder) // 2}B")
    # In this order: paths can be allowed only as long as any may be reached.
    for name, value in {**settings, "enable_external_access": "false"}.items():
        connection.execute(f"set {name} = {value}")
    connection.execute("set lock_configuration = true")


def is_stopped(error: Exception) -> bool:
    """Whether it is no mistake in SQL that failed, but what it took of time or memory."""
    import duckdb

    return isinstance(error, duckdb.InterruptException) or _is_too_much(error)


@contextmanager
def bounded(connection: duckdb.DuckDBPyConnection, place: str) -> Iterator[None]:
    """Stop what takes longer than `seconds()`, or more memory than there is for it.

    Raises SourceError that says so. Where DuckDB is too deep in one value to notice that it is
    stopped, the process ends: nothing has been written yet. `place` is the key of company.yml.
    """
    allowed = seconds()
    too_long = (
        f"this SQL took longer than {allowed:g} seconds and was stopped. A recursion without an "
        f"end, or a join without a condition? If it is right, {SECONDS} in the environment gives "
        "it more"
    )
    with (
        _stopped_after(allowed, connection, f"{place}: {too_long}") as is_over,
        _limited_memory(connection),
    ):
        try:
            yield
        except Exception as error:
            if is_over():
                raise SourceError(too_long) from None
            if _is_too_much(error):
                raise SourceError(_too_much(error)) from None
            raise


def _is_too_much(error: Exception) -> bool:
    import duckdb

    return isinstance(error, duckdb.OutOfMemoryException | MemoryError)


def _too_much(error: Exception) -> str:
    return (
        f"this SQL needs more memory, or more of the disk for what exceeds it, than it may have "
        f"({memory_limit()}): {first_line(error)}. A join without a condition? If it is right, "
        f"{MEMORY_LIMIT} in the environment gives it more"
    )


@contextmanager
def _stopped_after(
    allowed: float, connection: duckdb.DuckDBPyConnection, message: str
) -> Iterator[Callable[[], bool]]:
    """Interrupt whatever the connection does after so many seconds; whether it came to that."""
    done, over = threading.Event(), threading.Event()

    def watch() -> None:
        if done.wait(allowed):
            return
        over.set()
        end = time.monotonic() + GRACE
        while not done.wait(0.1):
            connection.interrupt()
            if time.monotonic() > end:
                log.error("error: %s", message)
                os._exit(WRONG_SETTINGS)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield over.is_set
    finally:
        done.set()
        watcher.join()


@contextmanager
def _limited_memory(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the process take twice DuckDB's limit on top of what it has.

    DuckDB does not count what one value of a function takes, which may be all that there is.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    (limit,) = one_row(connection, f"select parse_formatted_bytes({literal(memory_limit())})")
    wanted = _data_bytes() + 2 * int(limit)
    known = [one for one in (soft, hard) if one != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_DATA, (min([wanted, *known]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    """The memory that the process has of its own; where Linux does not tell, none."""
    statm = Path("/proc/self/statm")
    pages = int(statm.read_text(encoding="ascii").split()[5]) if statm.exists() else 0
    return pages * resource.getpagesize()


def _free(folder: Path) -> int:
    """The bytes that are free on a folder's disk."""
    return shutil.disk_usage(folder).free


def _listed(paths: Iterable[str | Path]) -> str:
    return f"[{', '.join(map(literal, paths))}]"

"""One run at a time writes to a company's data."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from ingestion.errors import SalesopsError

LOOKS = (0, 0.02, 0.3)
"""Seconds to wait before each try to take the lock."""


class LockHeldError(SalesopsError):
    """Another run is writing to the company's data."""


@contextmanager
def run_lock(path: Path, run_id: str) -> Iterator[None]:
    """Hold the lock file `path` for a run; the operating system frees it however the run ends.

    Raises LockHeldError at once, naming the holder, when another run has it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _taken(file):
            raise LockHeldError(
                f"{path}: another run of this company is under way ({_holder(file)}); "
                "wait for it to end, or stop it"
            )
        started_at = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
        file.truncate(0)
        json.dump({"run_id": run_id, "pid": os.getpid(), "started_at": started_at}, file)
        file.flush()
        yield


def holder(path: Path) -> str | None:
    """The run that holds the lock file `path`; None where none does."""
    try:
        with path.open(encoding="utf-8") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return str(json.load(file)["run_id"])
    except (FileNotFoundError, ValueError, KeyError):
        return None
    return None


def _taken(file: TextIO) -> bool:
    """Take the lock; who only looks whether it is held has it for an instant."""
    for pause in LOOKS:
        time.sleep(pause)
        with suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _holder(file: TextIO) -> str:
    file.seek(0)
    try:
        holder = json.load(file)
        return f"process {holder['pid']}, run {holder['run_id']}, since {holder['started_at']}"
    except (ValueError, KeyError):
        return "it has only just begun"

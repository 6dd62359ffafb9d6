"""Folders that are made once for all who need the same, found by the hash of what they rest on."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ingestion.disk.private import umask

UNUSED_SECONDS = 3600.0
MAY_READ = 0o022
"""What is taken from others who share a folder: to write to it."""


def kept(home: Path, kind: str, key: str, make: Callable[[Path], None], *, last: int = 4) -> Path:
    """The folder `<kind>-<key>` under `home`; where there is none, `make` fills a new one.

    Who comes while it is made waits for it; it appears whole or not at all. The `last` used of a
    kind stay, and so does whatever was used within the hour: nobody is left without what he reads.
    Raises what `make` raises, and OSError where `home` cannot be written to.
    """
    folder = home / f"{kind}-{key}"
    if not folder.exists():
        home.mkdir(parents=True, exist_ok=True)
        with (home / f"{kind}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not folder.exists():
                _make(folder, kind, make)
                _remove_unused(home, kind, last)
    with suppress(OSError):
        os.utime(folder)
    return folder


def _make(folder: Path, kind: str, make: Callable[[Path], None]) -> None:
    """Make it aside; nobody else is at it, so what lies there is of a process that was killed."""
    prefix = f"making-{kind}-"
    for left in folder.parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder.parent) as aside:
        made = Path(aside) / folder.name
        with umask(MAY_READ):
            made.mkdir()
            make(made)
        made.rename(folder)


def _remove_unused(home: Path, kind: str, last: int) -> None:
    by_use = sorted(home.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for folder in by_use[last:]:
        if folder.stat().st_mtime < time.time() - UNUSED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)

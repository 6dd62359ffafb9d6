"""Who may read what runs make: everybody what is published, but for what is about single people."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ingestion.paths import PUBLICATIONS, PUBLISHED

OTHERS = 0o077
"""The permissions of everybody but the owner."""
PASSED_THROUGH = 0o711

log = logging.getLogger("salesops")


@contextmanager
def private(root: Path) -> Iterator[None]:
    """What is made meanwhile is its owner's alone, and so is what a company's folder holds.

    Others may pass through the folder to what is published. The folder is made where there is none.
    """
    root.parent.mkdir(parents=True, exist_ok=True)
    with umask(OTHERS):
        root.mkdir(exist_ok=True)
        _close(root)
        yield


@contextmanager
def umask(mask: int) -> Iterator[None]:
    """Take these permissions from all files that this process makes meanwhile."""
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def open_to_all(folder: Path, apart: frozenset[str] = frozenset()) -> None:
    """Let everybody read a folder with what is in it, and nobody write to its files.

    Files and folders of the names that are `apart` stay as they are.
    """
    for path in (folder, *folder.rglob("*")):
        names = path.relative_to(folder).parts
        if not path.is_symlink() and apart.isdisjoint(names):
            path.chmod(0o755 if path.is_dir() else 0o444)


def _close(root: Path) -> None:
    _permit(root, PASSED_THROUGH)
    for path in root.iterdir():
        if path.name == PUBLICATIONS:
            _permit(path, PASSED_THROUGH)
        elif path.name != PUBLISHED and not path.is_symlink():
            _permit(path, path.stat().st_mode & 0o777 & ~OTHERS)


def _permit(path: Path, mode: int) -> None:
    """Who does not own a file can but say that others may read it."""
    if path.stat().st_mode & 0o777 == mode:
        return
    try:
        path.chmod(mode)
    except PermissionError:
        log.warning("%s: others may read it, and only its owner can change that", path)

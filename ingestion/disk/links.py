"""Links that lead to the newest of something: swapped by one rename, whatever is in their place."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

from ingestion.paths import unused_name

log = logging.getLogger("salesops")


def lead(link: Path, to: Path) -> None:
    """Make a link lead to a folder; who follows it gets the old one or the new one, whole.

    What is in its place and is no link is moved aside, and said; what a killed process has left of
    an attempt of its own is replaced.
    """
    aside = link.with_name(f".{link.name}.new")
    remove(aside)
    aside.symlink_to(os.path.relpath(to, link.parent))
    if not link.is_symlink() and link.exists():
        moved = _moved_aside(link)
        log.warning("%s: was no link of salesops; it was moved aside to %s", link, moved.name)
    aside.replace(link)
    sync(link.parent)


def remove(path: Path) -> None:
    """Remove a file, a link, or a folder with all that is in it; nothing where there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def sync(*paths: Path) -> None:
    """Make sure that files or folders are on disk before they are relied on."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _moved_aside(path: Path) -> Path:
    aside = unused_name(path, "aside")
    if not path.is_symlink():
        path.chmod(0o700)
    return path.rename(aside)

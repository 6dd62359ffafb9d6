"""The publications of a company: the last few, and the link that leads to the one on show."""

from __future__ import annotations

import datetime as dt
import logging
import os
from pathlib import Path

from dagster_project.publication.manifest import Publication
from dagster_project.publication.reading import in_place, write_ahead_log
from ingestion.disk.links import lead, remove
from ingestion.disk.private import PASSED_THROUGH, open_to_all
from ingestion.optional import optional
from ingestion.paths import PEOPLE_DASHBOARD, PEOPLE_FILE, PUBLISHED_FILE, CompanyPaths

KEPT = 3
"""The publications that stay, the one on show among them."""
OLD_FILE = "marts.duckdb"
"""What earlier versions published, in a folder `published` that was no link."""

READ = 0o444
"""Who may read a folder may enter it, too: a third of the way on, the permission to do so."""

log = logging.getLogger("salesops")


def settle(paths: CompanyPaths) -> None:
    """Bring the publications into order before a run, whatever the runs before it have left.

    A company of the old layout is taken over: its publication becomes the first of them. Where
    no link leads to a publication, whatever is in its place, one leads to the last whole one again.
    """
    if _is_on_show(paths):
        return
    if (paths.published / OLD_FILE).exists():
        _take_over(paths)
    elif last := _last_whole(paths):
        log.warning("%s: led to no publication; it leads to %s again", paths.published, last)
        show(paths, last)


def new_folder(paths: CompanyPaths, run_id: str) -> Path:
    """The empty folder of a run's publication; what killed runs have left makes room for it."""
    tidy(paths)
    _make_folder(paths)
    folder = paths.publications / run_id
    folder.mkdir()
    return folder


def show(paths: CompanyPaths, folder: Path) -> None:
    """Publish what is in a folder of `publications`: readers find it from now on."""
    lead(paths.published, folder)


def permit_people(folder: Path, mode: int) -> None:
    """Let those open a publication's file of single people, and its page, for whom they are."""
    if (file := folder / PEOPLE_FILE).exists():
        file.chmod(mode)
    if (pages := folder / PEOPLE_DASHBOARD).exists():
        for page in pages.iterdir():
            page.chmod(mode)
        pages.chmod(mode | (mode & READ) >> 2)


def close_earlier(paths: CompanyPaths, on_show: Publication, people_mode: int) -> None:
    """Give earlier publications the audience of the one on show.

    Where reps are ids in that, those that have their names are for their owner only. What cannot be
    closed is said.
    """
    for folder, earlier in _manifests(paths):
        with optional(f"{folder} may still be read by whom it is not for"):
            permit_people(folder, people_mode)
            if on_show.reps == "ids" and earlier.reps != "ids":
                folder.chmod(0o700)


def tidy(paths: CompanyPaths, before: Path | None = None) -> None:
    """Remove what killed runs have left, and all publications but the last ones.

    What is on show stays, as does the one that was `before` it; what is newer was never shown. That
    something cannot be removed is said, and stops nothing.
    """
    on_show = paths.published.resolve()
    kept = [on_show, before, *_shown(paths, Publication.of(on_show))[:KEPT]]
    with optional(f"{paths.publications} could not be tidied"):
        for path in paths.publications.glob("*"):
            if path.is_dir() and path.resolve() not in kept:
                remove(path)


def _is_on_show(paths: CompanyPaths) -> bool:
    """Whether the link leads to a folder of `publications`."""
    on_show = paths.published.resolve()
    is_one = on_show.parent == paths.publications.resolve()
    return paths.published.is_symlink() and is_one and on_show.is_dir()


def _shown(paths: CompanyPaths, on_show: Publication | None) -> list[Path]:
    """The publications that were shown up to the one on show, the last one first."""
    return [
        folder.resolve()
        for folder, published_at in _by_age(paths)
        if (published_at <= on_show.published_at if on_show else in_place(folder))
    ]


def _by_age(paths: CompanyPaths) -> list[tuple[Path, dt.datetime]]:
    """The publications that have a manifest, the last one first, with their moments (UTC)."""
    found = [(folder, publication.published_at) for folder, publication in _manifests(paths)]
    return sorted(found, key=lambda one: one[1], reverse=True)


def _manifests(paths: CompanyPaths) -> list[tuple[Path, Publication]]:
    return [
        (folder, publication)
        for folder in paths.publications.glob("*")
        if (publication := Publication.of(folder))
    ]


def _last_whole(paths: CompanyPaths) -> Path | None:
    return next((folder for folder, _ in _by_age(paths) if in_place(folder)), None)


def _make_folder(paths: CompanyPaths) -> None:
    paths.publications.mkdir(parents=True, exist_ok=True)
    paths.publications.chmod(PASSED_THROUGH)


def _take_over(paths: CompanyPaths) -> None:
    """Give the old file its new name, too; the folder that it is in moves to `publications`.

    What a tool has left of writes of its own goes.
    """
    file = paths.published / PUBLISHED_FILE
    if not os.path.lexists(file):
        file.symlink_to(OLD_FILE)
    if paths.published.is_symlink():
        return
    write_ahead_log(paths.published / OLD_FILE).unlink(missing_ok=True)
    publication = Publication.of(paths.published)
    _make_folder(paths)
    folder = paths.publications / (publication.run_id if publication else "before")
    open_to_all(paths.published)
    log.info("%s: of the old layout; it is now %s", paths.published, folder)
    paths.published.rename(folder)
    show(paths, folder)

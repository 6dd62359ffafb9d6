"""Folders that are made once and kept a while."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from ingestion.disk.kept import UNUSED_SECONDS, kept
from ingestion.disk.private import OTHERS, umask


def fill(folder: Path) -> None:
    (folder / "made").touch()


def test_who_comes_while_it_is_made_waits_for_it(tmp_path: Path) -> None:
    made: list[Path] = []
    found: list[Path] = []

    def make(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)
        fill(folder)

    threads = [
        threading.Thread(target=lambda: found.append(kept(tmp_path, "kind", "key", make)))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert found == [tmp_path / "kind-key"] * 3
    assert (tmp_path / "kind-key" / "made").exists()


def test_what_fails_leaves_nothing_and_is_made_by_the_next(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        fill(folder)
        raise ValueError("half way")

    with pytest.raises(ValueError, match="half way"):
        kept(tmp_path, "kind", "key", fail)
    assert not list(tmp_path.glob("*kind-*"))
    assert (kept(tmp_path, "kind", "key", fill) / "made").exists()


def test_others_may_read_it_whatever_else_is_kept_from_them(tmp_path: Path) -> None:
    with umask(OTHERS):
        folder = kept(tmp_path, "kind", "key", fill)
    assert folder.stat().st_mode & 0o777 == 0o755
    assert (folder / "made").stat().st_mode & 0o777 == 0o644


def test_what_a_killed_process_left_is_removed(tmp_path: Path) -> None:
    left = tmp_path / "making-kind-killed"
    left.mkdir()
    kept(tmp_path, "kind", "key", fill)
    assert not left.exists()


def test_the_last_used_stay_and_whatever_was_used_within_the_hour(tmp_path: Path) -> None:
    for key in ("old", "oldest", "young"):
        kept(tmp_path, "kind", key, fill)
    kept(tmp_path, "another kind", "old", fill)
    for age, name in enumerate(("kind-old", "kind-oldest", "another kind-old"), start=1):
        long_ago = time.time() - UNUSED_SECONDS - age
        os.utime(tmp_path / name, (long_ago, long_ago))
    kept(tmp_path, "kind", "new", fill, last=3)
    left = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert left == {"kind-old", "kind-young", "kind-new", "another kind-old"}


def test_what_is_there_needs_no_writing(tmp_path: Path) -> None:
    kept(tmp_path, "kind", "key", fill)
    (tmp_path / "kind.lock").unlink()
    kept(tmp_path, "kind", "key", fill)
    assert not (tmp_path / "kind.lock").exists()

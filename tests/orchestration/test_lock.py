"""The lock: one holder, named to others, freed however the holder ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from dagster_project.run.lock import LockHeldError, run_lock
from tests.orchestration.copies import PROJECT

HOLD = """
import sys
from pathlib import Path
from dagster_project.run.lock import run_lock
with run_lock(Path(sys.argv[1]), "theirs"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_held_lock_names_its_holder_and_is_freed_by_a_kill(tmp_path: Path) -> None:
    lock = tmp_path / "company" / "run.lock"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(LockHeldError, match=f"process {holder.pid}, run theirs, since 20"),
            run_lock(lock, "ours"),
        ):
            pass
        holder.kill()
    with run_lock(lock, "ours"):
        assert '"run_id": "ours"' in lock.read_text(encoding="utf-8")


def test_a_lock_can_be_taken_again(tmp_path: Path) -> None:
    lock = tmp_path / "run.lock"
    for run_id in ("a rather long name of a run", "short"):
        with run_lock(lock, run_id):
            assert lock.read_text(encoding="utf-8").count("run_id") == 1

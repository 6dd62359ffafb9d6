"""The whole UI killed in the middle of a run, and started again; the daemon alone killed."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import Publish
from tests.faults.attacks import Figures, held
from tests.faults.test_hard_death import DEAD
from tests.orchestration.copies import Copy
from tests.orchestration.uis import Ui, opened
from tests.thorough import thorough

pytestmark = thorough


@pytest.fixture
def copy(published: Publish, tmp_path: Path) -> Copy:
    return Copy.of(published("edge_cases"), tmp_path)


def daemon_of(ui: Ui) -> int | None:
    """The daemon's process, once there is one."""
    command = ["pgrep", "-g", str(ui.process.pid), "-f", "dagster_project.ui.daemon"]
    found = subprocess.run(command, capture_output=True, text=True).stdout.split()
    return int(found[0]) if found else None


@held(DEAD)
def test_the_schedule_goes_on_after_everything_was_killed(copy: Copy, figures: Figures) -> None:
    published = copy.published()
    with opened(copy) as ui:
        dead = ui.launch()
        ui.wait(lambda: dead.status() == "STARTED" or None, "run")
        waiting = ui.launch()
        os.killpg(ui.process.pid, signal.SIGKILL)
        figures.add(kills=1)
    assert copy.published() == published
    (copy.data / "dagster" / "schedules" / "schedules.db").write_bytes(b"no database")
    with opened(copy) as ui:
        ended = [type(run)(ui, run.run_id).end() for run in (dead, waiting)]
        assert ended == ["FAILURE", "SUCCESS"], ui.output()
    assert f"run {dead.run_id} had died" in ui.output()
    assert "schedules.db is damaged" in ui.output()
    assert copy.published() != published


@held(DEAD)
def test_a_daemon_that_was_killed_is_started_again_and_ends_with_its_ui(
    copy: Copy, figures: Figures
) -> None:
    with opened(copy) as ui:
        first = ui.wait(lambda: daemon_of(ui), "daemon")
        os.kill(first, signal.SIGKILL)
        figures.add(kills=1)

        def another() -> int | None:
            daemon = daemon_of(ui)
            return daemon if daemon != first else None

        ui.wait(another, "other daemon")
        ui.wait(lambda: ui.has_looked_for_failures() or None, "look for failures")
        failed = ui.launch(days=1)
        assert failed.end() == "FAILURE"
        said = f"run {failed.run_id} failed, the last good publication stays"
        ui.wait(lambda: said in ui.output() or None, "word of the failure")
        assert said in (copy.data / "logs" / "failures.log").read_text(encoding="utf-8")
        ui.process.kill()
        ui.process.wait()
        ui.wait(lambda: daemon_of(ui) is None or None, "end of the daemon")
    assert "daemon ended (status -9); it is started again" in ui.output()

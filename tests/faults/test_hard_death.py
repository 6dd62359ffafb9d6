"""Runs and daemons that die without a word: the schedule goes on after them, and it is said."""

from __future__ import annotations

import fcntl
import logging
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterEventType, DagsterInstance, DagsterRun, DagsterRunStatus
from dagster._core.events import DagsterEvent
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import EmptyWorkspaceTarget
from dagster._daemon.monitoring.run_monitoring import execute_run_monitoring_iteration

from dagster_project.defs.automation import daily_schedule, failure_sensor
from dagster_project.instance import run_launcher
from dagster_project.instance.dead_runs import end_dead_runs
from dagster_project.instance.recording import open_instance
from dagster_project.run.lock import holder, run_lock
from ingestion.company.reading import load_company
from ingestion.company.settings import Company
from ingestion.paths import PROJECT, CompanyPaths
from tests.faults.attacks import Figures, bites, held, replaced
from tests.orchestration.copies import EDGE_CASES

DEAD = "a run is killed, and the daemon with it"
DEAD_ALONE = "a run is killed under a daemon that lives"
TICKS = "the schedule ticks while a run waits"

ALIVE = "dagster_project.instance.run_launcher:CompanyRunLauncher.check_run_worker_health"

HOLD = (
    "import sys, pathlib; from dagster_project.run.lock import run_lock\n"
    "with run_lock(pathlib.Path(sys.argv[1]), sys.argv[2]): print(flush=True); input()"
)


@pytest.fixture
def company(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Company:
    monkeypatch.setenv("SALESOPS_DATA", str(tmp_path))
    monkeypatch.setattr(run_launcher, "PAUSE_SECONDS", 0.001)
    return load_company(EDGE_CASES / "company.yml")


@pytest.fixture
def paths(company: Company) -> CompanyPaths:
    return CompanyPaths.of(company)


@pytest.fixture
def instance(paths: CompanyPaths) -> Iterator[DagsterInstance]:
    with open_instance(paths) as instance:
        yield instance


def begun(instance: DagsterInstance, status: DagsterRunStatus = DagsterRunStatus.STARTED) -> str:
    """A run on the record."""
    run_id = str(uuid.uuid4())
    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("code"), "repository")
    origin = RemoteJobOrigin(repository, "daily")
    instance.add_run(DagsterRun("daily", run_id, status=status, remote_job_origin=origin))
    return run_id


def status(instance: DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run
    return run.status


@contextmanager
def alive(lock: Path, run_id: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that holds the company's lock, as a run does."""
    command = [sys.executable, "-c", HOLD, str(lock), run_id]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=PROJECT, stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        assert process.stdout.readline()
        yield process
        process.kill()


def monitor(instance: DagsterInstance) -> None:
    """What the daemon does now and then."""
    with WorkspaceProcessContext(instance, EmptyWorkspaceTarget()) as workspace:
        for error in execute_run_monitoring_iteration(workspace, logging.getLogger("test")):
            assert error is None, error


def ticks(company: Company, instance: DagsterInstance) -> int:
    """Number of runs that the schedule asks for at a tick."""
    context = dg.build_schedule_context(instance)
    return len(daily_schedule(company).evaluate_tick(context).run_requests or [])


def killed(lock: Path, run_id: str, figures: Figures) -> None:
    """A process that held the lock for a run, and is gone."""
    with alive(lock, run_id) as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    figures.add(kills=1)


@held(DEAD)
def test_dead_runs_end_when_the_ui_starts(
    instance: DagsterInstance,
    paths: CompanyPaths,
    figures: Figures,
    caplog: pytest.LogCaptureFixture,
) -> None:
    dead = begun(instance)
    killed(paths.lock, dead, figures)
    live = begun(instance)
    with alive(paths.lock, live):
        end_dead_runs(instance, paths.lock)
        assert status(instance, live) == DagsterRunStatus.STARTED
    assert status(instance, dead) == DagsterRunStatus.FAILURE
    assert f"run {dead} had died" in caplog.text
    end_dead_runs(instance, paths.lock)
    assert status(instance, live) == DagsterRunStatus.FAILURE


@bites(DEAD)
def test_dagster_alone_takes_a_dead_run_for_one_that_is_under_way(
    instance: DagsterInstance, company: Company, paths: CompanyPaths, figures: Figures
) -> None:
    dead = begun(instance)
    killed(paths.lock, dead, figures)
    with replaced(ALIVE, CheckRunHealthResult(WorkerStatus.RUNNING)):
        monitor(instance)
    assert status(instance, dead) == DagsterRunStatus.STARTED
    assert not ticks(company, instance)


@held(DEAD_ALONE)
def test_the_daemon_ends_a_run_that_died_and_no_other(
    instance: DagsterInstance, paths: CompanyPaths, figures: Figures
) -> None:
    dead, live = begun(instance), begun(instance)
    killed(paths.lock, dead, figures)
    with alive(paths.lock, live):
        monitor(instance)
        assert status(instance, live) == DagsterRunStatus.STARTED
    assert status(instance, dead) == DagsterRunStatus.FAILURE


@bites(DEAD_ALONE)
def test_dagster_alone_asks_nobody_whether_a_run_lives(
    instance: DagsterInstance, paths: CompanyPaths, figures: Figures
) -> None:
    dead = begun(instance)
    killed(paths.lock, dead, figures)
    with replaced(ALIVE, CheckRunHealthResult(WorkerStatus.RUNNING)):
        monitor(instance)
    assert status(instance, dead) == DagsterRunStatus.STARTED


def test_a_run_that_has_just_begun_may_not_have_the_lock_yet(instance: DagsterInstance) -> None:
    run_id = begun(instance, DagsterRunStatus.NOT_STARTED)
    run = instance.get_run_by_id(run_id)
    assert run
    instance.report_dagster_event(
        DagsterEvent(DagsterEventType.RUN_START.value, run.job_name), run_id
    )
    monitor(instance)
    assert status(instance, run_id) == DagsterRunStatus.STARTED


@pytest.mark.parametrize("waiting", [DagsterRunStatus.QUEUED, DagsterRunStatus.STARTED])
@held(TICKS)
def test_no_tick_while_a_run_waits(
    instance: DagsterInstance, company: Company, waiting: DagsterRunStatus
) -> None:
    assert ticks(company, instance) == 1
    run_id = begun(instance, waiting)
    assert ticks(company, instance) == 0
    run = instance.get_run_by_id(run_id)
    assert run
    instance.report_run_failed(run)
    assert ticks(company, instance) == 1


@held(TICKS)
def test_no_tick_while_a_run_is_under_way_that_the_store_does_not_know(
    instance: DagsterInstance, company: Company, paths: CompanyPaths
) -> None:
    with alive(paths.lock, "of a terminal"):
        assert ticks(company, instance) == 0
    assert ticks(company, instance) == 1


@bites(TICKS)
def test_ticks_would_pile_up(instance: DagsterInstance, company: Company) -> None:
    begun(instance, DagsterRunStatus.QUEUED)
    with replaced("dagster_project.defs.automation:unfinished_run", None):
        assert ticks(company, instance) == 1


def test_a_run_that_failed_is_said_in_the_log_and_in_a_file(
    instance: DagsterInstance,
    company: Company,
    paths: CompanyPaths,
    caplog: pytest.LogCaptureFixture,
) -> None:
    run_id = begun(instance)
    end_dead_runs(instance, paths.lock)
    run = instance.get_run_by_id(run_id)
    [event] = instance.all_logs(run_id, of_type=DagsterEventType.RUN_FAILURE)
    assert run
    assert event.dagster_event
    sensor = failure_sensor(company)
    context = dg.build_run_status_sensor_context(sensor.name, event.dagster_event, instance, run)
    sensor(context.for_run_failure())
    said = f"run {run_id} failed, the last good publication stays: The run's process ended"
    assert said in caplog.text
    assert said in (paths.root / "logs" / "failures.log").read_text(encoding="utf-8")


def test_who_only_looks_at_the_lock_is_in_nobodys_way(paths: CompanyPaths) -> None:
    assert holder(paths.lock) is None
    with run_lock(paths.lock, "mine"):
        assert holder(paths.lock) == "mine"
    with paths.lock.open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.005, looking.close).start()
        with run_lock(paths.lock, "the next"):
            assert holder(paths.lock) == "the next"

"""Dagster's own files damaged, full or gone: the company's run is none the worse for it."""

from __future__ import annotations

import logging
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.instance import event_log
from dagster_project.instance.databases import is_of_store
from dagster_project.instance.recording import open_instance, recorded
from dagster_project.instance.settings import write_settings
from ingestion.paths import CompanyPaths
from tests.conftest import Publish
from tests.faults.attacks import bites, held, replaced
from tests.orchestration.copies import Copy
from tests.thorough import thorough

DAMAGED = "Dagster's store is damaged before a run"
MEANWHILE = "Dagster's store is damaged during a run"
FULL = "Dagster's store has no room"

RUNS, INDEX = Path("history", "runs.db"), Path("history", "runs", "index.db")
SCHEDULES, SETTINGS = Path("schedules", "schedules.db"), Path("dagster.yaml")


def half(file: Path) -> None:
    """Cut off in the middle of a page."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2 + 7])


def garbage(file: Path) -> None:
    file.write_bytes(b"\xff\xfe no database \x00" * 500)


def torn(file: Path) -> None:
    """Sound at its beginning, and overwritten behind it."""
    content = bytearray(file.read_bytes())
    content[5000:] = b"\xa5" * (len(content) - 5000)
    file.write_bytes(content)


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def turned_into_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


DAMAGED_FILES = [
    *((RUNS, damage) for damage in (half, garbage, torn, emptied, turned_into_a_folder)),
    *((INDEX, damage) for damage in (half, torn, emptied)),
    (SCHEDULES, garbage),
    *((SETTINGS, damage) for damage in (half, garbage, turned_into_a_folder)),
]


@dg.op
def work() -> None:
    """What a run does."""


@dg.job
def small() -> None:
    """A job that costs no time."""
    work()


def executed(instance: dg.DagsterInstance) -> bool:
    """Whether the small job was done, and whether what it did is on a record that stays."""
    assert small.execute_in_process(instance=instance).success
    return instance.is_persistent


@contextmanager
def files_let_go() -> Iterator[None]:
    """A test is a process of its own: no database stays open from one to the next."""
    event_log.close_files()
    yield
    event_log.close_files()


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> CompanyPaths:
    """A store that knows of a run."""
    paths = CompanyPaths(tmp_path_factory.mktemp("used") / "acme")
    with files_let_go(), open_instance(paths) as instance:
        assert executed(instance)
    return paths


@pytest.fixture
def store(used: CompanyPaths, tmp_path: Path) -> Iterator[CompanyPaths]:
    """A copy, to be damaged."""
    shutil.copytree(used.root, tmp_path / "acme")
    paths = CompanyPaths(tmp_path / "acme")
    (paths.dagster / SETTINGS).unlink()
    write_settings(paths)
    with files_let_go():
        yield paths


def run_on(paths: CompanyPaths, then: Callable[[Path], None] = lambda _: None) -> list[bool]:
    """Execute the job as a run does; each element is an execution, true when it is on record."""
    records: list[bool] = []

    def execute(instance: dg.DagsterInstance) -> None:
        if not records:
            then(paths.dagster)
        records.append(False)
        records[-1] = executed(instance)

    recorded(paths, execute)
    return records


@pytest.mark.parametrize(
    ("file", "damage"),
    DAMAGED_FILES,
    ids=[f"{file.name} {damage.__name__}" for file, damage in DAMAGED_FILES],
)
@held(DAMAGED)
def test_what_is_damaged_is_moved_aside_and_said(
    store: CompanyPaths,
    file: Path,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    damage(store.dagster / file)
    assert run_on(store) == [True]
    suffix = "before" if file == SETTINGS else "damaged"
    assert (store.dagster / f"{file}.{suffix}").exists()
    assert str(store.dagster / file) in caplog.text


@held(DAMAGED)
def test_an_event_log_that_cannot_be_read_harms_the_record_of_its_run_only(
    store: CompanyPaths, caplog: pytest.LogCaptureFixture
) -> None:
    [shard] = [
        one for one in (store.dagster / "history" / "runs").glob("*.db") if one.stem != "index"
    ]
    garbage(shard)
    with open_instance(store) as instance:
        [run] = instance.get_runs()
        assert instance.all_logs(run.run_id) == []
    assert shard.name in caplog.text


@held(DAMAGED)
def test_a_store_that_cannot_be_begun_anew_is_done_without(
    store: CompanyPaths, caplog: pytest.LogCaptureFixture
) -> None:
    shutil.rmtree(store.dagster)
    store.dagster.write_text("in the way")
    assert run_on(store) == [False]
    assert "the run goes on" in caplog.text


def test_what_is_sound_stays(store: CompanyPaths, caplog: pytest.LogCaptureFixture) -> None:
    run_on(store)
    caplog.clear()
    assert run_on(store) == [True]
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    with open_instance(store) as instance:
        assert instance.get_runs_count() == 3


@pytest.mark.parametrize("file", [RUNS, INDEX], ids=lambda file: file.name)
@bites(DAMAGED)
def test_dagster_alone_stops_at_a_damaged_store(store: CompanyPaths, file: Path) -> None:
    garbage(store.dagster / file)
    with (
        replaced("dagster_project.instance.recording:set_damaged_aside"),
        pytest.raises(Exception, match="not a database"),
        open_instance(store) as instance,
    ):
        executed(instance)


@pytest.mark.parametrize("file", [RUNS, INDEX], ids=lambda file: file.name)
@held(MEANWHILE)
def test_a_store_that_breaks_during_a_run_is_done_without(
    store: CompanyPaths, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert run_on(store, lambda home: garbage(home / file)) == [False, False]
    assert "the run goes on" in caplog.text
    with files_let_go():
        assert run_on(store) == [True]


@bites(MEANWHILE)
def test_a_run_would_end_with_its_store(store: CompanyPaths) -> None:
    with (
        replaced("dagster_project.instance.recording:is_of_store", False),
        pytest.raises(Exception) as caught,  # noqa: PT011
    ):
        run_on(store, lambda home: garbage(home / RUNS))
    assert is_of_store(caught.value, store.dagster)


@contextmanager
def little_room(folder: Path) -> Iterator[None]:
    """A disk of its own, and full: 64 KB."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@held(FULL)
def test_a_store_without_room_is_done_without(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    paths = CompanyPaths(tmp_path / "acme")
    with files_let_go(), little_room(paths.dagster):
        assert run_on(paths) == [False]
    assert "the run goes on" in caplog.text


@bites(FULL)
def test_a_run_would_end_for_want_of_room_in_its_store(tmp_path: Path) -> None:
    paths = CompanyPaths(tmp_path / "acme")
    with (
        files_let_go(),
        little_room(paths.dagster),
        pytest.raises(Exception, match="full"),
        open_instance(paths) as instance,
    ):
        executed(instance)


@thorough
@held(DAMAGED)
def test_a_company_is_published_whatever_its_store_is_like(
    published: Publish, tmp_path: Path
) -> None:
    copy = Copy.of(published("edge_cases"), tmp_path)
    kpis, home = copy.kpis(), copy.data / "dagster"
    for file, damage in ((RUNS, garbage), (INDEX, half), (SETTINGS, garbage)):
        damage(home / file)
    done = copy.run("--force")
    assert done.returncode == 0, done.stderr
    assert "runs.db is damaged" in done.stderr
    assert copy.kpis() == kpis


@thorough
@pytest.mark.parametrize("progress", ["audit raw …", "build …", "publish …"])
@held(MEANWHILE)
def test_a_company_is_published_whatever_becomes_of_its_store(
    published: Publish, tmp_path: Path, progress: str
) -> None:
    copy = Copy.of(published("edge_cases"), tmp_path)
    kpis, before, home = copy.kpis(), copy.published(), copy.data / "dagster"
    with copy.started("--force") as run:
        run.wait_for(progress)
        for database in (home / "history").rglob("*.db*"):
            garbage(database)
        done = run.end()
    assert done.returncode == 0, done.stderr
    assert "the run goes on" in done.stderr
    assert copy.published() != before
    assert copy.kpis() == kpis


def test_an_error_that_led_to_itself_is_looked_at_once() -> None:
    """As one does that a step raises, and the run again."""
    refused, of_step = ValueError("refused"), RuntimeError("a step failed")
    refused.__context__, of_step.__cause__ = of_step, refused
    assert not is_of_store(refused, Path("home"))
    of_step.__context__ = OSError(2, "gone", "home/history/runs.db")
    assert is_of_store(refused, Path("home"))

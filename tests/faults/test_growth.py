"""What runs leave behind: as much as company.yml's `retention` says, and no more."""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg
import pytest

from dagster_project.instance import past_runs
from dagster_project.instance.recording import open_instance
from dagster_project.run.retention import keep_last_logs, keep_last_warehouses
from ingestion.paths import CompanyPaths
from tests.faults.attacks import bites, held, replaced
from tests.orchestration.copies import Copy
from tests.thorough import thorough

ATTACK = "run after run until the disk is full"
KEPT = 2
RUNS = 5
MB = 1 << 20
UUID = "4ce32411-c05a-4d7c-954b-01fd84daa14"


def size(folder: Path) -> int:
    """Bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def asset(number: int) -> dg.AssetsDefinition:
    @dg.asset(name=f"asset_{number}")
    def made() -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata={"told": "x" * 20_000})

    return made


JOB = dg.Definitions(
    assets=[asset(number) for number in range(8)], jobs=[dg.define_asset_job("all")]
).resolve_job_def("all")


def execute(root: Path, times: int) -> int:
    """Execute a job that tells much, as often; returns the bytes of Dagster's store then."""
    paths = CompanyPaths(root)
    for _ in range(times):
        with open_instance(paths) as instance:
            assert JOB.execute_in_process(instance=instance).success
            past_runs.keep_last_runs(instance, paths.dagster, KEPT)
    return size(paths.dagster)


@held(ATTACK)
def test_the_store_of_dagster_keeps_the_last_runs(tmp_path: Path) -> None:
    first = execute(tmp_path, KEPT + 1)
    assert execute(tmp_path, RUNS) <= 1.1 * first
    assert not [path for path in tmp_path.rglob("*-wal") if path.stat().st_size]
    with open_instance(CompanyPaths(tmp_path)) as instance:
        kept = {run.run_id for run in instance.get_runs()}
        [record] = instance.get_latest_materialization_events([dg.AssetKey("asset_1")]).values()
    assert len(kept) == KEPT
    assert record is not None
    assert record.run_id in kept
    assert {path.stem for path in (tmp_path / "dagster" / "history" / "runs").glob("*.db")} == {
        "index",
        *kept,
    }
    assert {
        path.name for path in (tmp_path / "dagster" / "storage").iterdir() if path.is_dir()
    } <= kept


@held(ATTACK)
def test_events_of_runs_that_nobody_knows_any_more_are_removed(tmp_path: Path) -> None:
    execute(tmp_path, 1)
    for name in ("runs.db", "runs.db-wal", "runs.db-shm"):
        (tmp_path / "dagster" / "history" / name).unlink(missing_ok=True)
    execute(tmp_path, 1)
    assert len(list((tmp_path / "dagster" / "history" / "runs").glob("*.db"))) == 2


@bites(ATTACK)
def test_the_store_grows_with_every_run_where_nothing_is_removed(tmp_path: Path) -> None:
    with replaced("dagster_project.instance.past_runs:keep_last_runs"):
        first = execute(tmp_path, KEPT + 1)
        assert execute(tmp_path, RUNS) > 1.5 * first
        with replaced("dagster_project.instance.event_log:close_files"):
            execute(tmp_path, 1)
            assert [path for path in tmp_path.rglob("*-wal") if path.stat().st_size > MB / 8]


def aged(folder: Path, *names: str) -> None:
    """Files of these names, each older than the next."""
    folder.mkdir(parents=True, exist_ok=True)
    for age, name in enumerate(reversed(names)):
        (folder / name).write_text(name)
        os.utime(folder / name, (1e9 - age, 1e9 - age))


@held(ATTACK)
def test_the_last_logs_and_old_warehouses_stay(tmp_path: Path) -> None:
    paths = CompanyPaths(tmp_path)
    aged(tmp_path / "logs", "failures.log", f"{UUID}a.log", f"{UUID}b.log", f"{UUID}c.log")
    dated = "warehouse-2026-01-01-000000.duckdb"
    aged(
        tmp_path,
        *("warehouse.duckdb", "warehouse.duckdb.wal", "run.lock"),
        *("warehouse.duckdb.unusable-1", "warehouse.duckdb.unusable-1.wal", dated),
        *("warehouse.duckdb.unusable-2", "warehouse-2026-02-01-000000.duckdb"),
    )
    (tmp_path / f"{dated}.wal").touch()
    keep_last_logs(paths, 2)
    keep_last_warehouses(paths, 2)
    logs = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert logs == [f"{UUID}b.log", f"{UUID}c.log", "failures.log"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        *("run.lock", "warehouse-2026-02-01-000000.duckdb", "warehouse.duckdb"),
        *("warehouse.duckdb.unusable-2", "warehouse.duckdb.wal"),
    ]


@held(ATTACK)
def test_what_cannot_be_removed_fails_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs" / f"{UUID}a.log").mkdir(parents=True)
    keep_last_logs(CompanyPaths(tmp_path), 0)
    assert "could not be removed" in caplog.text


@thorough
@held(ATTACK)
def test_ten_increments_grow_by_what_was_loaded(tmp_path: Path) -> None:
    copy = Copy.make(tmp_path)
    copy.settings(retention={"runs": KEPT})
    export = copy.export("opportunities.csv")
    written, sizes = export.read_text(encoding="utf-8"), []
    for number in range(KEPT + 2 + 10):
        text = written.replace("Won,8000,USD", f"Won,{8000 + number},USD", 1)
        export.write_text(text, encoding="utf-8")
        done = copy.run()
        assert done.returncode == 0, done.stdout + done.stderr
        sizes.append(size(copy.data))
    assert len(list((copy.data / "logs").iterdir())) == KEPT
    assert sizes[-1] - sizes[KEPT + 1] < 10 * MB, sizes

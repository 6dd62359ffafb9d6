"""Two runs at once, runs that are killed, and readers that read on meanwhile."""

from __future__ import annotations

import signal
from dataclasses import dataclass

import pytest

from dagster_project.publication import in_place, open_published
from tests.conftest import Publish
from tests.orchestration.copies import Copy, held_to_write
from tests.thorough import thorough


def kill_at(copy: Copy, progress: str) -> None:
    """Start a run and kill it without warning once it shows `progress`."""
    with copy.started() as run:
        run.wait_for(progress)
        run.signal(signal.SIGKILL)
        done = run.end()
    assert done.returncode == -signal.SIGKILL, done.stdout + done.stderr


@dataclass(frozen=True)
class Victim:
    """A company with a corrected deal, and what was published of it before."""

    copy: Copy
    published: dict[str, str]
    kpis: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def victim(published: Publish, tmp_path_factory: pytest.TempPathFactory) -> Victim:
    """The company whose runs are killed, one after the other, each later than the one before."""
    copy = Copy.of(published("edge_cases"), tmp_path_factory.mktemp("victim"))
    export = copy.export("opportunities.csv")
    text = export.read_text(encoding="utf-8")
    export.write_text(text.replace("Won,8000,USD", "Won,9500,USD", 1), encoding="utf-8")
    return Victim(copy, copy.published(), copy.kpis())


@pytest.mark.parametrize(
    "progress",
    [
        "crm: loading",
        pytest.param("audit raw …", marks=thorough),
        pytest.param("build …", marks=thorough),
        pytest.param("publish …", marks=thorough),
    ],
)
def test_a_run_killed_in_any_phase_leaves_the_marts(victim: Victim, progress: str) -> None:
    kill_at(victim.copy, progress)
    assert victim.copy.published() == victim.published


def test_the_run_after_those_that_were_killed_publishes_whoever_holds_the_file(
    victim: Victim,
) -> None:
    with held_to_write(victim.copy.marts, "create table marts.own as select 1 as mine"):
        done = victim.copy.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert victim.copy.kpis() != victim.kpis
    assert in_place(victim.copy.data / "published")
    assert len(list((victim.copy.data / "publications").iterdir())) == 2
    with open_published(victim.copy.marts) as connection:
        assert connection.execute(
            "select count(*) from duckdb_tables() where table_name = 'own'"
        ).fetchone() == (0,)


def test_a_second_run_says_who_holds_the_lock(copy: Copy) -> None:
    published = copy.published()
    with copy.started("--force") as first:
        first.wait_for("Edge Cases, run ")
        second = copy.run()
    assert second.returncode == 3
    assert f"process {first.pid}" in second.stderr
    assert copy.published() == published


@thorough  # test_ui.py has the same of a run that Dagster has launched
def test_a_second_run_changes_no_number_and_a_reader_reads_on(copy: Copy) -> None:
    loads, kpis = copy.loads(), copy.kpis()
    with open_published(copy.marts) as reader:
        before = reader.execute("select run_id from marts.publication").fetchone()
        done = copy.run("--force")
        assert done.returncode == 0, done.stdout + done.stderr
        assert reader.execute("select run_id from marts.publication").fetchone() == before
        assert reader.execute("select count(*) from marts.kpi_values").fetchone() != (0,)
    with open_published(copy.marts) as reader:
        assert reader.execute("select run_id from marts.publication").fetchone() != before
    assert "Unchanged, so not loaded again: 27 tables" in done.stdout
    assert copy.loads() == loads
    assert copy.kpis() == kpis


def test_ctrl_c_stops_a_run_cleanly(copy: Copy) -> None:
    published = copy.published()
    with copy.started("--force") as run:
        run.wait_for("build …")
        run.signal(signal.SIGINT)
        done = run.end()
    assert done.returncode == 130, done.stderr
    assert "Traceback" not in done.stderr
    assert copy.published() == published

"""A clock behind the newest load: to a run, later loads do not exist."""

from __future__ import annotations

import datetime as dt
from functools import partial

import pytest

from dagster_project.cli import main
from dagster_project.publishing.inputs import inputs
from dagster_project.run.clock import ClockError, now
from dagster_project.run.opening import open_run
from ingestion.company.settings import Company
from ingestion.paths import CompanyPaths
from ingestion.warehouse.warehouse import Warehouse
from tests.faults.attacks import bites, held, replaced, without
from tests.ingestion.conftest import Exports
from tests.ingestion.conftest import empty_warehouse as empty_warehouse
from tests.ingestion.conftest import exports as exports  # a fixture of theirs
from tests.ingestion.postgres_server import running_server

BEHIND = "a clock behind the newest load"
SET_BACK = "a clock that is set back while a run loads"
NOW = "dagster_project.run.clock:now"
GUARD = "dagster_project.run.clock:present_of"
AUDIT = "dagster_project.defs.audit:compare"
USERS = {"users": {"rows": [{"source_id": "1", "name": "Ann"}]}}
PAST = dt.datetime(2024, 2, 29, 12)
set_back = partial(without, NOW, lambda: PAST)


@pytest.fixture
def company(exports: Exports) -> Company:
    """A company that was loaded once."""
    exports.load(USERS)
    return exports.company(USERS)


@held(BEHIND)
def test_the_run_is_refused_and_writes_nothing(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = CompanyPaths.of(company)
    content, newest = paths.warehouse.read_bytes(), Warehouse.of(company).newest_load()
    with replaced(NOW, lambda: PAST):
        for options in ([], ["--as-of", "2024-01-31"]):
            assert main(["run", "--company", str(company.path), *options]) == 2
            told = capsys.readouterr().err
            assert "clock says 2024-02-29 12:00:00 UTC" in told
            assert f"finished at {newest:%Y-%m-%d %H:%M:%S} UTC" in told
            assert "Set the clock right" in told
        assert main(["check", "--company", str(company.path)]) == 2
    assert paths.warehouse.read_bytes() == content
    assert sorted(path.name for path in paths.root.iterdir()) == [
        "dlt",
        "run.lock",
        paths.warehouse.name,
    ]


@held(BEHIND)
@pytest.mark.parametrize("seconds", [1, 0])
def test_there_is_no_tolerance(company: Company, seconds: int) -> None:
    newest = Warehouse.of(company).newest_load()
    assert newest
    assert abs(now() - newest) < dt.timedelta(minutes=10)
    with replaced(NOW, lambda: newest - dt.timedelta(seconds=seconds)):
        if seconds:
            with pytest.raises(ClockError), open_run(company, "behind"):
                pass
        else:
            with open_run(company, "in time") as run:
                assert run.known_at == newest


@held(BEHIND)
def test_on_postgresql_too(exports: Exports, monkeypatch: pytest.MonkeyPatch) -> None:
    exports.settings["destination"] = "postgres"
    with running_server() as url:
        monkeypatch.setenv("SALESOPS_POSTGRES_URL", url)
        assert Warehouse.of(exports.company(USERS)).newest_load() is None
        exports.load(USERS)
        with open_run(exports.company(USERS), "in time"):
            pass
        with (
            replaced(NOW, lambda: PAST),
            pytest.raises(ClockError, match="PostgreSQL at"),
            open_run(exports.company(USERS), "behind"),
        ):
            pass


@held(BEHIND)
def test_a_moment_that_was_asked_for_and_a_new_start_are_possible(company: Company) -> None:
    with replaced(NOW, lambda: PAST):
        with open_run(company, "look back", known_at="2024-01-31") as run:
            assert run.known_at.date() == dt.date(2024, 1, 31)
            assert run.as_of == PAST
        with open_run(company, "anew", fresh=True) as run:
            assert run.known_at == PAST


@bites(BEHIND)
def test_the_run_would_know_of_no_load(company: Company) -> None:
    with replaced(NOW, lambda: PAST), replaced(GUARD, PAST), open_run(company, "behind") as run:
        assert inputs(run) == ()


@held(SET_BACK)
def test_the_run_is_refused_before_it_builds(company: Company) -> None:
    with open_run(company, "run") as run:
        run.load("files")
        with replaced(NOW, lambda: PAST), pytest.raises(ClockError):
            _ = run.as_of
        assert inputs(run)


@bites(SET_BACK)
def test_the_run_would_not_know_what_it_loaded(company: Company) -> None:
    with open_run(company, "run") as run, replaced(NOW, lambda: PAST), replaced(GUARD, PAST):
        run.load("files")
        assert inputs(run) == ()

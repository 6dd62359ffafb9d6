"""Each company is run once for all tests and sessions that find the same code and exports."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dagster_project.run.bytecode import keep_bytecode
from dagster_project.run.garbage import collect_seldom
from ingestion.disk.kept import kept
from ingestion.http import Pace
from ingestion.sources.files import arrival
from ingestion.sources.meta_ads import reports
from ingestion.warehouse.duckdb_sql import THREADS
from tests.kpis.companies import BY_A_RUN, REFERENCE_COMPANIES, TEST_COMPANIES, Published
from tests.runs import run
from tests.store import STORE
from tests.thorough import IS_THOROUGH

keep_bytecode()
collect_seldom()
# Files are whole once a test has written them: nobody waits for more.
arrival.REST = 0
# Nor for vendors' limits, which no server of the tests has that is not told to.
KEEP_PACE = Pace.wait
Pace.wait = lambda pace: None
# The sandbox's reports are complete after so many looks, however soon they come.
reports.LONGEST_WAIT = 0.01
if "PYTEST_XDIST_WORKER" in os.environ:
    # The workers take the cores already.
    os.environ.setdefault(THREADS, "1")

Publish = Callable[[str], Published]

COMPANIES = {**TEST_COMPANIES, **REFERENCE_COMPANIES}

LONG = (
    *("test_truth_over_http", "test_default_company", "test_past_moments", "test_truth_vs_kpis"),
    *("test_built_both_ways", "test_erp_company", "test_ads_truth", "test_ads_replay"),
    *("test_killed_runs", "test_broken_input", "test_restatements", "test_ui", "test_postgres"),
    *("test_extended_company", "test_dagster", "test_extremes"),
)
"""Modules that take longest; the first ones need no published company."""
WHOLE_RUNS = ("orchestration", "pipeline", "kpis")
"""Folders of the tests that take long."""
APART = ("test_broken_input", "test_time_travel")
"""Modules whose tests take long and share nothing: each may run wherever there is time."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put long tests first, and those of a module together: nobody waits for one at the end.

    First of all, each company is published, by a test of its own, while others run what needs none.
    """
    publishers = set(_publishers(items))

    def place(item: pytest.Item) -> int:
        module, folder = item.path.stem, item.path.parent.name
        if item in publishers or module in LONG:
            return -1 if item in publishers else LONG.index(module)
        return len(LONG) + [*WHOLE_RUNS, folder].index(folder)

    items.sort(key=place)
    for item in items:
        if item not in publishers and item.path.stem not in APART:
            item.add_marker(pytest.mark.xdist_group(f"{item.path.stem} {_company(item)}"))


def _publishers(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """The first test of each company."""
    first: dict[str, pytest.Item] = {}
    for item in items:
        if name := _company(item):
            first.setdefault(name, item)
    return iter(first.values())


def _company(item: pytest.Item) -> str:
    """The company whose published numbers a test is about, where its parameters name one."""
    name = item.callspec.params.get("name") if hasattr(item, "callspec") else None
    return name if name in COMPANIES else ""


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Publishes a company of the tests by its name; not again while all of it is the same."""
    base = tmp_path_factory.getbasetemp()
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def publish(name: str) -> Published:
        company = COMPANIES[name]
        if not company.exports.is_dir():
            pytest.skip(f"the exports of {name} are not on this machine: {company.exports}")
        failure = session / f"{name}.failure"

        def make(folder: Path) -> None:
            assert not failure.exists(), failure.read_text()
            if name not in BY_A_RUN and not IS_THOROUGH:
                from tests.from_sql import publish_from_sql

                publish_from_sql(company.file, folder)
                return
            done = run(company.file, folder)
            if done.returncode:
                failure.write_text(f"{name} was not published\n{done.stdout}{done.stderr}")
                pytest.fail(failure.read_text())

        folder = kept(STORE, name, company.fingerprint(), make, last=2)
        return Published(company.file, folder / name)

    return publish


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data root of the test's own."""
    return tmp_path / "data"


@pytest.fixture
def logs(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """All that is logged, also where a vendor's SDK gave urllib3 a level of its own (HubSpot's)."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "urllib3")
    return caplog


@pytest.fixture
def at_the_vendors_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests keep to the limit that the vendor documents, or its server tells."""
    monkeypatch.setattr(Pace, "wait", KEEP_PACE)


@pytest.fixture
def through_dlt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is loaded is appended by dlt, also where tests do without it to save time."""
    from ingestion.loading.appending import append

    monkeypatch.setattr("tests.raw_tables.append", append)


@pytest.fixture
def without_dlt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole loads do without dlt, where a test does not want to go through it."""
    from tests.raw_tables import without_dlt

    if "through_dlt" not in request.fixturenames:
        without_dlt(monkeypatch)


@pytest.fixture
def few_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Publications of this process have pages that need no tables of KPIs."""
    from tests.orchestration.one_mart import few_pages

    monkeypatch.setattr("dagster_project.dashboard.pages.rendered", few_pages)

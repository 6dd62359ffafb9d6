"""Each company is run once per test session, whichever worker needs it first."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.kpis.companies import TEST_COMPANIES, Published
from tests.runs import run

Publish = Callable[[str], Published]

WHOLE_RUNS = ("orchestration", "pipeline", "kpis")
"""Folders of the tests that take long. They come first: nobody waits for one of them at the end.
Those that need no published company are among the first, so that not all wait for the same one."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def place(item: pytest.Item) -> int:
        folder = item.path.parent.name
        return WHOLE_RUNS.index(folder) if folder in WHOLE_RUNS else len(WHOLE_RUNS)

    items.sort(key=place)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Publish:
    """Publishes a company by its name in TEST_COMPANIES."""
    base = tmp_path_factory.getbasetemp()
    session = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def publish(name: str) -> Published:
        company = TEST_COMPANIES[name]
        if not company.exports.is_dir():
            pytest.skip(f"the exports of {name} are not on this machine: {company.exports}")
        with (session / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            outcome = session / f"{name}.outcome"
            if not outcome.exists():
                done = run(company.file, session / "companies")
                outcome.write_text("" if done.returncode == 0 else done.stdout + done.stderr)
            assert not outcome.read_text(), f"{name} was not published\n{outcome.read_text()}"
        return Published(company.file, session / "companies" / name)

    return publish


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data root of the test's own."""
    return tmp_path / "data"

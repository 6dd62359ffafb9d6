"""What docs/bi.md tells people to type does what it says there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingestion.paths import PROJECT
from tests.conftest import Publish
from tests.kpis.companies import Published
from tests.readers import test_duckdb_readers, test_superset

PAGE = (PROJECT / "docs" / "bi.md").read_text(encoding="utf-8")


@pytest.fixture
def company(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Published:
    """A company whose data is where the page has it."""
    company = published("edge_cases")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "acme").symlink_to(company.folder)
    monkeypatch.chdir(tmp_path)
    return company


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def test_its_sql_gives_rows(company: Published) -> None:
    assert len(blocks("sql")) == 3
    with duckdb.connect("data/acme/published/salesops.duckdb", read_only=True) as connection:
        for query in blocks("sql"):
            assert connection.execute(query).fetchone()


def test_its_python_runs(company: Published, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(blocks("python")) == 2
    seen: dict[str, Any] = {}
    for code in blocks("python"):
        exec(code, seen)
    assert len(seen["win_rates"]) > 0
    assert len(seen["deals"]) > 0
    assert "The metric's name in the KPI dictionary." in capsys.readouterr().out


def test_it_names_what_is_tried() -> None:
    for version in (*test_duckdb_readers.VERSIONS, duckdb.__version__):
        assert re.search(rf"DuckDB in Python \|[^|]*\b{re.escape(version)}\b", PAGE)
    install = next(line for line in PAGE.splitlines() if "pip install apache-superset" in line)
    assert set(install.split("install ")[1].split()) == set(test_superset.PACKAGES)

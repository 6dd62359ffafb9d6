"""The dbt unit tests: hand-worked cases of each metric and of what the metrics rest on."""

from __future__ import annotations

from pathlib import Path

import pytest
from dbt.artifacts.schemas.results import TestStatus
from dbt.cli.main import dbtRunner

from ingestion.paths import PROJECT
from tests.conftest import Publish

VARIABLES = "{timezone: UTC, source_types: [files, hubspot]}"


@pytest.fixture
def warehouse(published: Publish, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse in which the models are built: unit tests take their columns from it."""
    path = published("edge_cases").folder / "warehouse.duckdb"
    monkeypatch.setenv("SALESOPS_WAREHOUSE", str(path))
    return path


def test_the_models_unit_tests_pass(warehouse: Path, tmp_path: Path) -> None:
    dbt = PROJECT / "dbt"
    done = dbtRunner().invoke(
        [
            "--quiet",
            *("test", "--select", "test_type:unit", "--vars", VARIABLES),
            *("--project-dir", str(dbt), "--profiles-dir", str(dbt)),
            *("--target-path", str(tmp_path), "--log-path", str(tmp_path)),
        ]
    )
    results = getattr(done.result, "results", [])
    failed = [f"{one.node.name}: {one.message}" for one in results if one.status != TestStatus.Pass]
    assert failed == []
    assert len(results) > 40, done.exception

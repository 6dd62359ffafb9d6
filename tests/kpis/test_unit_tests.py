"""The dbt unit tests: hand-worked cases of each metric and of what the metrics rest on."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.schemas.results import TestStatus
from dbt.cli.main import dbtRunner

from dagster_project.run.dbt_runner import Dbt
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.warehouse.marts_file import marts_of
from tests.conftest import Publish
from tests.raw_tables import make_raw_tables

VARIABLES = "{timezone: UTC, source_types: [files, google_ads, hubspot, stripe]}"
NOT_BUILT = ("path:models/staging/google_ads", "path:models/staging/stripe")
"""What the company has not built: its models read one another, and have no columns before."""
BOTH_SOURCES = PROJECT / "company.yml"


@pytest.fixture
def warehouse(published: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A warehouse in which the models are built: unit tests take their columns from it.

    The raw tables of APIs are there, too, and empty.
    """
    built = published("edge_cases").folder / "warehouse.duckdb"
    shutil.copy(marts_of(built), tmp_path)
    copy = Path(shutil.copy(built, tmp_path))
    with duckdb.connect(copy) as connection:
        for source_type in ("google_ads", "hubspot", "stripe"):
            make_raw_tables(connection, source_type)
    monkeypatch.setenv("SALESOPS_WAREHOUSE", str(copy))
    return copy


def test_the_models_unit_tests_pass(warehouse: Path, tmp_path: Path) -> None:
    dbt = PROJECT / "dbt"
    runner = dbtRunner(Dbt.of(load_company(BOTH_SOURCES)).parsed())
    settings = [
        *("--vars", VARIABLES, "--project-dir", str(dbt), "--profiles-dir", str(dbt)),
        *("--target-path", str(tmp_path), "--log-path", str(tmp_path)),
    ]
    built = runner.invoke(["--quiet", "run", "--select", *NOT_BUILT, *settings])
    assert built.success, built.exception
    done = runner.invoke(["--quiet", "test", "--select", "test_type:unit", *settings])
    found = getattr(done.result, "results", [])
    results = [one for one in found if one.node.resource_type == NodeType.Unit]
    failed = [f"{one.node.name}: {one.message}" for one in results if one.status != TestStatus.Pass]
    assert failed == []
    assert len(results) > 40, done.exception

"""The dbt unit tests: hand-worked cases of each metric and of what the metrics rest on."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import duckdb
import pytest
from dbt.adapters.base import BaseRelation, Column
from dbt.adapters.duckdb import DuckDBAdapter
from dbt.artifacts.resources.types import NodeType
from dbt.artifacts.schemas.results import TestStatus
from dbt.cli.main import dbtRunner
from dbt.compilation import inject_ctes_into_sql
from dbt.contracts.graph.nodes import InjectedCTE

from dagster_project.run.dbt_runner import QUIET, Dbt
from ingestion.company.reading import load_company
from ingestion.paths import PROJECT
from ingestion.warehouse.marts_file import marts_of
from tests.conftest import Publish
from tests.raw_tables import make_raw_tables

VARIABLES = "{timezone: UTC, source_types: [files, google_ads, hubspot, stripe]}"
NOT_BUILT = tuple(f"path:models/staging/{name}" for name in ("google_ads", "hubspot", "stripe"))
"""What the company has not built: its models read one another, and have no columns before."""
BOTH_SOURCES = PROJECT / "company.yml"
WITH = re.compile(
    r"(?:\s|--[^\n]*\n|/\*.*?\*/)*(with(?:\s+recursive)?)?\b", re.DOTALL | re.IGNORECASE
)
"""What comes before the common tables of a statement, if it has any."""


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


def injected(sql: str, given: Sequence[InjectedCTE]) -> str:
    """A statement after the common tables that it is given.

    dbt parses all of it to find its first word: two thirds of the time of its unit tests.
    """
    if not given:
        return sql
    tables = ", ".join(one.sql for one in given)
    found = WITH.match(sql)
    if found and found[1]:
        return f"{sql[: found.end()]} {tables}, {sql[found.end() :]}"
    return f"with {tables} {sql}"


Columns = Callable[[DuckDBAdapter, BaseRelation], list[Column]]


def asked_once(columns: Columns) -> Columns:
    """The columns of relations, which stay: dbt asks for them at each table that is given.

    It is a fifth of the time of its unit tests.
    """
    known: dict[str, list[Column]] = {}

    def asked(adapter: DuckDBAdapter, relation: BaseRelation) -> list[Column]:
        if str(relation) not in known:
            known[str(relation)] = columns(adapter, relation)
        return [*known[str(relation)]]

    return asked


@pytest.mark.parametrize(
    "sql",
    [
        "select 1",
        "/* all\nof it */ select 1",
        "with a as (select 1) select * from a",
        "\n-- with care\nWITH a as (with b as (select 1) select * from b) select * from a",
        "with recursive a as (select 1) select * from a",
    ],
)
def test_tables_are_given_to_a_statement_as_dbt_does_it(sql: str) -> None:
    given = [InjectedCTE(id=name, sql=f" {name} as (select 2)") for name in ("x", "y")]
    assert injected(sql, given).split() == inject_ctes_into_sql(sql, given).split()
    assert injected(sql, []) == sql


def test_the_models_unit_tests_pass(
    warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dbt.compilation.inject_ctes_into_sql", injected)
    dbt = PROJECT / "dbt"
    runner = dbtRunner(Dbt.of(load_company(BOTH_SOURCES)).parsed())
    settings = [
        *("--vars", VARIABLES, "--project-dir", str(dbt), "--profiles-dir", str(dbt)),
        *("--target-path", str(tmp_path), "--log-path", str(tmp_path)),
    ]
    built = runner.invoke([*QUIET, "--no-write-json", "run", "--select", *NOT_BUILT, *settings])
    assert built.success, built.exception
    columns = DuckDBAdapter.get_columns_in_relation
    monkeypatch.setattr(DuckDBAdapter, "get_columns_in_relation", asked_once(columns))
    done = runner.invoke(
        [*QUIET, "--no-write-json", "test", "--select", "test_type:unit", *settings]
    )
    found = getattr(done.result, "results", [])
    results = [one for one in found if one.node.resource_type == NodeType.Unit]
    failed = [f"{one.node.name}: {one.message}" for one in results if one.status != TestStatus.Pass]
    assert failed == []
    assert len(results) > 40, done.exception

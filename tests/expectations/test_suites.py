"""Suites are plain data: cheap to import, well formed, and in step with the models."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml

from expectations.suites import Layer, checks, suites
from ingestion.contract.entities import ENTITIES
from ingestion.sources.registry import SOURCE_TYPES
from tests.expectations.cases import HYGIENE_RULES

PROJECT = Path(__file__).parents[2]
SHARED = ("exports", "rejected")
"""Raw tables that every type of source has; canonical ones have the contract's besides."""
LAYERS: tuple[Layer, ...] = ("raw", "marts")


def test_every_raw_table_of_every_source_type_has_a_suite() -> None:
    tables = {suite.table for suite in suites("raw", [*SOURCE_TYPES])}
    of_all_types = {f"raw_{kind}.{name}" for kind in SOURCE_TYPES for name in SHARED}
    canonical = [kind for kind, source_type in SOURCE_TYPES.items() if source_type.is_canonical]
    assert tables == of_all_types | {f"raw_{kind}.{e}" for kind in canonical for e in ENTITIES}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_check_is_told_by_table_and_name(layer: Layer) -> None:
    names = Counter((check.table, check.name) for check in checks(layer, ["files"]))
    assert max(names.values()) == 1


@pytest.mark.parametrize("layer", LAYERS)
def test_a_column_of_a_frame_means_one_thing(layer: Layer) -> None:
    meanings: dict[tuple[str, str], str] = {}
    for check in checks(layer, ["files"]):
        for column, expression in check.columns.items():
            assert meanings.setdefault((check.table, column), expression) == expression


@pytest.mark.parametrize("layer", LAYERS)
def test_a_check_asks_for_the_columns_that_its_expectation_names(layer: Layer) -> None:
    for check in checks(layer, ["files"]):
        named = {check.arguments.get(key) for key in ("column", "column_A", "column_B")} - {None}
        assert set(check.columns) == named


def test_hygiene_is_checked_rule_by_rule_as_modelled() -> None:
    modelled = {
        model["name"]: tuple(
            column["name"] for column in model["columns"] if column["data_type"] == "boolean"
        )
        for path in (PROJECT / "dbt/models/hygiene").glob("fct_*.yml")
        for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    }
    checked = {
        suite.table.removeprefix("marts."): tuple(check.name for check in suite.checks)
        for suite in suites("marts", [])
        if suite.table.endswith("_hygiene")
    }
    assert checked == modelled == HYGIENE_RULES


def test_suites_are_read_without_great_expectations() -> None:
    code = "import sys, expectations.runner; print('\\n'.join(sys.modules))"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert "expectations.suites.raw" in loaded
    assert not {"great_expectations", "pandas", "pyarrow", "duckdb"} & set(loaded)


def test_the_audit_does_not_know_the_orchestrator() -> None:
    modules = list((PROJECT / "expectations").rglob("*.py"))
    assert modules
    for module in modules:
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            else:
                continue
            assert not [name for name in names if name.split(".")[0].startswith("dagster")]

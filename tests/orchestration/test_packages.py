"""The packages: rooms import one way, and the orchestrator only where it is needed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import dagster_project
from ingestion.paths import PROJECT

ROOMS = re.findall(r"^ {4}(\w+)", dagster_project.__doc__ or "", re.MULTILINE)
HEAVY = "dagster|dagster_dbt|dbt|great_expectations|rich"


def name(file: Path) -> str:
    parts = file.relative_to(PROJECT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name(file): ast.parse(file.read_text(encoding="utf-8"))
    for package in ("ingestion", "expectations", "dagster_project")
    for file in (PROJECT / package).rglob("*.py")
}


def imported(nodes: Iterator[ast.AST]) -> set[str]:
    """The modules of ours that these statements import."""
    named = (
        (one.module, alias.name)
        for one in nodes
        if isinstance(one, ast.ImportFrom) and one.module
        for alias in one.names
    )
    return {
        full if (full := f"{module}.{member}") in MODULES else module
        for module, member in named
        if module in MODULES
    }


def room(module: str) -> str:
    return module.split(".")[1]


def test_every_module_is_in_a_room() -> None:
    modules = [module for module in MODULES if module.startswith("dagster_project.")]
    assert {room(module) for module in modules} == set(ROOMS)


def test_a_room_imports_only_itself_and_those_above_it() -> None:
    upwards = [
        f"{module} imports {other}"
        for module, tree in MODULES.items()
        if module.startswith("dagster_project.")
        for other in imported(ast.walk(tree))
        if other.startswith("dagster_project.")
        and ROOMS.index(room(other)) > ROOMS.index(room(module))
    ]
    assert upwards == []


def modules_after(program: str) -> list[str]:
    """What a process has imported that has done something."""
    program += "\nimport sys; print(' '.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PROJECT, check=True, capture_output=True, text=True
    )
    return done.stdout.splitlines()[-1].split()


@pytest.mark.parametrize("package", ["ingestion", "expectations"])
def test_a_package_runs_without_the_orchestrator(package: str) -> None:
    modules = modules_after(
        f"import importlib, pkgutil, {package}\n"
        f"for module in pkgutil.walk_packages({package}.__path__, '{package}.'):\n"
        "    importlib.import_module(module.name)"
    )
    assert [module for module in modules if module.startswith("dagster")] == []


def test_a_check_imports_no_tool_that_it_does_not_need() -> None:
    """They take seconds each."""
    file = "tests/companies/edge_cases/company.yml"
    modules = modules_after(
        f"from dagster_project.cli import main\nmain(['check', '--company', '{file}'])"
    )
    assert "duckdb" in modules
    assert [module for module in modules if re.fullmatch(HEAVY, module)] == []

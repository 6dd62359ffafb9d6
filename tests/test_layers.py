"""The house of the code: imports that only look down and never go round, modules of one sitting."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path

import pytest

from ingestion.paths import PROJECT

LAYERS = ("ingestion", "expectations", "dagster_project", "tests")
"""The packages; each imports those before it."""
DBT = PROJECT / "dbt"
MOST_LINES = 400
"""Of a module; those of tests are lists of cases, which are read one by one."""
GENERATED = "Written by `make "
"""How files begin that are made of others: nobody reads them from top to bottom."""


def run_by(name: str) -> set[str]:
    """The modules that run when a module is imported, the packages of those among them.

    Its own packages are under way by then. What is imported for type checkers never runs: company
    file and source types name each other there.
    """
    named = _named(name, _outside_functions(_tree(name)))
    found = {part for module in named for part in _with_packages(module)} & _modules().keys()
    return found - {*_with_packages(name)}


def test_no_import_goes_round() -> None:
    graph = {name: run_by(name) for name in _modules()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"imports go round: {' <- '.join(error.args[1])}")


@pytest.mark.parametrize("package", LAYERS)
def test_imports_look_down(package: str) -> None:
    above = LAYERS[LAYERS.index(package) + 1 :]
    wrong = [
        f"{name} imports {imported}"
        for name in _modules()
        if name.split(".")[0] == package
        for imported in _named(name, ast.walk(_tree(name)))
        if imported.split(".")[0] in above
    ]
    assert wrong == []


def test_nothing_is_longer_than_one_reads_at_a_sitting() -> None:
    files = [
        *(path for name, path in _modules().items() if ".test_" not in name),
        *(
            path
            for room in ("models", "macros")
            for path in (PROJECT / "dbt" / room).rglob("*.sql")
        ),
    ]
    long = [
        f"{path.relative_to(PROJECT)}: {len(lines)} lines"
        for path in files
        if len(lines := path.read_text("utf-8").splitlines()) > MOST_LINES
        and GENERATED not in lines[0]
    ]
    assert long == []


@cache
def _modules() -> dict[str, Path]:
    """The files of all modules, by their names."""
    found = {}
    for package in LAYERS:
        for path in sorted((PROJECT / package).rglob("*.py")):
            name = ".".join(path.relative_to(PROJECT).with_suffix("").parts)
            found[name.removesuffix(".__init__")] = path
    return found


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse(_modules()[name].read_text("utf-8"))


def _outside_functions(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a module that run when it is imported: outside functions, not for types."""
    for child in ast.iter_child_nodes(node):
        is_for_types = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (is_for_types or isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield child
            yield from _outside_functions(child)


def _named(name: str, nodes: Iterator[ast.AST]) -> Iterator[str]:
    """The modules that import statements of a module name, and what may be one."""
    is_package = _modules()[name].name == "__init__.py"
    package = name if is_package else name.rpartition(".")[0]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = resolve_name("." * node.level + (node.module or ""), package)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def _with_packages(module: str) -> Iterator[str]:
    """A module and the packages that it is in."""
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))

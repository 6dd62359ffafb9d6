"""What the benchmarks run by its text, in processes of their own, imports what there is."""

from __future__ import annotations

import ast
import importlib

import pytest

from dagster_project.bench import overhead, scales

TEXTS = {
    name: text
    for module in (overhead, scales)
    for name, text in vars(module).items()
    if isinstance(text, str) and text.startswith("\nimport ")
}


@pytest.mark.parametrize("name", TEXTS)
def test_its_imports_are_there(name: str) -> None:
    for node in ast.walk(ast.parse(TEXTS[name])):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(str(node.module))
            assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []

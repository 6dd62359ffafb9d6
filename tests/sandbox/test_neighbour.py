"""The sandbox is a neighbour: one module knows its service, and it knows nobody in return."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from ingestion.contract.entities import ENTITIES
from ingestion.paths import PROJECT
from ingestion.sandbox.exports import OF_THE_CONTRACT

SANDBOX = PROJECT / "ingestion" / "sandbox"
PRODUCT = [PROJECT / name for name in ("ingestion", "expectations", "dagster_project")]
ROOMS: Mapping[str, set[str]] = {
    "world": set(),
    "exports": {"world"},
    "systems": {"world"},
    "server": {"world", "systems"},
    "service": {"world", "exports", "systems"},
}
"""What each room of the sandbox may import of the others; the server is started by its name."""


def imported(file: Path) -> Iterator[str]:
    """The modules, and what may be one, that a file imports anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file} imports relatively"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_one_module_knows_the_sandbox_and_of_it_the_service_alone() -> None:
    outside = [
        file
        for package in PRODUCT
        for file in package.rglob("*.py")
        if not file.is_relative_to(SANDBOX)
    ]
    # Code that is run by its text imports as well.
    naming = [file for file in outside if "ingestion.sandbox" in file.read_text(encoding="utf-8")]
    assert [file.name for file in naming] == ["simulation.py"]
    [seam] = naming
    assert {name for name in imported(seam) if name.startswith("ingestion.sandbox")} == {
        "ingestion.sandbox.service"
    }


def test_the_sandbox_knows_of_the_product_only_how_it_tells_errors() -> None:
    ours = ("ingestion", "expectations", "dagster_project", "tests")
    known = {
        name.rpartition(".")[0]
        for file in SANDBOX.rglob("*.py")
        for name in imported(file)
        if name.split(".")[0] in ours and not name.startswith("ingestion.sandbox")
    }
    assert known == {"ingestion.errors"}


def test_its_rooms_look_one_way() -> None:
    found: dict[str, set[str]] = {}
    for file in SANDBOX.rglob("*.py"):
        room = file.relative_to(SANDBOX).with_suffix("").parts[0]
        theirs = {name.split(".")[2] for name in imported(file) if "ingestion.sandbox." in name}
        found.setdefault(room, set()).update(theirs - {room})
    del found["__init__"]
    assert found == ROOMS


def test_the_world_holds_what_the_contract_asks_for() -> None:
    assert {*OF_THE_CONTRACT} == {*ENTITIES}

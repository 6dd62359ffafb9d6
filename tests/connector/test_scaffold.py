"""`make connector` writes a connector that is registered, typed, tidy and tested at once."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dagster_project.commands.connector.command import (
    ConnectorError,
    files_of,
    registered,
    write_connector,
)
from ingestion.contract.entities import ENTITIES
from ingestion.paths import PROJECT
from tests.recipes.scratch import Scratch

REGISTRY = PROJECT / "ingestion" / "sources" / "registry.py"


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Scratch:
    """A copy of the project in which two connectors are begun; leads have columns of most types."""
    scratch = Scratch.of(tmp_path_factory.mktemp("copy") / "project")
    for name, label, entity in (("polls", "Polls", "surveys"), ("my_crm2", "My CRM", "leads")):
        written = scratch.python(
            "dagster_project.cli", "connector", name, "--label", label, "--entity", entity
        )
        assert f"ingestion/sources/{name}/client.py" in written
    return scratch


def test_it_is_registered_and_has_what_the_engine_asks(scratch: Scratch) -> None:
    scratch.python("pytest", "-n", "0", "-q", "tests/ingestion/test_source_types.py")
    types = "from ingestion.sources.registry import SOURCE_TYPES; print(*SOURCE_TYPES)"
    assert {"polls", "my_crm2"} < {*scratch.run(sys.executable, "-c", types).split()}


def test_what_it_writes_is_as_lint_wants_it(scratch: Scratch) -> None:
    for name in ("polls", "my_crm2"):
        ours = [f"ingestion/sources/{name}", f"tests/{name}", "ingestion/sources/registry.py"]
        scratch.python("ruff", "check", *ours)
        scratch.python("ruff", "format", "--check", *ours)
        scratch.python("sqlfmt", "--quiet", "--check", f"dbt/models/staging/{name}")
    scratch.python("mypy", "-p", "ingestion.sources")


def test_it_loads_before_there_is_a_line_of_ones_own(scratch: Scratch) -> None:
    scratch.python("pytest", "-n", "0", "-q", "tests/polls", "tests/my_crm2")


def test_what_it_writes_follows_from_the_contract_as_the_rest_does(scratch: Scratch) -> None:
    before = scratch.commit().generated
    scratch.python("ingestion.contract.dbt_files")
    assert "dbt/macros/sources.sql" in before
    assert scratch.run("git", "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("name", "label", "entity", "told"),
    [
        ("hubspot", "HubSpot", "surveys", "ingestion/sources/hubspot is there already"),
        ("registry", "Registry", "surveys", "ingestion/sources/registry is there already"),
        ("kpis", "Kpis", "surveys", "tests/kpis is there already"),
        ("Polls", "Polls", "surveys", "not a name; give small letters"),
        ("class", "Class", "surveys", "not a name"),
        ("../polls", "Polls", "surveys", "not a name"),
        ("polls", 'Polls"', "surveys", "give the vendor's name in letters"),
        ("polls", "Polls", "survey", "did you mean 'surveys'"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    name: str, label: str, entity: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object, **__: object) -> None:
        raise AssertionError("it wrote")

    monkeypatch.setattr(Path, "write_text", write)
    with pytest.raises(ConnectorError, match=told):
        write_connector(name, label, entity)


def test_each_type_is_registered_once_and_in_order() -> None:
    text = registered(REGISTRY.read_text(encoding="utf-8"), "polls", "POLLS")
    imports = [line for line in text.split("\n") if line.startswith("from ingestion.sources.")]
    assert imports == sorted(imports)
    assert text.count("POLLS") == 2
    assert text.count("    POLLS,\n)") == 1


def test_every_entity_can_be_begun_with() -> None:
    for entity in ENTITIES.values():
        files = dict(files_of("polls", "Polls", entity))
        assert all("$" not in text.replace('s]+$"', "") for text in files.values()), entity.name
        for path, text in files.items():
            if path.suffix == ".py":
                compile(text, str(path), "exec")

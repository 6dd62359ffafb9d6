"""The front page: its lists, picture, queries and commands are those of the project."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from dagster_project.commands.front_page import front_page
from dagster_project.run.dbt_manifest import mart_tables, people_tables
from ingestion.contract.entities import ENTITIES
from ingestion.paths import PROJECT
from tests.conftest import Publish

README = (PROJECT / "README.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"```sql\n(.*?)```", README, re.DOTALL)
PICTURE = re.findall(r"```mermaid\n(.*?)```", README, re.DOTALL)[0]
MAKEFILE = (PROJECT / "Makefile").read_text(encoding="utf-8")


def listed(name: str) -> list[str]:
    """The first cells of a list."""
    found = re.search(f"<!-- {name}: [^>]* -->\n(.*?)<!-- end -->", README, re.DOTALL)
    assert found
    return [row.split(" | ")[0].removeprefix("| ") for row in found[1].splitlines()[2:]]


def test_the_lists_are_the_models(manifest: Mapping[str, Any]) -> None:
    assert front_page(manifest, README) == README, "run `make contract`"


def test_every_published_table_and_every_entity_is_listed(manifest: Mapping[str, Any]) -> None:
    assert {name.strip("`") for name in listed("marts")} == {
        table.name for table in mart_tables(manifest)
    }
    assert {name.strip("`") for name in listed("people")} == {
        table.name for table in people_tables(manifest)
    }
    names = [name.strip("`") for cell in listed("entities") for name in cell.split(", ")]
    assert sorted(names) == sorted(ENTITIES)


def test_what_a_manager_asks_is_answered_by_what_is_published(manifest: Mapping[str, Any]) -> None:
    answers = README.partition("| question |")[2].partition("```")[0]
    tables = set(re.findall(r"`((?:mart|fct|kpi)_\w+)`", answers))
    assert len(tables) > 8
    published = [*mart_tables(manifest), *people_tables(manifest)]
    assert tables <= {table.name for table in published}


def test_the_picture_is_of_the_rooms(manifest: Mapping[str, Any]) -> None:
    drawn = set()
    for line in re.sub(r"\[[^\]]*\]", "", PICTURE.partition("subgraph dbt")[2]).splitlines():
        drawn |= set(pairwise(line.replace(" ", "").split("-->")))
    models = {
        key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"
    }
    read = {
        (models[parent]["fqn"][1], model["fqn"][1])
        for model in models.values()
        for parent in model["depends_on"]["nodes"]
        if parent in models
    }
    rooms = {room for edge in read for room in edge}
    direct = {
        (above, below)
        for above, below in read
        if above != below and not _is_reached_otherwise(above, below, read)
    }
    assert len(rooms) > 8
    assert {edge for edge in drawn if rooms.issuperset(edge)} == direct


def _is_reached_otherwise(above: str, below: str, read: set[tuple[str, str]]) -> bool:
    """Whether a room comes to another by way of a third."""
    todo = [room for start, room in read if start == above and room not in (above, below)]
    seen = set(todo)
    while todo:
        room = todo.pop()
        new = {end for start, end in read if start == room} - seen
        seen |= new
        todo += new
    return below in seen


@pytest.mark.parametrize("name", ["edge_cases"])
def test_the_queries_have_answers(published: Publish, name: str) -> None:
    assert len(QUERIES) == 2
    for query in QUERIES:
        assert len(published(name).marts(query)), query


def test_the_commands_exist() -> None:
    pages = [README, *(page.read_text("utf-8") for page in (PROJECT / "docs").glob("*.md"))]
    named = {name for page in pages for name in re.findall(r"`make ([a-z]+)", page)}
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert len(named) > 8
    assert named <= targets
    variables = {name for page in pages for name in re.findall(r"`make \w+ ([A-Z_]+)=", page)}
    assert variables <= set(re.findall(r"^([A-Z_]+) \?=", MAKEFILE, re.MULTILINE))

"""The lists of README.md that follow from the models: `make contract` writes, a test asserts them.

What is published is said in the models' own words; what an entity feeds is dbt's lineage.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from dagster_project.run.dbt_manifest import MODEL, MartTable, mart_tables, metrics, people_tables
from dagster_project.run.nodes import BUILD
from ingestion.contract.entities import ENTITIES
from ingestion.paths import PROJECT

PAGE = PROJECT / "README.md"
ROOMS = PROJECT / "dbt" / "models" / "rooms.yml"
OF_ALL = (
    *("dim_date", "int_dimension_labels", "int_references", "mart_references"),
    *("kpi_members", "kpi_values"),
)
"""What has dates, names or references of all entities, or all metrics: it tells none apart."""
PEOPLE = "dim_rep"
"""Whoever owns anything is there; what is known of them is of users."""
LONGEST = 240
"""Characters of a sentence that is told whole."""


def front_page(manifest: Mapping[str, Any], page: str) -> str:
    """The page with its lists as the project has them."""
    lists = {
        "marts": _tables(manifest, mart_tables(manifest)),
        "people": _tables(manifest, people_tables(manifest)),
        "entities": _entities(manifest),
    }
    for name, lines in lists.items():
        listed = "".join(f"{line}\n" for line in lines)
        place = re.search(f"<!-- {name}: [^>]* -->\n(.*?)<!-- end -->", page, re.DOTALL)
        assert place, f"{PAGE.name} has no place for the list of {name}"
        page = page[: place.start(1)] + listed + page[place.end(1) :]
    return page


def _tables(manifest: Mapping[str, Any], tables: Sequence[MartTable]) -> Iterator[str]:
    groups = yaml.safe_load(ROOMS.read_text(encoding="utf-8"))["groups"]
    rooms = [group["name"] for group in groups]
    nodes = {node["name"]: node for node in manifest["nodes"].values()}
    yield "| table | what |"
    yield "|---|---|"
    for table in sorted(tables, key=lambda it: (rooms.index(nodes[it.name]["group"]), it.name)):
        yield f"| `{table.name}` | {_sentence(table.description)} |"


def _sentence(description: str) -> str:
    """The first sentence, of a long one what is before its colon."""
    [sentence, *_] = re.split(r"(?<=\.)\s", " ".join(description.split()), maxsplit=1)
    return sentence if len(sentence) <= LONGEST else f"{sentence.partition(': ')[0]}."


def _entities(manifest: Mapping[str, Any]) -> Iterator[str]:
    fed = {
        entity: _fed(manifest, entity, {*OF_ALL} if entity == "users" else {*OF_ALL, PEOPLE})
        for entity in ENTITIES
    }
    all_metrics = list(metrics(manifest))
    all_tables = [
        table.name
        for table in mart_tables(manifest)
        if not table.name.startswith("kpi_") and any(table.name in names for names in fed.values())
    ]
    yield "| entity | what | feeds |"
    yield "|---|---|---|"
    for entity, names in fed.items():
        if names.isdisjoint(all_tables):
            continue
        feeds = _named("tables", all_tables, names)
        if not names.isdisjoint(all_metrics):
            feeds += f"; {_named('metrics', all_metrics, names)}"
        yield f"| `{entity}` | {ENTITIES[entity].description} | {feeds} |"
    others = [entity for entity, names in fed.items() if names.isdisjoint(all_tables)]
    yield f"| {_listed(others)} | | no table of their own yet |"


def _fed(manifest: Mapping[str, Any], entity: str, apart: set[str]) -> set[str]:
    """The models that rest on an entity by name, but for some, and what only rests on these.

    What says which records to recompute is in no table.
    """
    found: set[str] = set()
    nodes = manifest["nodes"]
    apart = apart | {node["name"] for node in nodes.values() if node["schema"] == BUILD}
    todo = [f"int_{entity}__unioned"]
    while todo:
        children = manifest["child_map"][f"{MODEL}{todo.pop()}"]
        names = {key.removeprefix(MODEL) for key in children if key.startswith(MODEL)}
        new = names - found - apart
        found |= new
        todo += new
    return found


def _named(kind: str, names: Sequence[str], found: set[str]) -> str:
    """Which of the names were found, or which were not, whatever is shorter."""
    inside = [name for name in names if name in found]
    outside = [name for name in names if name not in found]
    if not outside:
        return f"all {kind}"
    if len(outside) < len(inside):
        return f"all {kind} but {_listed(outside)}"
    return _listed(inside)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def write(manifest: Mapping[str, Any]) -> None:
    """Write the page."""
    PAGE.write_text(front_page(manifest, PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    from dagster_project.run.dbt_runner import Dbt
    from dagster_project.run.opening import company_file
    from ingestion.company.reading import load_company

    write(Dbt.of(load_company(company_file())).manifest())

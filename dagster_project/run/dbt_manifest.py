"""What dbt's manifest tells of the models."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.publication import MARTS, PEOPLE

MODEL = "model.salesops."
"""What the keys of our models begin with."""

RawTables = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class MartTable:
    """A table to publish, with the descriptions that it and its columns carry."""

    name: str
    description: str
    columns: Mapping[str, str]


def mart_tables(manifest: Mapping[str, Any]) -> list[MartTable]:
    """The tables of the schema `marts`, by name, from dbt's manifest."""
    return _tables(manifest, MARTS)


def people_tables(manifest: Mapping[str, Any]) -> list[MartTable]:
    """The tables that are about single people, and not for all."""
    return _tables(manifest, PEOPLE)


def _tables(manifest: Mapping[str, Any], schema: str) -> list[MartTable]:
    found = [
        MartTable(
            node["alias"],
            node["description"],
            {column["name"]: column["description"] for column in node["columns"].values()},
        )
        for node in manifest["nodes"].values()
        if node["resource_type"] in ("model", "seed") and node["schema"] == schema
    ]
    return sorted(found, key=lambda table: table.name)


def definitions_hash(manifest: Mapping[str, Any]) -> str:
    """Hash of all models, seeds and macros: equal hashes, equal definitions of every number.

    What KPIs add up to is said in the `meta` of their YAML.
    """
    digest = hashlib.sha256()
    for macro_id, macro in sorted(manifest["macros"].items()):
        if macro["package_name"] == "salesops":
            digest.update(f"{macro_id}\0{macro['macro_sql']}\0".encode())
    for node_id, node in sorted(manifest["nodes"].items()):
        if node["resource_type"] in ("model", "seed"):
            meta = json.dumps(node["config"]["meta"], sort_keys=True)
            digest.update(f"{node_id}\0{node['checksum']['checksum']}\0{meta}\0".encode())
    return digest.hexdigest()


def metrics(manifest: Mapping[str, Any]) -> Iterator[str]:
    """The metrics, in the order in which they are united into `kpi_members`."""
    for key in manifest["nodes"][f"{MODEL}kpi_members"]["depends_on"]["nodes"]:
        if "variants" in manifest["nodes"][key]["config"]["meta"]:
            yield key.removeprefix(MODEL)


def raw_tables_of_kpis(manifest: Mapping[str, Any]) -> RawTables:
    """The raw tables that the KPIs rest on, by dataset, from dbt's manifest."""
    found: dict[str, list[str]] = {}
    seen = set()
    todo = [f"{MODEL}kpi_values"]
    while todo:
        node = todo.pop()
        if node in seen:
            continue
        seen.add(node)
        todo += manifest["parent_map"].get(node, [])
        if source := manifest["sources"].get(node):
            found.setdefault(source["schema"], []).append(source["name"])
    return found
